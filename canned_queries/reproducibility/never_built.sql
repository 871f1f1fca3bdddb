-- Which packages were never built, and which of them do not even wait?
WITH found AS NOT MATERIALIZED (
    SELECT s.id, s.first_seen
    FROM source_packages AS s
    WHERE s.is_current AND s.latest_build_id IS NULL
        AND +s.origin_id IN (
            SELECT id FROM origins
            WHERE (:distribution = '' OR distribution = :distribution)
                AND (:release = '' OR release = :release)
                AND (:architecture = '' OR architecture = :architecture)
        )
        AND +s.rebuilder_id IN (SELECT id FROM rebuilders WHERE :rebuilder = '' OR name = :rebuilder)
),
first AS (
    SELECT id, EXISTS (SELECT 1 FROM queue AS q WHERE q.source_package_id = found.id) AS is_queued
    FROM found
    ORDER BY is_queued, first_seen, id
    LIMIT 50
)
SELECT
    t.source,
    t.version,
    t.first_seen,
    first.is_queued,
    t.queued_at,
    t.binaries,
    t.distribution,
    t.release,
    t.architecture,
    t.rebuilder,
    t.source_package_id,
    (SELECT count(*) FROM found) AS packages_in_all
FROM first
CROSS JOIN source_status AS t ON t.source_package_id = first.id
ORDER BY first.is_queued, t.first_seen, t.source_package_id
