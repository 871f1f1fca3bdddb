-- Which source packages are reproducible, and in which state are the binaries of each?
WITH found AS (
    SELECT s.id, count(*) OVER () AS packages_in_all
    FROM source_packages AS s
    JOIN origins AS o ON o.id = s.origin_id
    JOIN rebuilders AS r ON r.id = s.rebuilder_id
    WHERE s.is_current
        AND (
            trim(:name) = ''
            OR s.name = trim(:name)
            OR s.id IN (SELECT b.source_package_id FROM binary_packages AS b WHERE b.name = trim(:name))
        )
        AND (:status = '' OR coalesce(s.status, 'UNKWN') = upper(:status))
        AND (:distribution = '' OR o.distribution = :distribution)
        AND (:release = '' OR o.release = :release)
        AND (:architecture = '' OR o.architecture = :architecture)
        AND (:rebuilder = '' OR r.name = :rebuilder)
    ORDER BY s.name, s.version DESC, s.id
    LIMIT 50
)
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
    found.packages_in_all
FROM found
CROSS JOIN source_status AS t ON t.source_package_id = found.id
ORDER BY t.source, t.version DESC, t.source_package_id
