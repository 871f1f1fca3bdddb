-- Whether upstream has an attestation.
SELECT 1
FROM builds AS p
JOIN build_artifacts AS a ON a.build_id = p.id AND a.has_attestation
WHERE {current}
    AND p.{build} = :build
    AND coalesce(a.{artifact}, a.id) = :artifact -- if artifact
