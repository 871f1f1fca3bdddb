SELECT
    r.name, o.label, o.distribution, o.release, o.architecture, x.captured_at,
    x.id, x.kind, x.counted, x.good, x.bad, x.fail, x.unknown
FROM main.snapshots AS x
CROSS JOIN main.rebuilders AS r ON r.id = x.rebuilder_id
LEFT JOIN main.origins AS o ON o.id = x.origin_id
WHERE x.captured_at >= :start AND x.captured_at < :stop
    AND (:origins IS NULL OR o.label IN (SELECT value FROM json_each(:origins)))
ORDER BY x.captured_at, x.id;
