-- One answer on each binary package, however many releases and rebuilders have it, and where it stands: that with
-- the highest rank. Written without a GROUP BY, so that a page of rows costs a page of rows.
SELECT
    a.distribution,
    a.architecture,
    a.binary,
    a.version,
    s.component,
    s.state,
    s.category,
    s.class,
    s.source,
    s.source_version,
    s.built_at,
    CAST((
        SELECT count(*) FROM rebuilder_answers AS x
        WHERE x.binary = a.binary AND x.version = a.version AND x.architecture = a.architecture
            AND x.distribution = a.distribution
    ) AS INTEGER) AS rebuilders,
    s.rebuilder,
    s.category_key,
    s.failure_id,
    s.build_id,
    s.binary_package_id,
    s.source_package_id
FROM rebuilder_answers AS a
JOIN binary_states AS s ON s.binary_package_id = a.binary_package_id
WHERE NOT EXISTS (
    SELECT 1 FROM rebuilder_answers AS x
    WHERE x.binary = a.binary AND x.version = a.version AND x.architecture = a.architecture
        AND x.distribution = a.distribution AND x.binary_package_id <> a.binary_package_id
        AND x.rank > a.rank
)
