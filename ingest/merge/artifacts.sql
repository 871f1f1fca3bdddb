-- What was inferred from binaries makes way for what upstream tells with its ids: of a file
-- that is all of a build's artifacts, of an API those of the latest builds and the BAD ones.
CREATE TEMP TABLE replaced_artifacts (id INTEGER PRIMARY KEY);
INSERT INTO replaced_artifacts
SELECT m.id FROM main.builds AS b
CROSS JOIN main.build_artifacts AS m ON m.build_id = b.id
WHERE :known_before AND :after = 0 AND NOT :carries_status AND :carries_inputs
    AND b.rebuilder_id = :rebuilder_id AND b.generation = :generation
    AND EXISTS (SELECT 1 FROM incoming_builds AS i WHERE i.upstream_id = b.upstream_id)
    AND NOT EXISTS (
        SELECT 1 FROM incoming_build_artifacts AS i
        WHERE i.artifact_key = m.upstream_id AND i.upstream_build_id = b.upstream_id
    );
INSERT INTO replaced_artifacts
SELECT m.id FROM incoming_build_artifacts AS i
CROSS JOIN main.builds AS b
    ON b.rebuilder_id = :rebuilder_id AND b.generation = :generation
        AND b.upstream_id = i.upstream_build_id
CROSS JOIN main.build_artifacts AS m ON m.build_id = b.id
WHERE :known_before AND :after = 0 AND NOT :carries_status AND NOT :carries_inputs
    AND i.upstream_id IS NOT NULL AND (
        m.upstream_id IS NULL
        OR (m.upstream_id = b.upstream_id AND m.name = i.name AND NOT EXISTS (
            SELECT 1 FROM incoming_build_artifacts AS x
            WHERE x.artifact_key = m.upstream_id AND x.upstream_build_id = b.upstream_id
        ))
    )
ON CONFLICT DO NOTHING;
UPDATE main.binary_packages SET latest_artifact_id = NULL
WHERE id IN (
    SELECT m.id FROM (SELECT 1 FROM replaced_artifacts LIMIT 1) AS any_replaced
    CROSS JOIN main.binary_packages AS m
    CROSS JOIN replaced_artifacts AS r ON r.id = m.latest_artifact_id
);
DELETE FROM main.build_artifacts WHERE id IN (SELECT id FROM replaced_artifacts);

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
    WHERE m.build_id = b.id AND m.name = i.name
        AND (:carries_status OR m.upstream_id IS i.upstream_id)
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
