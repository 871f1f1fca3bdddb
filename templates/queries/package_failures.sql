-- Why these source packages failed: first what fails now, of that first the binary of this name. Artifacts of one build
-- that failed for the same reason with the same evidence are one row.
SELECT
    min(f.id) AS failure_id,
    f.is_current,
    f.evidence,
    f.rule_set IS NOT NULL AS has_log,
    f.rule_set IS NOT NULL AND f.diffoscope_upstream_id IS NOT NULL AS has_diffoscope,
    k.id AS category_id,
    k.key AS category_key,
    k.name AS category,
    k.class,
    k.temporary,
    k.action,
    CASE WHEN f.build_artifact_id IS NULL THEN 'FAIL' ELSE 'BAD' END AS status,
    a.name AS artifact,
    count(*) AS failures,
    s.name AS source,
    s.version,
    r.name AS rebuilder,
    o.distribution,
    o.release,
    o.architecture,
    b.id AS build_id,
    b.attempt,
    b.built_at,
    sum(count(*)) OVER () AS found
FROM (
    SELECT id FROM source_packages WHERE name = :name
    UNION
    SELECT source_package_id FROM binary_packages WHERE name = :name
) AS wanted
JOIN failures AS f ON f.source_package_id = wanted.id
JOIN source_packages AS s ON s.id = f.source_package_id
JOIN categories AS k ON k.id = f.category_id
JOIN rebuilders AS r ON r.id = f.rebuilder_id
JOIN origins AS o ON o.id = f.origin_id
JOIN builds AS b ON b.id = f.build_id
LEFT JOIN build_artifacts AS a ON a.id = f.build_artifact_id
GROUP BY f.build_id, f.category_id, f.evidence, f.build_artifact_id IS NULL
ORDER BY
    f.is_current DESC,
    max(a.id IN (SELECT latest_artifact_id FROM binary_packages WHERE name = :name)) DESC,
    b.built_at DESC,
    b.copy_of IS NOT NULL,
    failure_id
LIMIT :most
