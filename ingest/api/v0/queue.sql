-- The queue as API v0 knows it: what is to be built, with the files that it should give.
SELECT json_object(
    'id', p.{job},
    'pkgbase', json_object(
        'name', s.name,
        'version', s.version,
        'distro', o.distribution,
        'suite', coalesce(
            (SELECT min(c.component) FROM binary_packages AS c WHERE c.source_package_id = s.id), ''
        ),
        'architecture', o.architecture,
        'input_url', s.input_url,
        'artifacts', json((
            SELECT json_group_array(json_object('name', c.name, 'version', c.version, 'url', c.artifact_url))
            FROM (
                SELECT c.* FROM source_packages AS x
                CROSS JOIN binary_packages AS c ON c.source_package_id = x.id
                WHERE x.rebuilder_id = s.rebuilder_id AND x.generation = s.generation
                    AND x.{source} = s.{source}
                ORDER BY c.{binary}
            ) AS c
        ))
    ),
    'version', s.version,
    'queued_at', rtrim(p.queued_at, 'Z'),
    'worker_id', w.{worker},
    'started_at', rtrim(p.started_at, 'Z'),
    'last_ping', iif(p.started_at IS NULL, NULL, rtrim(coalesce(w.last_ping, p.started_at), 'Z'))
) AS record
FROM queue AS p
JOIN source_packages AS s ON s.id = p.source_package_id
JOIN origins AS o ON o.id = s.origin_id
LEFT JOIN workers AS w ON w.id = p.worker_id
WHERE {any}
    AND (p.started_at IS NOT NULL) = :started -- if started
ORDER BY p.priority, p.queued_at, p.id
LIMIT :limit;
