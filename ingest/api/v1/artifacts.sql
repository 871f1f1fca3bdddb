-- The files of one build.
SELECT
    json_object(
        'id', coalesce(a.{artifact}, a.id),
        'name', a.name,
        'has_diffoscope', iif(a.has_diffoscope, json('true'), json('false')),
        'has_attestation', iif(a.has_attestation, json('true'), json('false')),
        'status', a.status
    ) AS record
FROM builds AS p
JOIN build_artifacts AS a ON a.build_id = p.id
WHERE {current}
    AND p.{build} = :build
    AND coalesce(a.{artifact}, a.id) = :artifact -- if artifact
ORDER BY coalesce(a.{artifact}, a.id);
