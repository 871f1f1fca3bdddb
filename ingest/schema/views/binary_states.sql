-- Where each current binary package stands: reproducible or not, not built, failed for another's reason, or never tried.
-- The reason decides, so that state and class never contradict; diffoscope's output tells only where no reason is known.
SELECT
    b.distribution,
    b.release,
    (SELECT n.canonical_release FROM release_names AS n WHERE n.origin_id = b.origin_id) AS canonical_release,
    b.architecture,
    b.binary,
    b.version,
    b.component,
    CASE
        WHEN b.status = 'GOOD' THEN 'reproducible'
        WHEN b.status IS NULL AND b.build_id IS NULL THEN 'never-attempted'
        WHEN b.status IS NULL OR b.status = 'UNKWN' THEN 'no-result'
        WHEN k.state IS NOT NULL THEN k.state
        WHEN a.has_diffoscope THEN 'unreproducible'
        ELSE 'unexplained'
    END AS state,
    b.status,
    k.name AS category,
    k.class,
    b.source,
    b.source_version,
    b.built_at,
    b.rebuilder,
    k.key AS category_key,
    f.id AS failure_id,
    b.build_id,
    b.binary_package_id,
    b.source_package_id
FROM binary_results AS b
LEFT JOIN build_artifacts AS a ON a.id = b.build_artifact_id
LEFT JOIN failures AS f ON f.id = (
    SELECT x.id FROM failures AS x
    WHERE b.status IN ('BAD', 'FAIL') AND x.build_id = b.build_id
        AND coalesce(x.build_artifact_id, 0) = iif(b.status = 'FAIL', 0, b.build_artifact_id)
)
LEFT JOIN categories AS k ON k.id = f.category_id
WHERE b.is_current = 1
