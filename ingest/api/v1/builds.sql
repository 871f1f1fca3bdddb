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
    AND p.{build} = :id -- if asked
    AND p.{build} > :above -- if asked
    AND p.{build} < :below -- if asked
    AND p.source_package_id IN (SELECT id FROM source_packages WHERE name = :name) -- if asked
    AND p.source_package_id IN (SELECT id FROM source_packages WHERE version = :version) -- if asked
    AND p.origin_id IN (SELECT id FROM origins WHERE distribution = :distribution) -- if asked
    AND p.origin_id IN (SELECT id FROM origins WHERE "release" = :release) -- if asked
    AND p.origin_id IN (SELECT id FROM origins WHERE architecture = :architecture) -- if asked
    AND EXISTS (SELECT 1 FROM binary_packages AS c WHERE c.source_package_id = p.source_package_id AND c.component = :component) -- if asked
