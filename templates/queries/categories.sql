-- Every category, with what fails for it now.
SELECT k.key, k.name, k.class, count(DISTINCT f.source_package_id) AS packages
FROM categories AS k
LEFT JOIN failures AS f ON f.category_id = k.id AND f.is_current
GROUP BY k.id
ORDER BY k.class, packages DESC, k.name
