-- The last totals of each day, as upstream's proposed statistics have them. Of what is current the categories
-- are those of the builds with the highest id, which upstream counts; those of the past are as they were stored.
SELECT
    p.id,
    rtrim(p.captured_at, 'Z') AS captured_at,
    d.distribution,
    d.release,
    d.architecture,
    d.good,
    d.bad,
    d.fail,
    d.unknown,
    CASE
        WHEN d.kind = 'taken' AND NOT EXISTS (
            SELECT 1 FROM snapshots AS later
            WHERE later.rebuilder_id = p.rebuilder_id AND later.scope = p.scope AND later.kind = 'taken'
                AND later.id > p.id
        ) THEN (
            SELECT json_group_array(json_object('category', name, 'count', count)) FROM (
                SELECT k.name, count(*) AS count
                FROM source_packages AS s
                CROSS JOIN failures AS f ON f.build_id = (
                    SELECT b.id FROM builds AS b WHERE b.source_package_id = s.id ORDER BY b.upstream_id DESC LIMIT 1
                )
                CROSS JOIN categories AS k ON k.id = f.category_id
                WHERE s.origin_id = p.origin_id AND s.rebuilder_id = p.rebuilder_id AND s.is_current = 1
                    AND s.attempts > 0
                GROUP BY k.id
                ORDER BY count DESC, k.name
            )
        )
        ELSE (
            SELECT json_group_array(json_object('category', name, 'count', failures)) FROM (
                SELECT k.name, c.failures
                FROM snapshot_categories AS c
                CROSS JOIN categories AS k ON k.id = c.category_id
                WHERE c.snapshot_id = p.id
                ORDER BY c.failures DESC, k.name
            )
        )
    END AS categories
FROM daily_totals AS d
CROSS JOIN snapshots AS p ON p.id = d.snapshot_id
WHERE d.kind <> 'reconstructed'
    AND d.counted = 'source packages'
    AND (:distribution IS NULL OR d.distribution = :distribution)
    AND (:release IS NULL OR p.origin_id IN (SELECT origin_id FROM release_names WHERE name = :release))
    AND (:rebuilder IS NULL OR d.rebuilder = :rebuilder)
ORDER BY p.captured_at, d.origin, d.rebuilder;
