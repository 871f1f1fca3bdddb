-- The result of each binary package in each release and of each rebuilder, current or not, and how it ranks: of several
-- results of one binary that with the highest rank is its result. A GOOD one ranks first, then any other conclusion before
-- none; among equals the latest, then the one that was known first.
SELECT
    o.distribution,
    o.release,
    b.architecture,
    b.name AS binary,
    b.version,
    r.name AS rebuilder,
    b.status,
    latest.built_at,
    iif(b.status = 'GOOD', 2, ifnull(b.status <> 'UNKWN', 0)) || ' ' || coalesce(latest.built_at, '-')
        || ' ' || (1999999999999999 - b.id) AS rank,
    b.is_current,
    b.component,
    s.name AS source,
    s.version AS source_version,
    latest.id AS build_id,
    a.id AS build_artifact_id,
    b.id AS binary_package_id,
    b.source_package_id,
    b.origin_id,
    b.rebuilder_id
FROM binary_packages AS b
JOIN origins AS o ON o.id = b.origin_id
JOIN rebuilders AS r ON r.id = b.rebuilder_id
LEFT JOIN source_packages AS s ON s.id = b.source_package_id
LEFT JOIN build_artifacts AS a ON a.id = b.latest_artifact_id
LEFT JOIN builds AS latest ON latest.id = coalesce(a.build_id, s.latest_build_id)
