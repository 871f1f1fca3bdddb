CREATE TEMP TABLE new_builds AS
SELECT
    m.id AS known_id,
    i.upstream_id,
    i.source_inferred,
    m.source_package_id AS former_source_id,
    m.built_at AS former_built_at,
    iso_time(i.started_at) AS started_at,
    iso_time(i.built_at) AS built_at,
    CASE WHEN :carries_status AND m.id IS NOT NULL THEN m.status ELSE i.status END AS status,
    i.log,
    i.backend,
    i.retries,
    map.id AS source_package_id,
    i.started_at IS NOT NULL AS is_started,
    i.built_at IS NOT NULL AS is_built,
    CASE
        WHEN i.status IS NOT NULL AND i.status NOT IN ('GOOD', 'BAD', 'FAIL', 'UNKWN') THEN 'status'
        WHEN typeof(i.upstream_id) <> 'integer' THEN 'id'
        WHEN typeof(i.log) NOT IN ('integer', 'null') THEN 'build_log_id'
        WHEN typeof(i.retries) NOT IN ('integer', 'null') THEN 'retries'
        WHEN map.id IS NULL THEN 'no source package'
        ELSE unreadable(i.backend)
    END AS problem
FROM incoming_builds AS i
LEFT JOIN source_map AS map ON map.source_key = i.source_key
LEFT JOIN main.builds AS m
    ON m.rebuilder_id = :rebuilder_id AND m.generation = :generation AND m.upstream_id = i.upstream_id
WHERE i.upstream_id > :after AND (
    m.id IS NULL
    OR (m.source_package_id, m.source_inferred) IS NOT (map.id, i.source_inferred)
        AND NOT (
            i.source_inferred AND NOT m.source_inferred
            AND m.source_package_id IN (SELECT id FROM source_map WHERE id IS NOT NULL)
        )
    OR (NOT :carries_status AND m.status IS NOT i.status)
    OR other_time(m.started_at, i.started_at) OR other_time(m.built_at, i.built_at)
    OR (i.log IS NOT NULL AND m.upstream_log_id IS NOT i.log)
)
-- Where upstream replaces results, what is left of an attempt is no other attempt.
AND NOT (:carries_status AND m.id IS NULL AND EXISTS (
    SELECT 1 FROM main.builds AS x
    WHERE x.source_package_id = map.id AND x.built_at = iso_time(i.built_at)
))
ORDER BY i.upstream_id;
UPDATE new_builds SET problem = CASE WHEN is_built AND built_at IS NULL THEN 'built_at' ELSE 'started_at' END
WHERE (is_started AND started_at IS NULL) OR (is_built AND built_at IS NULL);
INSERT INTO skipped
SELECT 'build', problem, count(*), min(upstream_id)
FROM new_builds WHERE problem IS NOT NULL GROUP BY problem;
DELETE FROM new_builds WHERE problem IS NOT NULL;

-- A link that a better source gave is not given up for an inferred one.
UPDATE new_builds SET source_package_id = former_source_id, source_inferred = 0
WHERE source_inferred AND known_id IS NOT NULL
    AND former_source_id IN (SELECT id FROM source_map WHERE id IS NOT NULL)
    AND NOT (SELECT m.source_inferred FROM main.builds AS m WHERE m.id = new_builds.known_id);

UPDATE main.builds AS m SET
    source_package_id = n.source_package_id,
    origin_id = (SELECT s.origin_id FROM main.source_packages AS s WHERE s.id = n.source_package_id),
    started_at = n.started_at,
    built_at = n.built_at,
    duration = CASE WHEN rtrim(n.built_at, 'Z') >= rtrim(n.started_at, 'Z')
        THEN round((julianday(n.built_at) - julianday(n.started_at)) * 86400, 3) END,
    status = n.status,
    source_inferred = n.source_inferred,
    upstream_log_id = coalesce(n.log, m.upstream_log_id)
FROM new_builds AS n WHERE m.id = n.known_id;

INSERT INTO main.builds (
    id, rebuilder_id, generation, origin_id, source_package_id, attempt, status, started_at,
    built_at, duration, source_inferred, upstream_id, upstream_log_id
)
SELECT
    :last_build_id + n.rowid, :rebuilder_id, :generation, s.origin_id, s.id, 1, n.status,
    n.started_at, n.built_at,
    CASE WHEN rtrim(n.built_at, 'Z') >= rtrim(n.started_at, 'Z')
        THEN round((julianday(n.built_at) - julianday(n.started_at)) * 86400, 3) END,
    n.source_inferred, n.upstream_id, n.log
FROM new_builds AS n
CROSS JOIN main.source_packages AS s ON s.id = n.source_package_id
WHERE n.known_id IS NULL
ORDER BY n.rowid
ON CONFLICT DO NOTHING;

INSERT INTO touched_sources
SELECT source_package_id FROM new_builds WHERE true
UNION
SELECT former_source_id FROM new_builds WHERE former_source_id IS NOT NULL
ON CONFLICT DO NOTHING;

-- Attempts are numbered in the order they were made, the latest one stands for the package.
-- (Window functions take nearly twice as long, as most packages have one or two attempts.)
CREATE TEMP TABLE ordered_builds AS
SELECT b.id, b.source_package_id, b.status, b.source_inferred
FROM touched_sources AS t
CROSS JOIN main.builds AS b ON b.source_package_id = t.id
ORDER BY t.id, rtrim(b.built_at, 'Z'), b.upstream_id;
CREATE TEMP TABLE numbered_builds AS
SELECT b.*, 1 + b.rowid - s.first_row AS attempt, b.rowid = s.last_row AS is_latest
FROM (
    SELECT min(rowid) AS first_row, max(rowid) AS last_row FROM ordered_builds GROUP BY source_package_id
) AS s
CROSS JOIN ordered_builds AS b ON b.rowid BETWEEN s.first_row AND s.last_row;
UPDATE main.builds SET attempt = n.attempt
FROM numbered_builds AS n WHERE builds.id = n.id AND builds.attempt <> n.attempt;
UPDATE main.source_packages AS s SET
    latest_build_id = n.id,
    attempts = n.attempt,
    status = CASE WHEN :carries_status THEN s.status ELSE n.status END
FROM numbered_builds AS n
WHERE n.is_latest AND s.id = n.source_package_id
    AND (s.latest_build_id, s.attempts, s.status)
        IS NOT (n.id, n.attempt, CASE WHEN :carries_status THEN s.status ELSE n.status END);
UPDATE main.source_packages AS s SET
    latest_build_id = NULL,
    attempts = 0,
    status = CASE WHEN :carries_status THEN s.status END,
    backend = CASE WHEN s.upstream_input_id IS NOT NULL THEN s.backend END,
    retries = CASE WHEN s.upstream_input_id IS NOT NULL THEN s.retries END
WHERE s.id IN (SELECT former_source_id FROM new_builds WHERE former_source_id IS NOT NULL)
    AND s.id NOT IN (SELECT source_package_id FROM numbered_builds);

-- Where links are inferred, upstream still says which build is the latest.
CREATE TEMP TABLE listed_latest AS
SELECT map.id AS source_package_id, b.id, b.status
FROM source_map AS map
CROSS JOIN incoming_source_packages AS i ON i.source_key = map.source_key
CROSS JOIN main.builds AS b
    ON b.rebuilder_id = :rebuilder_id AND b.generation = :generation
        AND b.upstream_id = i.latest_build AND b.source_package_id = map.id
WHERE map.id IN (SELECT source_package_id FROM numbered_builds WHERE source_inferred);
UPDATE main.source_packages AS s SET latest_build_id = l.id, status = l.status
FROM listed_latest AS l
WHERE s.id = l.source_package_id AND (s.latest_build_id, s.status) IS NOT (l.id, l.status);

-- The API knows a source package's backend and retries from its builds only.
UPDATE main.source_packages AS s SET backend = n.backend, retries = n.retries
FROM new_builds AS n
JOIN main.builds AS b
    ON b.rebuilder_id = :rebuilder_id AND b.generation = :generation AND b.upstream_id = n.upstream_id
WHERE NOT :carries_inputs AND s.id = n.source_package_id AND s.latest_build_id = b.id
    AND (s.backend, s.retries) IS NOT (n.backend, n.retries);

-- Copies of one report (friends) repeat the build with the lowest upstream id.
-- Input URL and log tell them apart where both sides have them.
CREATE TEMP TABLE shared_times AS
SELECT b.built_at
FROM (
    SELECT built_at FROM new_builds
    UNION
    SELECT former_built_at FROM new_builds WHERE former_built_at IS NOT NULL
    UNION
    SELECT b.built_at FROM other_inputs AS s CROSS JOIN main.builds AS b ON b.source_package_id = s.id
) AS t
CROSS JOIN main.builds AS b INDEXED BY builds_built_at
    ON b.built_at = t.built_at AND b.rebuilder_id = :rebuilder_id AND b.generation = :generation
GROUP BY b.built_at HAVING count(*) > 1 OR count(b.copy_of) > 0;
CREATE TEMP TABLE copied_builds AS
SELECT
    b.id,
    b.upstream_id,
    b.copy_of,
    dense_rank() OVER (ORDER BY b.built_at, s.name, s.version, o.architecture, s.backend) AS report,
    s.input_url,
    b.upstream_log_id AS log,
    1 AS is_first
FROM shared_times AS t
CROSS JOIN main.builds AS b INDEXED BY builds_built_at
    ON b.built_at = t.built_at AND b.rebuilder_id = :rebuilder_id AND b.generation = :generation
CROSS JOIN main.source_packages AS s ON s.id = b.source_package_id
CROSS JOIN main.origins AS o ON o.id = b.origin_id;
CREATE INDEX temp.copied_builds_report ON copied_builds (report, upstream_id);
UPDATE copied_builds AS c SET is_first = 0 WHERE EXISTS (
    SELECT 1 FROM copied_builds AS f INDEXED BY copied_builds_report
    WHERE f.report = c.report AND f.upstream_id < c.upstream_id
        AND coalesce(f.input_url = c.input_url, 1) AND coalesce(f.log = c.log, 1)
);
CREATE TEMP TABLE copies AS
SELECT
    c.id,
    c.copy_of AS former,
    (
        SELECT f.id FROM copied_builds AS f INDEXED BY copied_builds_report
        WHERE f.report = c.report AND f.upstream_id < c.upstream_id AND f.is_first
            AND coalesce(f.input_url = c.input_url, 1) AND coalesce(f.log = c.log, 1)
        ORDER BY f.upstream_id LIMIT 1
    ) AS copy_of
FROM copied_builds AS c;
UPDATE main.builds SET copy_of = c.copy_of
FROM copies AS c WHERE builds.id = c.id AND c.former IS NOT c.copy_of;
UPDATE main.builds SET copy_of = NULL
WHERE copy_of IS NOT NULL AND built_at IS NULL AND id IN (SELECT known_id FROM new_builds);
