-- Binary packages as API v0 knows them: no release, no FAIL, each once. Of several rows for one package the
-- best stays: GOOD before BAD before UNKWN, then the current one, then the one of the latest build.
WITH repeated AS (
    SELECT name, version FROM binary_packages
    WHERE name = :name -- if name
    GROUP BY name, version HAVING count(*) > 1
),
ranked AS (
    SELECT p.id, row_number() OVER (
        PARTITION BY p.name, p.version, p.architecture, o.distribution
        ORDER BY p.status = 'GOOD' DESC, p.status = 'BAD' DESC, p.is_current DESC, b.built_at DESC, b.id DESC, p.id
    ) AS place
    FROM repeated AS x
    CROSS JOIN binary_packages AS p ON p.name = x.name AND p.version = x.version
    JOIN origins AS o ON o.id = p.origin_id
    LEFT JOIN source_packages AS s ON s.id = p.source_package_id
    LEFT JOIN build_artifacts AS a ON a.id = p.latest_artifact_id
    LEFT JOIN builds AS b ON b.id = coalesce(a.build_id, s.latest_build_id)
    WHERE {current}
        AND p.component = :suite -- if suite
)
-- Bytes: Python need not decode what is only sent on.
SELECT CAST(json_object(
    'name', p.name,
    'version', p.version,
    'status', coalesce(a.status, 'UNKWN'),
    'distro', o.distribution,
    'suite', coalesce(p.component, ''),
    'architecture', p.architecture,
    'artifact_url', coalesce(p.artifact_url, ''),
    'build_id', {listed_build},
    'built_at', rtrim(b.built_at, 'Z'),
    'has_diffoscope', iif(a.has_diffoscope, json('true'), json('false')),
    'has_attestation', iif(a.has_attestation, json('true'), json('false'))
    {rebuilder}
) AS BLOB) AS record
FROM binary_packages AS p
JOIN origins AS o ON o.id = p.origin_id
LEFT JOIN source_packages AS s ON s.id = p.source_package_id
LEFT JOIN build_artifacts AS a ON a.id = p.latest_artifact_id
LEFT JOIN builds AS b ON b.id = coalesce(a.build_id, s.latest_build_id)
WHERE {current}
    AND p.id NOT IN (SELECT id FROM ranked WHERE place > 1)
    AND p.name = :name -- if name
    AND o.distribution = :distro -- if distro
    AND p.component = :suite -- if suite
    AND p.architecture = :architecture -- if architecture
    AND coalesce(a.status, 'UNKWN') = :status -- if status

