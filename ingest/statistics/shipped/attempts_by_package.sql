SELECT
    date(substr(b.built_at, 1, 10), '-6 days', 'weekday 1') AS at,
    b.rebuilder_id,
    b.origin_id,
    s.name AS package,
    count(*) AS value
FROM main.builds AS b
CROSS JOIN main.source_packages AS s ON s.id = b.source_package_id
WHERE b.built_at >= :start AND b.built_at < :stop AND b.copy_of IS NULL
GROUP BY 1, 2, 3, 4;
