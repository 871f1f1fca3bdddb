-- Which logs of failures are largest?
WITH logs AS (
    SELECT build_id, min(id) AS failure_id, 'log' AS kind, log_bytes AS bytes
    FROM failures WHERE log_bytes IS NOT NULL
    GROUP BY build_id
    UNION ALL
    SELECT build_id, id, 'diffoscope', diffoscope_bytes
    FROM failures WHERE diffoscope_bytes IS NOT NULL
),
found AS (
    SELECT l.failure_id, l.kind, l.bytes, count(*) OVER () AS logs_in_all
    FROM logs AS l
    JOIN builds AS b ON b.id = l.build_id
    JOIN origins AS o ON o.id = b.origin_id
    JOIN rebuilders AS r ON r.id = b.rebuilder_id
    WHERE b.copy_of IS NULL
        AND (:kind = '' OR l.kind = lower(:kind))
        AND (:distribution = '' OR o.distribution = :distribution)
        AND (:release = '' OR o.release = :release)
        AND (:architecture = '' OR o.architecture = :architecture)
        AND (:rebuilder = '' OR r.name = :rebuilder)
    ORDER BY l.bytes DESC, l.failure_id
    LIMIT 50
)
SELECT
    l.bytes,
    l.kind,
    s.name AS source,
    s.version,
    a.name AS artifact,
    b.built_at,
    '/failures/' || l.failure_id || '/' || l.kind AS log,
    o.distribution,
    o.release,
    o.architecture,
    r.name AS rebuilder,
    l.failure_id,
    b.id AS build_id,
    l.logs_in_all
FROM found AS l
CROSS JOIN failures AS f ON f.id = l.failure_id
JOIN builds AS b ON b.id = f.build_id
JOIN source_packages AS s ON s.id = b.source_package_id
JOIN origins AS o ON o.id = b.origin_id
JOIN rebuilders AS r ON r.id = b.rebuilder_id
LEFT JOIN build_artifacts AS a ON a.id = f.build_artifact_id AND l.kind = 'diffoscope'
ORDER BY l.bytes DESC, l.failure_id
