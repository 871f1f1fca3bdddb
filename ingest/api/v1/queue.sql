-- What waits to be built, and what is being built.
SELECT
    p.{job} AS id,
    {key} AS sorted_by,
    json_object(
        'id', p.{job},
        'name', s.name,
        'version', s.version,
        'distribution', o.distribution,
        'release', o.release,
        'architecture', o.architecture,
        'backend', coalesce(s.backend, o.distribution),
        'url', coalesce(s.input_url, ''),
        'next_retry', rtrim(s.next_retry, 'Z'),
        'priority', p.priority,
        'queued_at', rtrim(p.queued_at, 'Z'),
        'started_at', rtrim(p.started_at, 'Z')
        {rebuilder}
    ) AS record
FROM queue AS p
JOIN source_packages AS s ON s.id = p.source_package_id
JOIN origins AS o ON o.id = s.origin_id
WHERE {any}
    AND p.{job} = :id -- if id
    AND p.{job} > :above -- if above
    AND p.{job} < :below -- if below
    AND p.source_package_id IN (SELECT id FROM source_packages WHERE name = :name) -- if name
    AND p.source_package_id IN (SELECT id FROM source_packages WHERE version = :version) -- if version
    AND p.source_package_id IN ( -- if distribution
        SELECT x.id FROM source_packages AS x JOIN origins AS y ON y.id = x.origin_id
        WHERE y.distribution = :distribution
    )
    AND p.source_package_id IN ( -- if release
        SELECT x.id FROM source_packages AS x JOIN origins AS y ON y.id = x.origin_id
        WHERE y.release = :release
    )
    AND p.source_package_id IN ( -- if architecture
        SELECT x.id FROM source_packages AS x JOIN origins AS y ON y.id = x.origin_id
        WHERE y.architecture = :architecture
    )
    AND EXISTS ( -- if component
        SELECT 1 FROM source_packages AS s
        CROSS JOIN source_packages AS x
        CROSS JOIN binary_packages AS c
        WHERE s.id = p.source_package_id AND x.rebuilder_id = s.rebuilder_id
            AND x.generation = s.generation AND x.{source} = s.{source}
            AND c.source_package_id = x.id AND c.component = :component
    )
