-- How many current source packages have which status, and what the queue holds.
SELECT json_object(
    'rebuilds', json((
        SELECT json_object(
            'good', count(*) FILTER (WHERE p.status = 'GOOD'),
            'bad', count(*) FILTER (WHERE p.status = 'BAD'),
            'fail', count(*) FILTER (WHERE p.status = 'FAIL'),
            'unknown', count(*) FILTER (WHERE coalesce(p.status, 'UNKWN') = 'UNKWN')
        )
        FROM source_packages AS p
        WHERE {current}
            AND p.is_current = 1
            AND p.origin_id IN (
                SELECT id FROM origins
                WHERE true
                    AND distribution = :distribution -- if distribution
                    AND "release" = :release -- if release
                    AND architecture = :architecture -- if architecture
            )
            AND EXISTS ( -- if component
                SELECT 1 FROM source_packages AS x
                CROSS JOIN binary_packages AS c
                WHERE x.rebuilder_id = p.rebuilder_id AND x.generation = p.generation
                    AND x.{source} = p.{source}
                    AND c.source_package_id = x.id AND c.component = :component
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
