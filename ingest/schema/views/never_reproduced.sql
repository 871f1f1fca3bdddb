-- Source packages that are listed now and of which no attempt of this version was reproduced.
SELECT
    s.name AS source,
    s.version,
    s.status,
    sum(b.copy_of IS NULL) AS attempts,
    count(b.copy_of) AS copied,
    sum(b.status = 'BAD') AS bad,
    sum(b.status = 'FAIL') AS fail,
    k.name AS category,
    min(b.built_at) AS first_built_at,
    max(b.built_at) AS latest_built_at,
    s.next_retry,
    o.distribution,
    o.release,
    o.architecture,
    r.name AS rebuilder,
    k.key AS category_key,
    s.latest_build_id,
    s.id AS source_package_id
FROM source_packages AS s
CROSS JOIN builds AS b ON b.source_package_id = s.id
JOIN origins AS o ON o.id = s.origin_id
JOIN rebuilders AS r ON r.id = s.rebuilder_id
LEFT JOIN failures AS f ON f.id = (SELECT min(x.id) FROM failures AS x WHERE x.build_id = s.latest_build_id)
LEFT JOIN categories AS k ON k.id = f.category_id
WHERE s.is_current AND s.status IN ('BAD', 'FAIL')
GROUP BY s.id
HAVING sum(b.status = 'GOOD') = 0
