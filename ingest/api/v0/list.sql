-- Binary packages as API v0 knows them: no release, no FAIL. Of rows with ids in one range a piece of the list,
-- in bytes, since Python need not decode what is only sent on.
SELECT CAST(group_concat(json_object(
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
)) AS BLOB) AS records
FROM binary_packages AS p
JOIN origins AS o ON o.id = p.origin_id
LEFT JOIN source_packages AS s ON s.id = p.source_package_id
LEFT JOIN build_artifacts AS a ON a.id = p.latest_artifact_id
LEFT JOIN builds AS b ON b.id = coalesce(a.build_id, s.latest_build_id)
WHERE {current}
    AND p.id > :above -- if above
    AND p.id <= :upto -- if upto
    AND p.id NOT IN (SELECT value FROM json_each(:repeated)) -- if repeated
    AND p.name = :name -- if name
    AND o.distribution = :distro -- if distro
    AND p.component = :suite -- if suite
    AND p.architecture = :architecture -- if architecture
    AND coalesce(a.status, 'UNKWN') = :status -- if status
