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
    AND p.{job} = :id -- if asked
    AND p.{job} > :above -- if asked
    AND p.{job} < :below -- if asked
    AND p.source_package_id IN (SELECT id FROM source_packages WHERE name = :name) -- if asked
    AND p.source_package_id IN (SELECT id FROM source_packages WHERE version = :version) -- if asked
    AND p.source_package_id IN (SELECT x.id FROM source_packages AS x JOIN origins AS y ON y.id = x.origin_id WHERE y.distribution = :distribution) -- if asked
    AND p.source_package_id IN (SELECT x.id FROM source_packages AS x JOIN origins AS y ON y.id = x.origin_id WHERE y.release = :release) -- if asked
    AND p.source_package_id IN (SELECT x.id FROM source_packages AS x JOIN origins AS y ON y.id = x.origin_id WHERE y.architecture = :architecture) -- if asked
    AND EXISTS (SELECT 1 FROM binary_packages AS c WHERE c.source_package_id = p.source_package_id AND c.component = :component) -- if asked
