-- How many current source packages have which status, and what the queue holds.
SELECT json_object(
    'rebuilds', json((
        SELECT json_object(
            'good', sum(packages) FILTER (WHERE status = 'GOOD'),
            'bad', sum(packages) FILTER (WHERE status = 'BAD'),
            'fail', sum(packages) FILTER (WHERE status = 'FAIL'),
            'unknown', sum(packages) FILTER (WHERE coalesce(status, 'UNKWN') = 'UNKWN')
        )
        FROM (
            -- A status at a time: a stretch of one index is counted, and nothing is compared.
            SELECT s.status, coalesce(sum((
                SELECT count(*) FROM source_packages AS p
                WHERE p.origin_id = o.id AND p.is_current = 1 AND {current} AND p.status IS s.status
                    AND EXISTS ( -- if component
                        SELECT 1 FROM source_packages AS x
                        CROSS JOIN binary_packages AS c
                        WHERE x.rebuilder_id = p.rebuilder_id AND x.generation = p.generation
                            AND x.{source} = p.{source}
                            AND c.source_package_id = x.id AND c.component = :component
                    )
            )), 0) AS packages
            FROM (
                SELECT 'GOOD' AS status UNION ALL SELECT 'BAD' UNION ALL SELECT 'FAIL'
                UNION ALL SELECT 'UNKWN' UNION ALL SELECT NULL
            ) AS s
            LEFT JOIN origins AS o ON true
                AND o.distribution = :distribution -- if distribution
                AND o.release = :release -- if release
                AND o.architecture = :architecture -- if architecture
            GROUP BY s.status
        )
    )),
    'jobs', json((
        SELECT json_object(
            'running', count(*) FILTER (WHERE q.started_at IS NOT NULL),
            'available', count(*) FILTER (WHERE q.started_at IS NULL AND coalesce(p.next_retry, '') <= :now),
            'pending', count(*) FILTER (WHERE q.started_at IS NULL AND p.next_retry > :now)
        )
        FROM queue AS q
        CROSS JOIN source_packages AS p ON p.id = q.source_package_id
        CROSS JOIN origins AS o ON o.id = p.origin_id
        WHERE {current}
            AND p.is_current = 1
            AND o.distribution = :distribution -- if distribution
            AND o.release = :release -- if release
            AND o.architecture = :architecture -- if architecture
            AND EXISTS ( -- if component
                SELECT 1 FROM source_packages AS x
                CROSS JOIN binary_packages AS c
                WHERE x.rebuilder_id = p.rebuilder_id AND x.generation = p.generation
                    AND x.{source} = p.{source}
                    AND c.source_package_id = x.id AND c.component = :component
            )
    ))
) AS record;
