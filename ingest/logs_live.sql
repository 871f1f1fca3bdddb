-- The logs that failures refer to.
SELECT r.name, b.generation, 'build', f.log_upstream_id
FROM failures AS f
JOIN builds AS b ON b.id = f.build_id
JOIN rebuilders AS r ON r.id = f.rebuilder_id
WHERE f.log_upstream_id IS NOT NULL
UNION ALL
SELECT r.name, b.generation, 'diffoscope', f.diffoscope_upstream_id
FROM failures AS f
JOIN builds AS b ON b.id = f.build_id
JOIN rebuilders AS r ON r.id = f.rebuilder_id
WHERE f.diffoscope_upstream_id IS NOT NULL;
