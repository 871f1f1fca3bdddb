-- Which source packages are reproducible, and in which state are the binaries of each?
WITH found AS NOT MATERIALIZED (
    SELECT s.id, s.name, s.version
    FROM source_packages AS s
    WHERE s.is_current
        AND (
            trim(:name) = ''
            OR s.name = trim(:name)
            OR s.id IN (SELECT b.source_package_id FROM binary_packages AS b WHERE b.name = trim(:name))
        )
        AND (:status = '' OR coalesce(s.status, 'UNKWN') = upper(:status))
        AND +s.origin_id IN (
            SELECT id FROM origins
            WHERE (:distribution = '' OR distribution = :distribution)
                AND (:release = '' OR release = :release)
                AND (:architecture = '' OR architecture = :architecture)
        )
        AND +s.rebuilder_id IN (SELECT id FROM rebuilders WHERE :rebuilder = '' OR name = :rebuilder)
),
first AS (SELECT id FROM found ORDER BY name, version DESC, id LIMIT 50)
SELECT
    t.source,
    t.version,
    t.status,
    t.binaries,
    t.good,
    t.bad,
    t.fail,
    t.unknown,
    t.distribution,
    t.release,
    t.architecture,
    t.latest_built_at,
    t.attempts,
    t.next_retry,
    t.queued_at,
    t.rebuilder,
    t.latest_build_id,
    t.source_package_id,
    (SELECT count(*) FROM found) AS packages_in_all
FROM first
CROSS JOIN source_status AS t ON t.source_package_id = first.id
ORDER BY t.source, t.version DESC, t.source_package_id
