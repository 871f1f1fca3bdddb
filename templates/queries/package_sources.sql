-- Other source packages that give a binary package of this name.
SELECT DISTINCT s.name
FROM binary_packages AS b
JOIN source_packages AS s ON s.id = b.source_package_id
WHERE b.name = :name AND s.name <> :name
ORDER BY s.name
LIMIT 20
