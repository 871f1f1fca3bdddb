-- The same for binary packages.
CREATE TEMP TABLE binary_map (binary_key INTEGER PRIMARY KEY, id INTEGER, changed INTEGER);
INSERT INTO binary_map
SELECT
    i.binary_key,
    m.id,
    (m.name, m.version, m.architecture, m.component, m.artifact_url, m.source_package_id,
        m.source_inferred)
        IS NOT (i.name, i.version, i.architecture, i.component, i.artifact_url, map.id,
            i.source_inferred)
    OR (m.origin_id, m.is_current) IS NOT (
        coalesce(s.origin_id, m.origin_id), CASE WHEN s.id IS NULL THEN i.seen ELSE s.is_current END
    )
    OR (:carries_status AND m.status IS NOT i.status)
FROM main.binary_packages AS m
CROSS JOIN incoming_binary_packages AS i ON i.upstream_id = m.upstream_id
LEFT JOIN source_map AS map ON map.source_key = i.source_key
LEFT JOIN main.source_packages AS s ON s.id = map.id
WHERE m.rebuilder_id = :rebuilder_id AND m.generation = :generation AND m.upstream_id IS NOT NULL;
INSERT INTO binary_map
SELECT binary_key, NULL, 1 FROM incoming_binary_packages
WHERE :known_before AND binary_key NOT IN (SELECT binary_key FROM binary_map);
DROP TABLE changed_keys;
CREATE TEMP TABLE changed_keys AS
SELECT binary_key, id FROM binary_map WHERE changed
UNION ALL
SELECT binary_key, NULL FROM incoming_binary_packages WHERE NOT :known_before;

CREATE TEMP TABLE changed_binaries AS
SELECT
    k.id,
    source.id AS source_package_id,
    NULL AS origin_id,
    NULL AS is_current,
    i.*,
    CASE
        WHEN coalesce(i.name, '') = '' THEN 'name'
        WHEN coalesce(i.version, '') = '' THEN 'version'
        WHEN coalesce(i.architecture, '') = '' THEN 'architecture'
        WHEN coalesce(i.distribution, '') = '' THEN 'distribution'
        WHEN coalesce(i.origin_architecture, '') = '' THEN 'architecture'
        WHEN typeof(i.upstream_id) NOT IN ('integer', 'null') THEN 'id'
        WHEN i.seen IS NULL OR i.seen NOT IN (0, 1) THEN 'seen_in_last_sync'
        WHEN i.status IS NOT NULL AND i.status NOT IN ('GOOD', 'BAD', 'FAIL', 'UNKWN') THEN 'status'
        ELSE coalesce(
            unreadable(i.name, i.version, i.architecture, i.component, i.artifact_url),
            CASE WHEN source.id IS NULL
                THEN unreadable(i.distribution, i.release, i.origin_architecture) END
        )
    END AS problem
FROM changed_keys AS k
CROSS JOIN incoming_binary_packages AS i ON i.binary_key = k.binary_key
LEFT JOIN source_map AS source ON source.source_key = i.source_key;
INSERT INTO skipped
SELECT 'binary package', problem, count(*), min(binary_key)
FROM changed_binaries WHERE problem IS NOT NULL GROUP BY problem;
DELETE FROM changed_binaries WHERE problem IS NOT NULL;

INSERT INTO main.origins (distribution, release, architecture, label)
SELECT DISTINCT distribution, nullif(release, ''), origin_architecture,
    distribution || '/' || coalesce(nullif(release, ''), '-') || '/' || origin_architecture
FROM changed_binaries WHERE source_package_id IS NULL
ON CONFLICT DO NOTHING;

-- A row that was read from another kind of source before has other upstream ids.
UPDATE changed_binaries AS c SET id = (
    SELECT m.id FROM main.binary_packages AS m
    WHERE m.source_package_id = c.source_package_id AND m.name = c.name
        AND m.version = c.version AND m.architecture = c.architecture
        AND (m.component IS c.component OR m.component IS NULL OR c.component IS NULL)
        AND (m.upstream_id IS NULL OR c.upstream_id IS NULL)
)
WHERE id IS NULL AND :known_before;
UPDATE binary_map SET id = c.id
FROM changed_binaries AS c
WHERE c.binary_key = binary_map.binary_key AND binary_map.id IS NULL AND :known_before;

-- A link that a better source gave is not given up for an inferred one.
UPDATE changed_binaries SET source_package_id = m.source_package_id, source_inferred = 0
FROM main.binary_packages AS m
WHERE changed_binaries.source_inferred AND m.id = changed_binaries.id AND NOT m.source_inferred
    AND m.source_package_id IS NOT NULL;

-- A binary is where its source is, and comes and goes with it.
UPDATE changed_binaries SET origin_id = s.origin_id, is_current = s.is_current
FROM main.source_packages AS s
WHERE s.id = changed_binaries.source_package_id AND changed_binaries.id IS NOT NULL;
UPDATE changed_binaries SET is_current = seen WHERE source_package_id IS NULL AND id IS NOT NULL;

INSERT INTO main.package_names (name)
SELECT c.name FROM changed_binaries AS c
WHERE true
ON CONFLICT DO NOTHING;

UPDATE main.binary_packages AS m SET
    source_package_id = coalesce(c.source_package_id, m.source_package_id),
    origin_id = coalesce(c.origin_id, m.origin_id),
    name = c.name,
    name_id = (SELECT n.id FROM main.package_names AS n WHERE n.name = c.name),
    version = c.version,
    architecture = c.architecture,
    component = c.component,
    artifact_url = c.artifact_url,
    is_current = c.is_current,
    source_inferred = c.source_inferred,
    status = CASE WHEN :carries_status THEN c.status ELSE m.status END,
    upstream_id = coalesce(c.upstream_id, m.upstream_id)
FROM changed_binaries AS c
WHERE m.id = c.id AND (
    (m.name, m.version, m.architecture, m.component, m.artifact_url, m.source_inferred)
        IS NOT (c.name, c.version, c.architecture, c.component, c.artifact_url, c.source_inferred)
    OR (c.source_package_id IS NOT NULL AND m.source_package_id IS NOT c.source_package_id)
    OR (c.upstream_id IS NOT NULL AND m.upstream_id IS NOT c.upstream_id)
    OR (m.origin_id, m.is_current) IS NOT (coalesce(c.origin_id, m.origin_id), c.is_current)
    OR (:carries_status AND m.status IS NOT c.status)
);

-- Missing artifacts: FAIL only if the build failed, never built without a build, else unknown.
INSERT INTO main.binary_packages (
    id, rebuilder_id, generation, origin_id, source_package_id, name, version, architecture,
    component, status, is_current, latest_artifact_id, artifact_url, source_inferred, name_id, upstream_id
)
SELECT
    :last_binary_id + c.rowid, :rebuilder_id, :generation,
    coalesce(s.origin_id, o.id), s.id, c.name, c.version, c.architecture, c.component,
    CASE
        WHEN :carries_status THEN c.status
        WHEN a.status IS NOT NULL THEN a.status
        WHEN s.status = 'FAIL' THEN 'FAIL'
        WHEN s.latest_build_id IS NOT NULL THEN 'UNKWN'
    END,
    coalesce(s.is_current, c.seen), a.id, c.artifact_url, c.source_inferred, n.id, c.upstream_id
FROM changed_binaries AS c
CROSS JOIN main.package_names AS n ON n.name = c.name
LEFT JOIN main.source_packages AS s ON s.id = c.source_package_id
LEFT JOIN main.origins AS o
    ON c.source_package_id IS NULL AND o.distribution = c.distribution AND coalesce(o.release, '') = coalesce(c.release, '')
        AND o.architecture = c.origin_architecture
LEFT JOIN main.build_artifacts AS a ON a.id = (
    SELECT min(x.id) FROM main.build_artifacts AS x
    WHERE x.build_id = s.latest_build_id AND x.name = c.name
)
WHERE c.id IS NULL
ORDER BY c.rowid
ON CONFLICT DO NOTHING;

UPDATE main.binary_packages SET is_current = 0
WHERE id IN (
    SELECT m.id
    FROM main.binary_packages AS m
    LEFT JOIN binary_map AS k ON k.binary_key = m.upstream_id AND k.id = m.id
    WHERE m.id <= :last_binary_id AND m.rebuilder_id = :rebuilder_id AND m.generation = :generation
        AND m.is_current
        AND CASE WHEN k.id IS NULL
            THEN m.id NOT IN (SELECT id FROM binary_map WHERE id IS NOT NULL)
                AND m.origin_id NOT IN (SELECT origin_id FROM gap_origins) END
);

-- The binaries of a source with new builds take the result of the latest one.
CREATE TEMP TABLE binary_results AS
SELECT
    b.id,
    a.id AS artifact_id,
    CASE
        WHEN :carries_status THEN b.status
        WHEN a.status IS NOT NULL THEN a.status
        WHEN s.status = 'FAIL' THEN 'FAIL'
        WHEN s.latest_build_id IS NOT NULL THEN 'UNKWN'
    END AS status
FROM (
    SELECT id FROM touched_sources
    UNION SELECT source_package_id FROM changed_binaries WHERE id IS NOT NULL
) AS t
CROSS JOIN main.source_packages AS s ON s.id = t.id
CROSS JOIN main.binary_packages AS b ON b.source_package_id = s.id
LEFT JOIN main.build_artifacts AS a ON a.id = (
    SELECT min(x.id) FROM main.build_artifacts AS x
    WHERE x.build_id = s.latest_build_id AND x.name = b.name
)
WHERE b.id <= :last_binary_id;
UPDATE main.binary_packages AS m SET latest_artifact_id = n.artifact_id, status = n.status
FROM binary_results AS n
WHERE m.id = n.id AND (m.latest_artifact_id, m.status) IS NOT (n.artifact_id, n.status);
