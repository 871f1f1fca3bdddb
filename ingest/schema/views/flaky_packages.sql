-- Source packages of which one version was reproduced in some attempts, but not in all.
-- CROSS JOIN, so that only packages with several results are looked at.
SELECT
    s.name AS source,
    s.version,
    s.status,
    sum(b.status = 'GOOD') AS good,
    sum(b.status = 'BAD') AS bad,
    sum(b.status = 'FAIL') AS fail,
    count(b.copy_of) AS copied,
    max(b.built_at) AS latest_built_at,
    o.distribution,
    o.release,
    o.architecture,
    r.name AS rebuilder,
    s.is_current,
    s.latest_build_id,
    s.id AS source_package_id
FROM source_packages AS s
CROSS JOIN builds AS b ON b.source_package_id = s.id
JOIN origins AS o ON o.id = s.origin_id
JOIN rebuilders AS r ON r.id = s.rebuilder_id
WHERE s.attempts > 1
GROUP BY s.id
HAVING sum(b.status = 'GOOD') > 0 AND sum(b.status IN ('BAD', 'FAIL')) > 0
