-- What is known of each current binary package.
SELECT
    r.name AS rebuilder,
    o.distribution,
    o.release,
    o.architecture,
    s.name AS source,
    s.version AS source_version,
    s.status AS source_status,
    b.name AS binary,
    b.version,
    b.architecture AS binary_architecture,
    b.component,
    b.status,
    latest.built_at AS latest_built_at,
    latest.id AS latest_build_id,
    b.id AS binary_package_id,
    s.id AS source_package_id
FROM binary_packages AS b
JOIN rebuilders AS r ON r.id = b.rebuilder_id
JOIN origins AS o ON o.id = b.origin_id
LEFT JOIN source_packages AS s ON s.id = b.source_package_id
LEFT JOIN build_artifacts AS a ON a.id = b.latest_artifact_id
LEFT JOIN builds AS latest ON latest.id = coalesce(a.build_id, s.latest_build_id)
WHERE b.is_current
