-- Source packages that are not reproducible now, though something speaks for another try.
WITH reasons AS (
    SELECT DISTINCT f.source_package_id, 'temporary: ' || k.name AS reason
    FROM categories AS k CROSS JOIN failures AS f ON f.category_id = k.id
    WHERE f.is_current = 1 AND k.temporary IN ('yes', 'maybe')
    UNION ALL
    SELECT s.id, 'was GOOD before'
    FROM source_packages AS s
    WHERE s.attempts > 1 AND s.is_current AND s.status <> 'GOOD'
        AND EXISTS (SELECT 1 FROM builds AS b WHERE b.source_package_id = s.id AND b.status = 'GOOD')
    UNION ALL
    SELECT s.id, 'no conclusion' FROM source_packages AS s WHERE s.is_current AND s.status = 'UNKWN'
)
SELECT
    s.name AS source,
    s.version,
    s.status,
    x.reasons,
    latest.built_at AS latest_built_at,
    latest.attempt,
    s.next_retry,
    EXISTS (SELECT 1 FROM queue AS q WHERE q.source_package_id = s.id) AS is_queued,
    o.distribution,
    o.release,
    o.architecture,
    r.name AS rebuilder,
    s.latest_build_id,
    s.id AS source_package_id
FROM (SELECT source_package_id, group_concat(reason, ', ') AS reasons FROM reasons GROUP BY source_package_id) AS x
CROSS JOIN source_packages AS s ON s.id = x.source_package_id
CROSS JOIN builds AS latest ON latest.id = s.latest_build_id
JOIN origins AS o ON o.id = s.origin_id
JOIN rebuilders AS r ON r.id = s.rebuilder_id
