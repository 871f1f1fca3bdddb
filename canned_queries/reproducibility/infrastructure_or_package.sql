-- Is it the machines or the packages? Failing packages of each origin by class of the reason.
SELECT
    o.label AS origin,
    k.class,
    count(DISTINCT f.source_package_id) AS packages,
    count(*) AS failures,
    count(DISTINCT f.category_id) AS categories,
    o.distribution,
    o.release,
    o.architecture,
    r.name AS rebuilder
FROM failures AS f
JOIN categories AS k ON k.id = f.category_id
JOIN origins AS o ON o.id = f.origin_id
JOIN rebuilders AS r ON r.id = f.rebuilder_id
WHERE f.is_current
    AND (:distribution = '' OR o.distribution = :distribution)
    AND (:release = '' OR o.release = :release)
    AND (:architecture = '' OR o.architecture = :architecture)
    AND (:rebuilder = '' OR r.name = :rebuilder)
GROUP BY r.id, o.id, k.class
ORDER BY origin, rebuilder, packages DESC
