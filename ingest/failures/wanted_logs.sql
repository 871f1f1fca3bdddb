-- The logs that new failures need, and those that could not be read before. One
-- report that was copied to several releases is asked for once, by its lowest id.
CREATE TEMP TABLE wanted_logs (
    kind TEXT, id INTEGER, build_id INTEGER, built_at TEXT, PRIMARY KEY (kind, id)
) WITHOUT ROWID;
CREATE TEMP TABLE reports AS
SELECT
    upstream_id,
    iso_time(built_at) AS built_at,
    min(upstream_id) OVER (
        PARTITION BY name, version, backend, architecture, coalesce(built_at, upstream_id), log,
            CASE WHEN :carries_status THEN upstream_id END
    ) AS first_id
FROM incoming_builds
WHERE upstream_id > :after AND typeof(upstream_id) = 'integer'
    AND (:keep_all OR status IN ('BAD', 'FAIL') OR upstream_id IN (
        SELECT upstream_build_id FROM incoming_build_artifacts
        WHERE status = 'BAD' AND upstream_build_id > :after
    ));
INSERT INTO wanted_logs
SELECT 'build', upstream_id, upstream_id, built_at FROM reports WHERE upstream_id = first_id;
INSERT INTO wanted_logs
SELECT 'diffoscope', coalesce(a.upstream_id, a.upstream_build_id), a.upstream_build_id, r.built_at
FROM reports AS r
CROSS JOIN incoming_build_artifacts AS a ON a.upstream_build_id = r.upstream_id
WHERE r.upstream_id = r.first_id AND a.status = 'BAD' AND a.has_diffoscope
    AND typeof(a.upstream_id) IN ('integer', 'null')
ON CONFLICT DO NOTHING;

-- Artifacts of an earlier build that could be read only now.
CREATE TEMP TABLE late_artifacts AS
SELECT a.upstream_id, a.upstream_build_id, a.has_diffoscope, b.built_at
FROM incoming_build_artifacts AS a
CROSS JOIN main.builds AS b
    ON b.rebuilder_id = :rebuilder_id AND b.generation = :generation AND b.upstream_id = a.upstream_build_id
WHERE :completes_artifacts AND a.upstream_build_id <= :after AND a.status = 'BAD' AND NOT EXISTS (
    SELECT 1 FROM main.build_artifacts AS m
    WHERE m.build_id = b.id AND m.name = a.name AND m.upstream_id IS a.upstream_id
);
INSERT INTO wanted_logs
SELECT 'diffoscope', coalesce(upstream_id, upstream_build_id), upstream_build_id, built_at
FROM late_artifacts
WHERE has_diffoscope AND typeof(upstream_id) IN ('integer', 'null')
ON CONFLICT DO NOTHING;
INSERT INTO wanted_logs
SELECT 'build', upstream_build_id, upstream_build_id, built_at FROM late_artifacts
WHERE true
ON CONFLICT DO NOTHING;

INSERT INTO wanted_logs
SELECT 'build', b.upstream_id, b.upstream_id, b.built_at
FROM main.failures AS f INDEXED BY failures_unread
CROSS JOIN main.builds AS b ON b.id = f.build_id
WHERE f.rule_set IS NULL AND f.rebuilder_id = :rebuilder_id AND b.generation = :generation
ON CONFLICT DO NOTHING;
INSERT INTO wanted_logs
SELECT 'diffoscope', f.diffoscope_upstream_id, b.upstream_id, b.built_at
FROM main.failures AS f INDEXED BY failures_unread
CROSS JOIN main.builds AS b ON b.id = f.build_id
WHERE f.rule_set IS NULL AND f.rebuilder_id = :rebuilder_id AND b.generation = :generation
    AND f.diffoscope_upstream_id IS NOT NULL
ON CONFLICT DO NOTHING;
