-- By what the logs of a failure are kept (log_id, diffoscope_id), in whose store, and where upstream has them.
SELECT
    r.name AS rebuilder,
    r.kind AS rebuilder_kind,
    CASE WHEN b.generation = r.generation THEN r.url END AS url,
    b.generation,
    b.built_at,
    (SELECT d.user_version FROM pragma_user_version AS d) AS owner,
    f.log_upstream_id AS log_id,
    f.diffoscope_upstream_id AS diffoscope_id,
    b.upstream_id AS upstream_build_id,
    coalesce(a.upstream_id, f.diffoscope_upstream_id) AS upstream_artifact_id,
    coalesce(a.has_diffoscope, 0) AS has_diffoscope
FROM failures AS f
JOIN builds AS b ON b.id = f.build_id
JOIN rebuilders AS r ON r.id = f.rebuilder_id
LEFT JOIN build_artifacts AS a ON a.id = f.build_artifact_id
WHERE f.id = :failure;
