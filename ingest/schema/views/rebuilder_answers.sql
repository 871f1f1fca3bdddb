-- What each rebuilder says of each current binary package: of its results in several releases that with the highest rank.
SELECT
    b.distribution,
    b.architecture,
    b.binary,
    b.version,
    b.rebuilder,
    b.status,
    b.built_at,
    b.rank,
    b.build_id,
    b.binary_package_id
FROM binary_results AS b
WHERE b.is_current = 1 AND NOT EXISTS (
    SELECT 1 FROM binary_results AS x
    WHERE x.binary = b.binary AND x.version = b.version AND x.architecture = b.architecture
        AND x.is_current = 1 AND x.rebuilder_id = b.rebuilder_id AND x.distribution = b.distribution
        AND x.binary_package_id <> b.binary_package_id AND x.rank > b.rank
)
