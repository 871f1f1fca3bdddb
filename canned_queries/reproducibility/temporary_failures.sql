-- What is worth another try? Packages that fail for a reason that goes away by itself, and the command that queues them.
WITH packages AS (
    SELECT min(f.id) AS failure_id
    FROM failures AS f
    JOIN categories AS k ON k.id = f.category_id
    JOIN origins AS o ON o.id = f.origin_id
    JOIN rebuilders AS r ON r.id = f.rebuilder_id
    WHERE f.is_current AND k.temporary = coalesce(nullif(:temporary, ''), 'yes')
        AND (:distribution = '' OR o.distribution = :distribution)
        AND (:release = '' OR o.release = :release)
        AND (:architecture = '' OR o.architecture = :architecture)
        AND (:rebuilder = '' OR r.name = :rebuilder)
    GROUP BY f.source_package_id, f.category_id
), oldest AS MATERIALIZED (
    SELECT f.id AS failure_id
    FROM packages AS p
    CROSS JOIN failures AS f ON f.id = p.failure_id
    JOIN builds AS b ON b.id = f.build_id
    JOIN source_packages AS s ON s.id = f.source_package_id
    ORDER BY b.built_at, s.name, f.id
    LIMIT 100
), shown AS (
    SELECT
        f.*,
        (SELECT min(b.component) FROM binary_packages AS b WHERE b.source_package_id = f.source_package_id) AS component
    FROM oldest
    CROSS JOIN current_failures AS f ON f.failure_id = oldest.failure_id
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
    (SELECT count(*) FROM packages) AS packages_in_all
FROM shown AS p
JOIN source_packages AS s ON s.id = p.source_package_id
ORDER BY p.built_at, p.source, p.failure_id
