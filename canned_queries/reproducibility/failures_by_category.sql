-- Why do packages fail now? One row for each category.
SELECT
    k.name AS category,
    k.class,
    count(DISTINCT f.source_package_id) AS packages,
    count(*) AS failures,
    k.temporary,
    k.action,
    k.bug,
    k.description,
    k.key AS category_key,
    nullif(:distribution, '') AS distribution,
    nullif(:release, '') AS release,
    nullif(:architecture, '') AS architecture,
    nullif(:rebuilder, '') AS rebuilder
FROM failures AS f
JOIN categories AS k ON k.id = f.category_id
JOIN origins AS o ON o.id = f.origin_id
JOIN rebuilders AS r ON r.id = f.rebuilder_id
WHERE f.is_current
    AND (:class = '' OR k.class = :class)
    AND (:distribution = '' OR o.distribution = :distribution)
    AND (:release = '' OR o.release = :release)
    AND (:architecture = '' OR o.architecture = :architecture)
    AND (:rebuilder = '' OR r.name = :rebuilder)
GROUP BY k.id
ORDER BY packages DESC, failures DESC, k.name
