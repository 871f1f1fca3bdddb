-- What is worth another try and does not wait in the queue yet? The command that queues it, and why it failed.
WITH candidates AS MATERIALIZED (
    SELECT p.*
    FROM packages_to_retry AS p
    WHERE p.is_queued = 0
        AND (:distribution = '' OR p.distribution = :distribution)
        AND (:release = '' OR p.release = :release)
        AND (:architecture = '' OR p.architecture = :architecture)
        AND (:rebuilder = '' OR p.rebuilder = :rebuilder)
        AND (
            :temporary = '' OR EXISTS (
                SELECT 1 FROM failures AS f JOIN categories AS k ON k.id = f.category_id
                WHERE f.source_package_id = p.source_package_id AND f.is_current AND k.temporary = lower(:temporary)
            )
        )
),
shown AS (
    SELECT
        c.*,
        (SELECT min(b.component) FROM binary_packages AS b WHERE b.source_package_id = c.source_package_id) AS component,
        (
            SELECT f.id FROM failures AS f JOIN categories AS k ON k.id = f.category_id
            WHERE f.source_package_id = c.source_package_id AND f.is_current
            ORDER BY CASE k.temporary WHEN 'yes' THEN 0 WHEN 'maybe' THEN 1 ELSE 2 END, f.id LIMIT 1
        ) AS failure_id
    FROM candidates AS c
    ORDER BY c.latest_built_at, c.source, c.source_package_id
    LIMIT 100
)
SELECT
    p.source,
    p.version,
    p.reasons,
    f.category,
    -- What stands between quotes must not hold one: no command where any part has an odd character.
    CASE
        WHEN p.architecture || p.distribution || p.component || p.source || p.version
            NOT GLOB '*[^-+.~:@^/A-Za-z0-9_]*'
        THEN 'rebuildctl queue push --architecture ''' || p.architecture || ''' -- ''' || p.distribution || ''' '''
            || p.component || ''' ''' || p.source || ''' ''' || p.version || ''''
    END AS command,
    p.next_retry,
    p.attempt,
    p.latest_built_at AS built_at,
    f.log,
    p.distribution,
    p.release,
    p.architecture,
    p.rebuilder,
    f.action,
    f.evidence,
    f.category_key,
    p.source_package_id,
    (SELECT count(*) FROM candidates) AS packages_in_all
FROM shown AS p
LEFT JOIN current_failures AS f ON f.failure_id = p.failure_id
ORDER BY p.latest_built_at, p.source, p.source_package_id
