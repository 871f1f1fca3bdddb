-- Where the diffoscope output of a build's artifacts is kept.
SELECT
    r.name AS rebuilder,
    p.generation,
    coalesce(f.diffoscope_upstream_id, a.upstream_id, a.id) AS upstream_id,
    p.built_at,
    (SELECT d.user_version FROM pragma_user_version AS d) AS owner
FROM builds AS p
JOIN rebuilders AS r ON r.id = p.rebuilder_id
JOIN build_artifacts AS a ON a.build_id = p.id AND a.has_diffoscope
LEFT JOIN failures AS f ON f.build_artifact_id = a.id
WHERE {current}
    AND p.{build} = :build
    AND coalesce(a.{artifact}, a.id) = :artifact -- if artifact
ORDER BY a.id;
