-- Source packages, a row for each build input.
SELECT
    p.{source} AS id,
    {key} AS sorted_by,
    json_object(
        'id', p.{source},
        'name', p.name,
        'version', p.version,
        'distribution', o.distribution,
        'release', o.release,
        'status', p.status,
        'build_id', b.{build},
        'last_seen', rtrim(coalesce(p.last_seen, p.first_seen), 'Z'),
        'seen_in_last_sync', iif(p.is_current, json('true'), json('false'))
        {rebuilder}
    ) AS record
FROM source_packages AS p
JOIN origins AS o ON o.id = p.origin_id
LEFT JOIN builds AS b ON b.id = p.latest_build_id
WHERE {current}
    AND p.{source} IS NOT NULL
    AND p.{source} = :id -- if id
    AND p.{source} > :above -- if above
    AND p.{source} < :below -- if below
    AND p.name = :name -- if name
    AND p.version = :version -- if version
    AND p.is_current = :seen_only -- if seen_only
    AND p.origin_id IN (SELECT id FROM origins WHERE distribution = :distribution) -- if distribution
    AND p.origin_id IN (SELECT id FROM origins WHERE "release" = :release) -- if release
    AND p.origin_id IN (SELECT id FROM origins WHERE architecture = :architecture) -- if architecture
    AND EXISTS ( -- if component
        SELECT 1 FROM source_packages AS x
        CROSS JOIN binary_packages AS c
        WHERE x.rebuilder_id = p.rebuilder_id AND x.generation = p.generation
            AND x.{source} = p.{source}
            AND c.source_package_id = x.id AND c.component = :component
    )
