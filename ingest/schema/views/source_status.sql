-- What is known of each source package that a rebuilder lists now, and of the binaries that it should give.
-- The counts are subqueries, so that only rows and columns that are asked for are counted.
SELECT
    s.name AS source,
    s.version,
    s.status,
    CASE
        WHEN s.status = 'GOOD' THEN 'reproducible'
        WHEN s.latest_build_id IS NULL THEN 'never-attempted'
        WHEN s.status IS NULL OR s.status = 'UNKWN' THEN 'no-result'
        ELSE coalesce((
            SELECT coalesce(k.state, iif(f.diffoscope_upstream_id IS NOT NULL, 'unreproducible', 'unexplained')) AS state
            FROM failures AS f
            JOIN categories AS k ON k.id = f.category_id
            WHERE f.build_id = s.latest_build_id
            ORDER BY CASE state
                WHEN 'unreproducible' THEN 0
                WHEN 'unexplained' THEN 1
                WHEN 'did-not-build' THEN 2
                ELSE 3
            END, state
            LIMIT 1
        ), 'unexplained')
    END AS state,
    (
        SELECT count(*) FROM binary_packages AS b
        WHERE b.source_package_id = s.id AND b.is_current
    ) AS binaries,
    (
        SELECT count(*) FROM binary_packages AS b
        WHERE b.source_package_id = s.id AND b.is_current AND b.status = 'GOOD'
    ) AS good,
    (
        SELECT count(*) FROM binary_packages AS b
        WHERE b.source_package_id = s.id AND b.is_current AND b.status = 'BAD'
    ) AS bad,
    (
        SELECT count(*) FROM binary_packages AS b
        WHERE b.source_package_id = s.id AND b.is_current AND b.status = 'FAIL'
    ) AS fail,
    (
        SELECT count(*) FROM binary_packages AS b
        WHERE b.source_package_id = s.id AND b.is_current AND coalesce(b.status, 'UNKWN') = 'UNKWN'
    ) AS unknown,
    o.distribution,
    o.release,
    o.architecture,
    latest.built_at AS latest_built_at,
    (SELECT count(*) FROM builds AS b WHERE b.source_package_id = s.id AND b.copy_of IS NULL) AS attempts,
    s.retries,
    s.next_retry,
    (SELECT min(q.queued_at) FROM queue AS q WHERE q.source_package_id = s.id) AS queued_at,
    s.first_seen,
    r.name AS rebuilder,
    s.latest_build_id,
    s.id AS source_package_id
FROM source_packages AS s
JOIN origins AS o ON o.id = s.origin_id
JOIN rebuilders AS r ON r.id = s.rebuilder_id
LEFT JOIN builds AS latest ON latest.id = s.latest_build_id
WHERE s.is_current
