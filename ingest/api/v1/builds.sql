-- Every attempt to rebuild a source package.
SELECT
    p.{build} AS id,
    {key} AS sorted_by,
    json_object(
        'id', p.{build},
        'name', s.name,
        'version', s.version,
        'distribution', o.distribution,
        'release', o.release,
        'architecture', o.architecture,
        'backend', coalesce(s.backend, o.distribution),
        'retries', coalesce(s.retries, 0),
        'started_at', rtrim(p.started_at, 'Z'),
        'built_at', rtrim(p.built_at, 'Z'),
        'status', p.status
        {rebuilder}
    ) AS record
FROM builds AS p
JOIN source_packages AS s ON s.id = p.source_package_id
JOIN origins AS o ON o.id = p.origin_id
WHERE {current}
    AND p.{build} = :id -- if id
    AND p.{build} > :above -- if above
    AND p.{build} < :below -- if below
    AND p.source_package_id IN (SELECT id FROM source_packages WHERE name = :name) -- if name
    AND p.source_package_id IN (SELECT id FROM source_packages WHERE version = :version) -- if version
    AND p.origin_id IN (SELECT id FROM origins WHERE distribution = :distribution) -- if distribution
    AND p.origin_id IN (SELECT id FROM origins WHERE "release" = :release) -- if release
    AND p.origin_id IN (SELECT id FROM origins WHERE architecture = :architecture) -- if architecture
    AND EXISTS ( -- if component
        SELECT 1 FROM source_packages AS s
        CROSS JOIN source_packages AS x
        CROSS JOIN binary_packages AS c
        WHERE s.id = p.source_package_id AND x.rebuilder_id = s.rebuilder_id
            AND x.generation = s.generation AND x.{source} = s.{source}
            AND c.source_package_id = x.id AND c.component = :component
    )
