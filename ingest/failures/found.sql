-- What failed in the packages with news, as their builds tell now.
CREATE TEMP TABLE affected_sources (id INTEGER PRIMARY KEY);
INSERT INTO affected_sources
SELECT id FROM touched_sources
UNION
SELECT s.id FROM main.source_packages AS s
WHERE :after = 0 AND s.attempts AND s.rebuilder_id = :rebuilder_id AND s.generation = :generation
UNION
SELECT f.source_package_id FROM main.failures AS f INDEXED BY failures_unread
WHERE f.rule_set IS NULL AND f.rebuilder_id = :rebuilder_id;

CREATE TEMP TABLE found_failures AS
SELECT
    b.id AS build_id,
    a.id AS build_artifact_id,
    s.id AS source_package_id,
    b.origin_id,
    s.is_current AND s.latest_build_id = b.id AS is_current,
    CASE WHEN a.has_diffoscope THEN coalesce(a.upstream_id, b.upstream_id) END AS diffoscope_id
FROM affected_sources AS t
CROSS JOIN main.source_packages AS s ON s.id = t.id
CROSS JOIN main.builds AS b ON b.source_package_id = s.id
CROSS JOIN main.build_artifacts AS a ON a.build_id = b.id
WHERE a.status = 'BAD'
UNION ALL
SELECT b.id, NULL, s.id, b.origin_id, s.is_current AND s.latest_build_id = b.id, NULL
FROM affected_sources AS t
CROSS JOIN main.source_packages AS s ON s.id = t.id
CROSS JOIN main.builds AS b ON b.source_package_id = s.id
WHERE b.status = 'FAIL';
CREATE UNIQUE INDEX temp.found_failures_identity
    ON found_failures (build_id, coalesce(build_artifact_id, 0));

DELETE FROM main.failures AS f
WHERE f.source_package_id IN (SELECT id FROM affected_sources) AND NOT EXISTS (
    SELECT 1 FROM found_failures AS n
    WHERE n.build_id = f.build_id AND coalesce(n.build_artifact_id, 0) = coalesce(f.build_artifact_id, 0)
);
UPDATE main.failures AS f SET
    source_package_id = n.source_package_id, origin_id = n.origin_id, is_current = n.is_current
FROM found_failures AS n
WHERE n.build_id = f.build_id AND coalesce(n.build_artifact_id, 0) = coalesce(f.build_artifact_id, 0)
    AND (f.source_package_id, f.origin_id, f.is_current)
        IS NOT (n.source_package_id, n.origin_id, n.is_current);

-- Those without a reason yet. A copy is explained by its own logs or by those of the build it repeats.
CREATE TEMP TABLE unexplained AS
SELECT
    n.*,
    b.generation,
    o.distribution,
    o.architecture,
    b.built_at,
    b.upstream_id AS log_id,
    first.upstream_id AS first_log_id,
    (
        SELECT coalesce(x.upstream_id, first.upstream_id) FROM main.build_artifacts AS a
        CROSS JOIN main.build_artifacts AS x ON x.build_id = first.id AND x.name = a.name
        WHERE a.id = n.build_artifact_id AND x.has_diffoscope
    ) AS first_diffoscope_id
FROM found_failures AS n
CROSS JOIN main.builds AS b ON b.id = n.build_id
CROSS JOIN main.origins AS o ON o.id = b.origin_id
LEFT JOIN main.builds AS first ON first.id = b.copy_of
LEFT JOIN main.failures AS f
    ON f.build_id = n.build_id AND coalesce(f.build_artifact_id, 0) = coalesce(n.build_artifact_id, 0)
WHERE f.id IS NULL OR f.rule_set IS NULL
ORDER BY n.build_id, n.build_artifact_id;
