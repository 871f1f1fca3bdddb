-- Which logs of failures are largest?
WITH logs AS (
    SELECT build_id, min(id) AS failure_id, 'log' AS kind, log_bytes AS bytes
    FROM failures WHERE log_bytes IS NOT NULL
    GROUP BY build_id
    UNION ALL
    SELECT build_id, id, 'diffoscope', diffoscope_bytes
    FROM failures WHERE diffoscope_bytes IS NOT NULL
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
    l.build_id,
    count(*) OVER () AS logs_in_all
FROM logs AS l
JOIN builds AS b ON b.id = l.build_id
JOIN source_packages AS s ON s.id = b.source_package_id
JOIN origins AS o ON o.id = b.origin_id
JOIN rebuilders AS r ON r.id = b.rebuilder_id
JOIN failures AS f ON f.id = l.failure_id
LEFT JOIN build_artifacts AS a ON a.id = f.build_artifact_id AND l.kind = 'diffoscope'
WHERE b.copy_of IS NULL
    AND (:kind = '' OR l.kind = lower(:kind))
    AND (:distribution = '' OR o.distribution = :distribution)
    AND (:release = '' OR o.release = :release)
    AND (:architecture = '' OR o.architecture = :architecture)
    AND (:rebuilder = '' OR r.name = :rebuilder)
ORDER BY l.bytes DESC
LIMIT 50
