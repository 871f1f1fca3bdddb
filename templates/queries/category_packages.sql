-- Packages that fail for a category now, the newest builds first, each with its first evidence.
SELECT
    s.name AS source,
    s.version,
    r.name AS rebuilder,
    o.distribution,
    o.release,
    o.architecture,
    b.built_at,
    b.attempt,
    b.id AS build_id,
    newest.failures,
    f.id AS failure_id,
    f.evidence,
    f.rule_set IS NOT NULL AS has_log,
    f.rule_set IS NOT NULL AND f.diffoscope_upstream_id IS NOT NULL AS has_diffoscope,
    s.id AS source_package_id,
    newest.found
FROM (
    SELECT
        min(f.id) AS failure_id,
        count(*) AS failures,
        count(*) OVER () AS found
    FROM categories AS k
    CROSS JOIN failures AS f ON f.category_id = k.id AND f.is_current
    JOIN builds AS b ON b.id = f.build_id
    WHERE k.key = :key
    GROUP BY f.source_package_id
    ORDER BY max(b.built_at) DESC, failure_id
    LIMIT :most
) AS newest
JOIN failures AS f ON f.id = newest.failure_id
JOIN builds AS b ON b.id = f.build_id
JOIN source_packages AS s ON s.id = f.source_package_id
JOIN rebuilders AS r ON r.id = f.rebuilder_id
JOIN origins AS o ON o.id = f.origin_id
ORDER BY b.built_at DESC, f.id
