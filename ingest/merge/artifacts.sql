CREATE TEMP TABLE new_artifacts AS
SELECT
    i.*,
    b.id AS build_id,
    CASE
        WHEN coalesce(i.name, '') = '' THEN 'name'
        WHEN i.status IS NOT NULL AND i.status NOT IN ('GOOD', 'BAD', 'FAIL', 'UNKWN') THEN 'status'
        WHEN typeof(i.upstream_id) NOT IN ('integer', 'null') THEN 'id'
        WHEN i.has_diffoscope IS NULL OR i.has_diffoscope NOT IN (0, 1) THEN 'has_diffoscope'
        WHEN i.has_attestation IS NULL OR i.has_attestation NOT IN (0, 1) THEN 'has_attestation'
        ELSE unreadable(i.name)
    END AS problem
FROM incoming_build_artifacts AS i
JOIN main.builds AS b
    ON b.rebuilder_id = :rebuilder_id AND b.generation = :generation
        AND b.upstream_id = i.upstream_build_id
WHERE i.upstream_build_id > :artifacts_after AND NOT EXISTS (
    SELECT 1 FROM main.build_artifacts AS m
    WHERE m.build_id = b.id AND m.name = i.name AND m.upstream_id IS i.upstream_id
);
INSERT INTO skipped
SELECT 'build artifact', problem, count(*), min(artifact_key)
FROM new_artifacts WHERE problem IS NOT NULL GROUP BY problem;

INSERT INTO main.build_artifacts (build_id, name, status, has_diffoscope, has_attestation, upstream_id)
SELECT build_id, name, status, has_diffoscope, has_attestation, upstream_id
FROM new_artifacts WHERE problem IS NULL
ORDER BY rowid;
INSERT INTO touched_sources
SELECT b.source_package_id FROM new_artifacts AS n CROSS JOIN main.builds AS b ON b.id = n.build_id
WHERE n.problem IS NULL
ON CONFLICT DO NOTHING;
