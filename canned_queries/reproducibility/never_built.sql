-- Which packages were never built, and which of them do not even wait?
WITH found AS (
    SELECT
        s.id,
        EXISTS (SELECT 1 FROM queue AS q WHERE q.source_package_id = s.id) AS is_queued,
        count(*) OVER () AS packages_in_all
    FROM source_packages AS s
    JOIN origins AS o ON o.id = s.origin_id
    JOIN rebuilders AS r ON r.id = s.rebuilder_id
    WHERE s.is_current AND s.latest_build_id IS NULL
        AND (:distribution = '' OR o.distribution = :distribution)
        AND (:release = '' OR o.release = :release)
        AND (:architecture = '' OR o.architecture = :architecture)
        AND (:rebuilder = '' OR r.name = :rebuilder)
    ORDER BY is_queued, s.first_seen, s.id
    LIMIT 50
)
SELECT
    t.source,
    t.version,
    t.first_seen,
    found.is_queued,
    t.queued_at,
    t.binaries,
    t.distribution,
    t.release,
    t.architecture,
    t.rebuilder,
    t.source_package_id,
    found.packages_in_all
FROM found
CROSS JOIN source_status AS t ON t.source_package_id = found.id
ORDER BY found.is_queued, t.first_seen, t.source_package_id
