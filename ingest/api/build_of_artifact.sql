-- The old schema gives each file a build id of its own: the attempt that it belongs to.
SELECT p.{build}, a.{artifact}
FROM builds AS p
CROSS JOIN build_artifacts AS a ON a.build_id = p.id
WHERE {current}
    AND a.{artifact} = :id;
