-- Each attempt to rebuild a source package. Copies of a result to other releases are left out.
SELECT
    b.built_at,
    s.name AS source,
    s.version,
    b.attempt,
    b.status,
    b.duration,
    k.name AS category,
    CASE WHEN f.rule_set IS NOT NULL THEN '/failures/' || f.id || '/log' END AS log,
    o.distribution,
    o.release,
    o.architecture,
    r.name AS rebuilder,
    substr(b.built_at, 1, 10) AS day,
    b.started_at,
    b.id = s.latest_build_id AS is_latest,
    s.is_current,
    k.key AS category_key,
    b.id AS build_id,
    s.id AS source_package_id
FROM builds AS b
JOIN source_packages AS s ON s.id = b.source_package_id
JOIN origins AS o ON o.id = b.origin_id
JOIN rebuilders AS r ON r.id = b.rebuilder_id
LEFT JOIN failures AS f ON f.id = (SELECT min(x.id) FROM failures AS x WHERE x.build_id = b.id)
LEFT JOIN categories AS k ON k.id = f.category_id
WHERE b.copy_of IS NULL
