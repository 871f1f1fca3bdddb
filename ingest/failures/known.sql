-- Every failure, to be explained anew.
CREATE TEMP TABLE unexplained AS
SELECT
    f.build_id,
    f.build_artifact_id,
    b.generation,
    o.distribution,
    o.architecture,
    b.built_at,
    f.log_upstream_id AS log_id,
    f.diffoscope_upstream_id AS diffoscope_id,
    NULL AS first_log_id,
    NULL AS first_diffoscope_id
FROM main.failures AS f
CROSS JOIN main.builds AS b ON b.id = f.build_id
CROSS JOIN main.origins AS o ON o.id = b.origin_id
WHERE f.rebuilder_id = :rebuilder_id
ORDER BY f.build_id, f.build_artifact_id;
