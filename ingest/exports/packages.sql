-- Each current source package that was tried, once for each release and architecture, with a word for its
-- result: a GOOD of any rebuilder, else the latest result, which is the row where max() finds the highest rank.
SELECT distribution, release, architecture, package, version, status, build_date, is_about_package, max(rank) AS rank
FROM (
    SELECT
        o.distribution,
        (SELECT canonical_release FROM release_names WHERE origin_id = o.id) AS release,
        o.architecture,
        s.name AS package,
        s.version,
        CASE
            WHEN s.status = 'GOOD' THEN 'reproducible'
            WHEN s.status = 'FAIL' THEN 'FTBFS'
            WHEN s.status = 'BAD' THEN iif(
                f.reasons IS NULL OR f.compared, 'unreproducible', 'FTBFS'
            )
            ELSE 'notforus'
        END AS status,
        CAST(strftime('%s', substr(b.built_at, 1, 19)) AS INTEGER) AS build_date,
        f.reasons IS NULL OR f.about_package AS is_about_package,
        iif(s.status = 'GOOD', 2, ifnull(s.status <> 'UNKWN', 0)) || b.built_at || printf('%020d', b.id) AS rank
    FROM source_packages AS s
    JOIN origins AS o ON o.id = s.origin_id
    JOIN rebuilders AS r ON r.id = s.rebuilder_id
    JOIN builds AS b ON b.id = s.latest_build_id
    LEFT JOIN (
        SELECT
            x.source_package_id,
            count(*) AS reasons,
            max(x.diffoscope_upstream_id IS NOT NULL OR k.class IN ('unreproducible', 'unknown')) AS compared,
            max(k.class NOT IN ('infrastructure', 'archive')) AS about_package
        FROM failures AS x
        JOIN categories AS k ON k.id = x.category_id
        WHERE x.is_current
        GROUP BY x.source_package_id
    ) AS f ON f.source_package_id = s.id
    WHERE s.is_current
        AND (:distribution IS NULL OR o.distribution = :distribution)
        AND (:release IS NULL OR s.origin_id IN (SELECT origin_id FROM release_names WHERE name = :release))
        AND (:rebuilder IS NULL OR r.name = :rebuilder)
)
GROUP BY distribution, package, release, architecture, version
ORDER BY distribution, package, release, architecture, version;
