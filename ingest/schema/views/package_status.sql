-- What is known of each current binary package.
SELECT
    b.rebuilder,
    b.distribution,
    b.release,
    o.architecture,
    b.source,
    b.source_version,
    s.status AS source_status,
    b.binary,
    b.version,
    b.architecture AS binary_architecture,
    b.component,
    b.status,
    b.built_at AS latest_built_at,
    b.build_id AS latest_build_id,
    b.binary_package_id,
    b.source_package_id
FROM binary_results AS b
JOIN origins AS o ON o.id = b.origin_id
LEFT JOIN source_packages AS s ON s.id = b.source_package_id
WHERE b.is_current = 1
