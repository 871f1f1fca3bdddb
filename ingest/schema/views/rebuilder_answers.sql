-- What each rebuilder says of each current binary package: of its answers in several releases the latest.
-- The highest rank decides where rebuilders differ: a GOOD one, else the latest result,
-- else the one that was known first.
SELECT
    o.distribution,
    b.architecture,
    b.name AS binary,
    b.version,
    r.name AS rebuilder,
    b.status,
    l.built_at,
    iif(b.status = 'GOOD', 2, ifnull(b.status <> 'UNKWN', 0)) || ' ' || coalesce(l.built_at, '-')
        || ' ' || printf('%015d', 999999999999999 - b.id) AS rank,
    l.id AS build_id,
    b.id AS binary_package_id
FROM binary_packages AS b
JOIN origins AS o ON o.id = b.origin_id
JOIN rebuilders AS r ON r.id = b.rebuilder_id
LEFT JOIN source_packages AS s ON s.id = b.source_package_id
LEFT JOIN build_artifacts AS a ON a.id = b.latest_artifact_id
LEFT JOIN builds AS l ON l.id = coalesce(a.build_id, s.latest_build_id)
WHERE b.is_current = 1 AND NOT EXISTS (
    SELECT 1 FROM binary_packages AS x
    JOIN origins AS xo ON xo.id = x.origin_id
    LEFT JOIN source_packages AS xs ON xs.id = x.source_package_id
    LEFT JOIN build_artifacts AS xa ON xa.id = x.latest_artifact_id
    LEFT JOIN builds AS xl ON xl.id = coalesce(xa.build_id, xs.latest_build_id)
    WHERE x.name = b.name AND x.version = b.version AND x.architecture = b.architecture
        AND x.is_current = 1 AND x.rebuilder_id = b.rebuilder_id AND x.id <> b.id
        AND xo.distribution = o.distribution
        AND (coalesce(xl.built_at, ''), coalesce(xl.id, 0), x.id)
            > (coalesce(l.built_at, ''), coalesce(l.id, 0), b.id)
)
