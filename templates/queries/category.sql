-- What a category is, and what fails for it now and failed in all.
SELECT
    k.*,
    (SELECT count(*) FROM failures AS f WHERE f.category_id = k.id) AS failures_ever,
    count(f.id) AS failures,
    count(DISTINCT f.source_package_id) AS packages
FROM categories AS k
LEFT JOIN failures AS f ON f.category_id = k.id AND f.is_current
WHERE k.key = :key
GROUP BY k.id
