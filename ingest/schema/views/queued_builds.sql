-- What waited and what was being rebuilt when each rebuilder was read last.
SELECT
    s.name AS source,
    s.version,
    s.status,
    CASE WHEN q.started_at IS NULL THEN 'waits' ELSE 'runs' END AS state,
    q.priority,
    q.queued_at,
    q.started_at,
    w.name AS worker,
    s.is_current AS is_listed,
    s.retries,
    o.distribution,
    o.release,
    o.architecture,
    r.name AS rebuilder,
    s.latest_build_id,
    q.id AS queue_id,
    s.id AS source_package_id
FROM queue AS q
JOIN source_packages AS s ON s.id = q.source_package_id
JOIN origins AS o ON o.id = s.origin_id
JOIN rebuilders AS r ON r.id = q.rebuilder_id
LEFT JOIN workers AS w ON w.id = q.worker_id
