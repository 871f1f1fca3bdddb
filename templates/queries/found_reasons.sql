-- Categories whose name has what was typed, with the packages that fail for them now.
SELECT
    k.key,
    k.name,
    k.class,
    (SELECT count(DISTINCT f.source_package_id) FROM failures AS f WHERE f.category_id = k.id AND f.is_current = 1) AS packages
FROM categories AS k
WHERE instr(lower(k.name), lower(:typed))
ORDER BY packages DESC, k.name
LIMIT 10
