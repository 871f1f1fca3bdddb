SELECT substr(b.built_at, 1, 10) AS at, b.rebuilder_id, b.origin_id, f.category_id, count(*) AS value
FROM main.builds AS b
CROSS JOIN main.failures AS f ON f.build_id = b.id
WHERE b.built_at >= :start AND b.built_at < :stop AND b.copy_of IS NULL
GROUP BY 1, 2, 3, 4;
