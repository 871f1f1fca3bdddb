-- What is worth another try? Packages that fail for a reason that goes away by itself, and the command that queues them.
WITH packages AS (
    SELECT
        f.*,
        min(f.failure_id),
        (SELECT min(b.component) FROM binary_packages AS b WHERE b.source_package_id = f.source_package_id) AS component
    FROM current_failures AS f
    WHERE f.temporary = coalesce(nullif(:temporary, ''), 'yes')
        AND (:distribution = '' OR f.distribution = :distribution)
        AND (:release = '' OR f.release = :release)
        AND (:architecture = '' OR f.architecture = :architecture)
        AND (:rebuilder = '' OR f.rebuilder = :rebuilder)
    GROUP BY f.source_package_id, f.category_key
)
SELECT
    p.source,
    p.version,
    p.category,
    -- What stands between quotes must not hold one: no command where any part has an odd character.
    CASE
        WHEN p.architecture || p.distribution || p.component || p.source || p.version
            NOT GLOB '*[^-+.~:@^/A-Za-z0-9_]*'
        THEN printf(
            'rebuildctl queue push --architecture ''%s'' -- ''%s'' ''%s'' ''%s'' ''%s''',
            p.architecture, p.distribution, p.component, p.source, p.version
        )
    END AS command,
    EXISTS (SELECT 1 FROM queue AS q WHERE q.source_package_id = p.source_package_id) AS is_queued,
    s.next_retry,
    p.attempt,
    p.built_at,
    p.log,
    p.distribution,
    p.release,
    p.architecture,
    p.rebuilder,
    p.action,
    p.evidence,
    p.category_key,
    p.source_package_id,
    count(*) OVER () AS packages_in_all
FROM packages AS p
JOIN source_packages AS s ON s.id = p.source_package_id
ORDER BY p.built_at, p.source
LIMIT 100
