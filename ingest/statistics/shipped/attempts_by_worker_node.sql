SELECT substr(b.built_at, 1, 10) AS at, b.rebuilder_id, p.value AS worker_node, b.status, count(*) AS value
FROM main.builds AS b
CROSS JOIN main.build_properties AS p ON p.build_id = b.id AND p.name = 'worker_node'
WHERE b.built_at >= :start AND b.built_at < :stop AND b.copy_of IS NULL AND p.value IS NOT NULL
GROUP BY 1, 2, 3, 4;
