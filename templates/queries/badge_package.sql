-- Where a source package stands now, the worst first; of a name that no source has, the binary package of that name.
WITH states AS (
    SELECT s.status, s.latest_build_id, s.id AS source_package_id, s.origin_id, s.rebuilder_id
    FROM source_packages AS s
    WHERE s.name = :name AND s.is_current
    UNION ALL
    SELECT b.status, coalesce(a.build_id, s.latest_build_id), s.id, b.origin_id, b.rebuilder_id
    FROM binary_packages AS b
    LEFT JOIN source_packages AS s ON s.id = b.source_package_id
    LEFT JOIN build_artifacts AS a ON a.id = b.latest_artifact_id
    WHERE b.name = :name AND b.is_current
        AND NOT EXISTS (SELECT 1 FROM source_packages AS x WHERE x.name = :name AND x.is_current)
)
SELECT
    CASE
        WHEN x.status = 'FAIL' AND EXISTS (
            SELECT 1 FROM failures AS f JOIN categories AS k ON k.id = f.category_id
            WHERE f.build_id = x.latest_build_id AND k.class = 'infrastructure'
        ) THEN 'infrastructure fault'
        WHEN x.status = 'FAIL' THEN 'does not build'
        WHEN x.status = 'BAD' THEN 'unreproducible'
        WHEN x.status = 'GOOD' THEN 'reproducible'
        WHEN x.latest_build_id IS NULL THEN 'not built yet'
        ELSE 'unknown'
    END AS state
FROM states AS x
JOIN origins AS o ON o.id = x.origin_id
JOIN rebuilders AS r ON r.id = x.rebuilder_id
WHERE (:distribution IS NULL OR o.distribution = :distribution)
    AND (:release IS NULL OR coalesce(o.release, '-') = :release)
    AND (:architecture IS NULL OR o.architecture = :architecture)
    AND (:rebuilder IS NULL OR r.name = :rebuilder)
GROUP BY state
ORDER BY CASE state
    WHEN 'does not build' THEN 1
    WHEN 'unreproducible' THEN 2
    WHEN 'infrastructure fault' THEN 3
    WHEN 'unknown' THEN 4
    WHEN 'not built yet' THEN 5
    ELSE 6
END
LIMIT 1
