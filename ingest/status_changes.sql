-- The attempts of every package with news, package by package in order of time.
-- One that was attempted once has not changed.
SELECT
    s.origin_id, s.name_id, s.name, o.distribution, s.version, s.is_current,
    coalesce(s.last_seen, ''), b.id, b.built_at, b.status
FROM (
    SELECT touched.name, touched.origin_id FROM touched_sources AS t
    CROSS JOIN main.source_packages AS touched ON touched.id = t.id
    CROSS JOIN main.source_packages AS s INDEXED BY source_packages_identity
        ON s.name = touched.name AND s.origin_id = touched.origin_id
            AND s.rebuilder_id = :rebuilder_id AND s.generation = :generation
    GROUP BY touched.name, touched.origin_id
    HAVING sum(s.attempts) > 1
) AS t
CROSS JOIN main.source_packages AS s INDEXED BY source_packages_identity
    ON s.name = t.name AND s.origin_id = t.origin_id AND s.rebuilder_id = :rebuilder_id
        AND s.generation = :generation
CROSS JOIN main.origins AS o ON o.id = s.origin_id
CROSS JOIN main.builds AS b ON b.source_package_id = s.id
WHERE b.built_at IS NOT NULL AND b.status IS NOT NULL
ORDER BY s.origin_id, s.name_id, rtrim(b.built_at, 'Z'), b.upstream_id;
