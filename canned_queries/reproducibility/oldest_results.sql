-- Which results are so old that they may no longer hold?
WITH found AS (
    SELECT s.id, b.built_at, count(*) OVER () AS packages_in_all
    FROM source_packages AS s
    JOIN builds AS b ON b.id = s.latest_build_id
    JOIN origins AS o ON o.id = s.origin_id
    JOIN rebuilders AS r ON r.id = s.rebuilder_id
    WHERE s.is_current
        AND (:status = '' OR s.status = upper(:status))
        AND (:distribution = '' OR o.distribution = :distribution)
        AND (:release = '' OR o.release = :release)
        AND (:architecture = '' OR o.architecture = :architecture)
        AND (:rebuilder = '' OR r.name = :rebuilder)
    ORDER BY b.built_at, s.id
    LIMIT 50
)
SELECT
    t.latest_built_at,
    round(julianday('now') - julianday(t.latest_built_at), 1) AS days,
    t.source,
    t.version,
    t.status,
    t.attempts,
    t.next_retry,
    t.queued_at,
    t.distribution,
    t.release,
    t.architecture,
    t.rebuilder,
    t.latest_build_id,
    t.source_package_id,
    found.packages_in_all
FROM found
CROSS JOIN source_status AS t ON t.source_package_id = found.id
ORDER BY t.latest_built_at, t.source_package_id
