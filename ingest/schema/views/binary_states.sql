-- Where each current binary package stands: reproducible or not, not built, failed for another's reason, or never tried.
SELECT
    o.distribution,
    o.release,
    coalesce(n.release, o.release) AS canonical_release,
    b.architecture,
    b.name AS binary,
    b.version,
    b.component,
    CASE
        WHEN b.status = 'GOOD' THEN 'reproducible'
        WHEN b.status IS NULL AND latest.id IS NULL THEN 'never-attempted'
        WHEN b.status IS NULL OR b.status = 'UNKWN' THEN 'no-result'
        WHEN a.has_diffoscope OR k.class = 'unreproducible' THEN 'unreproducible'
        WHEN k.class = 'build' THEN 'did-not-build'
        WHEN k.class = 'infrastructure' THEN 'failed-by-infrastructure'
        WHEN k.class = 'archive' THEN 'failed-by-archive'
        ELSE 'unexplained'
    END AS state,
    b.status,
    k.name AS category,
    k.class,
    s.name AS source,
    s.version AS source_version,
    latest.built_at,
    r.name AS rebuilder,
    k.key AS category_key,
    f.id AS failure_id,
    latest.id AS build_id,
    b.id AS binary_package_id,
    s.id AS source_package_id
FROM binary_packages AS b
JOIN rebuilders AS r ON r.id = b.rebuilder_id
JOIN origins AS o ON o.id = b.origin_id
LEFT JOIN release_aliases AS n ON n.distribution = o.distribution AND n.alias = o.release
LEFT JOIN source_packages AS s ON s.id = b.source_package_id
LEFT JOIN build_artifacts AS a ON a.id = b.latest_artifact_id
LEFT JOIN builds AS latest ON latest.id = coalesce(a.build_id, s.latest_build_id)
LEFT JOIN failures AS f ON f.id = (
    SELECT x.id FROM failures AS x
    WHERE b.status IN ('BAD', 'FAIL') AND x.build_id = latest.id
        AND coalesce(x.build_artifact_id, 0) = iif(b.status = 'FAIL', 0, a.id)
)
LEFT JOIN categories AS k ON k.id = f.category_id
WHERE b.is_current = 1
