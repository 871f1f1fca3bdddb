-- Binary packages, each with the artifact that its source's latest build gave.
SELECT
    p.{binary} AS id,
    {key} AS sorted_by,
    json_object(
        'id', p.{binary},
        'name', p.name,
        'version', p.version,
        'distribution', o.distribution,
        'release', o.release,
        'component', p.component,
        'architecture', p.architecture,
        'url', p.artifact_url,
        'status', a.status,
        'build_id', b.{build},
        'artifact_id', coalesce(a.{artifact}, a.id),
        'diffoscope_log_id', iif(a.has_diffoscope, coalesce(a.{artifact}, a.id), NULL),
        'attestation_log_id', iif(a.has_attestation, coalesce(a.{artifact}, a.id), NULL),
        'last_seen', rtrim(coalesce(s.last_seen, s.first_seen, r.first_ingest_at), 'Z'),
        'seen_in_last_sync', iif(p.is_current, json('true'), json('false'))
        {rebuilder}
    ) AS record
FROM binary_packages AS p
JOIN rebuilders AS r ON r.id = p.rebuilder_id
JOIN origins AS o ON o.id = p.origin_id
LEFT JOIN source_packages AS s ON s.id = p.source_package_id
LEFT JOIN build_artifacts AS a ON a.id = p.latest_artifact_id
LEFT JOIN builds AS b ON b.id = coalesce(a.build_id, s.latest_build_id)
WHERE {current}
    AND p.{binary} IS NOT NULL
    AND p.{binary} = :id -- if id
    AND p.{binary} > :above -- if above
    AND p.{binary} < :below -- if below
    AND p.name = :name -- if name
    AND p.version = :version -- if version
    AND p.is_current = :seen_only -- if seen_only
    AND p.origin_id IN (SELECT id FROM origins WHERE distribution = :distribution) -- if distribution
    AND p.origin_id IN (SELECT id FROM origins WHERE "release" = :release) -- if release
    AND p.architecture = :architecture -- if architecture
    AND EXISTS ( -- if component
        SELECT 1 FROM source_packages AS s
        CROSS JOIN source_packages AS x
        CROSS JOIN binary_packages AS c
        WHERE s.id = p.source_package_id AND x.rebuilder_id = s.rebuilder_id
            AND x.generation = s.generation AND x.{source} = s.{source}
            AND c.source_package_id = x.id AND c.component = :component
    )
    AND p.source_package_id IN (SELECT id FROM source_packages WHERE name = :source_name) -- if source_name
