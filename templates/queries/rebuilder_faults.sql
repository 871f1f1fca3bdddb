-- Builds that the rebuilder's own machines or network spoilt in the seven days to its newest build, by category.
SELECT
    k.key AS category_key,
    k.name AS category,
    k.temporary,
    k.action,
    count(DISTINCT f.build_id) AS builds,
    count(DISTINCT f.source_package_id) AS packages,
    max(b.built_at) AS newest_at,
    k.id AS category_id
FROM rebuilders AS r
CROSS JOIN builds AS b INDEXED BY builds_built_at ON b.built_at > :since AND b.rebuilder_id = r.id AND b.copy_of IS NULL
CROSS JOIN failures AS f ON f.build_id = b.id
JOIN categories AS k ON k.id = f.category_id
WHERE r.name = :name AND k.class = 'infrastructure'
GROUP BY k.id
ORDER BY builds DESC, category
