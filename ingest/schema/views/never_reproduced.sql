-- Source packages that are listed now and of which no attempt of this version was reproduced.
SELECT
    s.name AS source,
    s.version,
    s.status,
    s.attempts AS results,
    (SELECT count(*) FROM builds AS b WHERE b.source_package_id = s.id AND b.copy_of IS NULL) AS attempts,
    (SELECT count(*) FROM builds AS b WHERE b.source_package_id = s.id AND b.status = 'BAD') AS bad,
    (SELECT count(*) FROM builds AS b WHERE b.source_package_id = s.id AND b.status = 'FAIL') AS fail,
    k.name AS category,
    (SELECT min(b.built_at) FROM builds AS b WHERE b.source_package_id = s.id) AS first_built_at,
    latest.built_at AS latest_built_at,
    s.next_retry,
    o.distribution,
    o.release,
    o.architecture,
    r.name AS rebuilder,
    k.key AS category_key,
    s.latest_build_id,
    s.id AS source_package_id
FROM source_packages AS s
JOIN origins AS o ON o.id = s.origin_id
JOIN rebuilders AS r ON r.id = s.rebuilder_id
LEFT JOIN builds AS latest ON latest.id = s.latest_build_id
LEFT JOIN failures AS f ON f.id = (SELECT min(x.id) FROM failures AS x WHERE x.build_id = s.latest_build_id)
LEFT JOIN categories AS k ON k.id = f.category_id
WHERE s.is_current AND s.status IN ('BAD', 'FAIL')
    AND NOT EXISTS (SELECT 1 FROM builds AS b WHERE b.source_package_id = s.id AND b.status = 'GOOD')
