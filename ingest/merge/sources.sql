-- Which published row each listed source package is: by upstream's ids, else by its name
-- and place. Where none is published yet, all are new and the map is filled at the end.
CREATE TEMP TABLE source_map (source_key INTEGER PRIMARY KEY, id INTEGER);
INSERT INTO source_map
SELECT i.source_key, m.id
FROM main.source_packages AS m INDEXED BY source_packages_upstream
CROSS JOIN incoming_source_packages AS i
    ON i.upstream_input_id = m.upstream_input_id AND +i.upstream_source_id = m.upstream_source_id
WHERE m.rebuilder_id = :rebuilder_id AND m.generation = :generation;
INSERT INTO source_map
SELECT
    i.source_key,
    CASE WHEN i.upstream_input_id IS NULL THEN (
        SELECT x.id FROM main.origins AS place
        CROSS JOIN main.source_packages AS x INDEXED BY source_packages_identity
            ON x.name = i.name AND x.version = i.version AND x.origin_id = place.id
                AND x.rebuilder_id = :rebuilder_id AND x.generation = :generation
                AND x.ordinal = i.ordinal
        WHERE place.distribution = i.distribution AND coalesce(place.release, '') = coalesce(i.release, '')
            AND place.architecture = i.architecture
            AND (
                i.upstream_source_id IS NULL
                OR (x.upstream_source_id = i.upstream_source_id AND i.latest_build IS (
                    SELECT b.upstream_id FROM main.builds AS b WHERE b.id = x.latest_build_id
                ))
            )
    ) END
FROM incoming_source_packages AS i
WHERE :known_before AND i.source_key NOT IN (SELECT source_key FROM source_map);

CREATE TEMP TABLE changed_keys AS
SELECT k.source_key, k.id
FROM source_map AS k
CROSS JOIN incoming_source_packages AS i ON i.source_key = k.source_key
LEFT JOIN main.source_packages AS m ON m.id = k.id
LEFT JOIN main.origins AS o ON o.id = m.origin_id
WHERE m.id IS NULL
    OR (m.name, m.version, m.is_current) IS NOT (i.name, i.version, i.seen)
    OR (o.distribution, o.architecture, coalesce(o.release, ''))
        IS NOT (i.distribution, i.architecture, coalesce(i.release, ''))
    OR (i.last_seen IS NOT NULL AND other_time(m.last_seen, i.last_seen))
    OR (:carries_inputs AND (
        (m.input_url, m.backend, m.retries) IS NOT (i.input_url, i.backend, i.retries)
        OR other_time(m.next_retry, i.next_retry)
    ))
    OR (:carries_status AND m.status IS NOT i.status)
UNION ALL
SELECT source_key, NULL FROM incoming_source_packages WHERE NOT :known_before;

CREATE TEMP TABLE listed_origins AS
SELECT DISTINCT i.distribution, nullif(i.release, '') AS release, i.architecture
FROM changed_keys AS k
CROSS JOIN incoming_source_packages AS i ON i.source_key = k.source_key;
INSERT INTO main.origins (distribution, release, architecture, label)
SELECT distribution, release, architecture,
    distribution || '/' || coalesce(release, '-') || '/' || architecture
FROM listed_origins
WHERE distribution <> '' AND architecture <> ''
    AND unreadable(distribution, release, architecture) IS NULL
ON CONFLICT DO NOTHING;

-- What differs or is new, and what is wrong with it. An origin that is published
-- was checked before.
CREATE TEMP TABLE changed_sources AS
SELECT
    k.id,
    o.id AS origin_id,
    i.*,
    iso_time(i.last_seen) AS last_seen_at,
    iso_time(i.next_retry) AS next_retry_at,
    CASE
        WHEN coalesce(i.name, '') = '' THEN 'name'
        WHEN coalesce(i.version, '') = '' THEN 'version'
        WHEN coalesce(i.distribution, '') = '' THEN 'distribution'
        WHEN coalesce(i.architecture, '') = '' THEN 'architecture'
        WHEN typeof(i.retries) NOT IN ('integer', 'null') THEN 'retries'
        WHEN typeof(i.upstream_source_id) NOT IN ('integer', 'null')
            OR typeof(i.upstream_input_id) NOT IN ('integer', 'null') THEN 'id'
        WHEN i.seen IS NULL OR i.seen NOT IN (0, 1) THEN 'seen_in_last_sync'
        WHEN i.status IS NOT NULL AND i.status NOT IN ('GOOD', 'BAD', 'FAIL', 'UNKWN') THEN 'status'
        WHEN o.id IS NULL THEN unreadable(i.distribution, i.release, i.architecture)
        ELSE unreadable(i.name, i.version, i.input_url, i.backend)
    END AS problem
FROM changed_keys AS k
CROSS JOIN incoming_source_packages AS i ON i.source_key = k.source_key
LEFT JOIN main.origins AS o
    ON o.distribution = i.distribution AND coalesce(o.release, '') = coalesce(i.release, '')
        AND o.architecture = i.architecture;
UPDATE changed_sources SET problem = 'last_seen' WHERE last_seen IS NOT NULL AND last_seen_at IS NULL;
UPDATE changed_sources SET problem = 'next_retry' WHERE next_retry IS NOT NULL AND next_retry_at IS NULL;
INSERT INTO skipped
SELECT 'source package', problem, count(*), min(source_key)
FROM changed_sources WHERE problem IS NOT NULL GROUP BY problem;
DELETE FROM source_map WHERE source_key IN (
    SELECT source_key FROM changed_sources WHERE problem IS NOT NULL AND id IS NULL
);
DELETE FROM changed_sources WHERE problem IS NOT NULL;

-- A row that was read from another kind of source before has other upstream ids.
UPDATE changed_sources SET id = coalesce(
    (
        SELECT m.id FROM main.source_packages AS m INDEXED BY source_packages_identity
        WHERE m.name = changed_sources.name AND m.version = changed_sources.version
            AND m.origin_id = changed_sources.origin_id AND m.rebuilder_id = :rebuilder_id
            AND m.generation = :generation AND m.ordinal = changed_sources.ordinal
            AND m.id NOT IN (SELECT id FROM source_map WHERE id IS NOT NULL)
    ),
    (
        SELECT m.id FROM main.source_packages AS m
        JOIN main.origins AS o ON o.id = m.origin_id
        WHERE m.rebuilder_id = :rebuilder_id AND m.generation = :generation
            AND m.upstream_source_id = changed_sources.upstream_source_id
            AND m.ordinal = changed_sources.ordinal AND m.name = changed_sources.name
            AND o.architecture = changed_sources.architecture
            AND m.id NOT IN (SELECT id FROM source_map WHERE id IS NOT NULL)
    )
)
WHERE id IS NULL AND :known_before;
UPDATE source_map SET id = c.id
FROM changed_sources AS c WHERE c.source_key = source_map.source_key AND source_map.id IS NULL AND :known_before;

-- Rows that go by another name, version or origin from now on. They make room
-- for each other first; where a published row keeps the place, they go behind it.
CREATE TEMP TABLE moved_sources AS
SELECT m.id, c.origin_id FROM changed_sources AS c
CROSS JOIN main.source_packages AS m ON m.id = c.id
WHERE (m.name, m.version, m.origin_id) IS NOT (c.name, c.version, c.origin_id);
-- Packages whose builds may be copies of other builds now.
CREATE TEMP TABLE other_inputs AS
SELECT id FROM moved_sources
UNION
SELECT m.id FROM changed_sources AS c
CROSS JOIN main.source_packages AS m ON m.id = c.id
WHERE :carries_inputs AND m.attempts AND (m.input_url, m.backend) IS NOT (c.input_url, c.backend);
-- Days from which they, and packages that return, count otherwise than before.
CREATE TEMP TABLE recount AS
SELECT substr(min(b.built_at), 1, 10) AS day FROM main.builds AS b
WHERE b.source_package_id IN (SELECT id FROM moved_sources)
UNION ALL
SELECT substr(min(m.last_seen), 1, 10) FROM changed_sources AS c
CROSS JOIN main.source_packages AS m ON m.id = c.id
WHERE c.seen AND NOT m.is_current;
UPDATE main.source_packages SET ordinal = -id WHERE id IN (SELECT id FROM moved_sources);
CREATE TEMP TABLE last_ordinals (
    name, version, origin_id, ordinal, PRIMARY KEY (name, version, origin_id)
) WITHOUT ROWID;
INSERT INTO last_ordinals
SELECT name, version, origin_id, max(ordinal) FROM changed_sources
WHERE :known_before GROUP BY name, version, origin_id;
UPDATE changed_sources AS c SET ordinal = c.ordinal + 1 + max(
    (
        SELECT max(m.ordinal) FROM main.source_packages AS m INDEXED BY source_packages_identity
        WHERE m.name = c.name AND m.version = c.version AND m.origin_id = c.origin_id
            AND m.rebuilder_id = :rebuilder_id AND m.generation = :generation
    ),
    (
        SELECT x.ordinal FROM last_ordinals AS x
        WHERE x.name = c.name AND x.version = c.version AND x.origin_id = c.origin_id
    )
)
WHERE :known_before AND (id IS NULL OR id IN (SELECT id FROM moved_sources)) AND EXISTS (
    SELECT 1 FROM main.source_packages AS m INDEXED BY source_packages_identity
    WHERE m.name = c.name AND m.version = c.version AND m.origin_id = c.origin_id
        AND m.rebuilder_id = :rebuilder_id AND m.generation = :generation AND m.ordinal = c.ordinal
);

-- Published rows that are listed no more. Most are found by their key at once.
CREATE TEMP TABLE vanished_sources AS
SELECT m.id, m.origin_id
FROM main.source_packages AS m
LEFT JOIN source_map AS k ON k.source_key = m.upstream_input_id AND k.id = m.id
WHERE :known_before AND m.rebuilder_id = :rebuilder_id AND m.generation = :generation AND m.is_current
    AND CASE WHEN k.id IS NULL
        THEN m.id NOT IN (SELECT id FROM source_map WHERE id IS NOT NULL) END;
