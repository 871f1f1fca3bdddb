-- Which results are so old that they may no longer hold?
WITH found AS NOT MATERIALIZED (
    SELECT s.id, s.latest_build_id
    FROM source_packages AS s
    WHERE s.is_current AND s.latest_build_id IS NOT NULL
        AND (:status = '' OR s.status = upper(:status))
        AND +s.origin_id IN (
            SELECT id FROM origins
            WHERE (:distribution = '' OR distribution = :distribution)
                AND (:release = '' OR release = :release)
                AND (:architecture = '' OR architecture = :architecture)
        )
        AND +s.rebuilder_id IN (SELECT id FROM rebuilders WHERE :rebuilder = '' OR name = :rebuilder)
),
oldest AS (
    SELECT found.id
    FROM builds AS b
    CROSS JOIN found ON found.id = b.source_package_id AND found.latest_build_id = b.id
    ORDER BY b.built_at, found.id
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
    (SELECT count(*) FROM found) AS packages_in_all
FROM oldest
CROSS JOIN source_status AS t ON t.source_package_id = oldest.id
ORDER BY t.latest_built_at, t.source_package_id
