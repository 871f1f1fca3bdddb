-- Where a source package stands now, the worst first; of a name that no source has, the binary package of that name.
WITH states AS (
    SELECT s.state, s.distribution, s.release, s.architecture, s.rebuilder
    FROM source_status AS s
    WHERE s.source = :name
    UNION ALL
    SELECT b.state, b.distribution, b.release, o.architecture, b.rebuilder
    FROM binary_states AS b
    JOIN binary_packages AS p ON p.id = b.binary_package_id
    JOIN origins AS o ON o.id = p.origin_id
    WHERE b.binary = :name AND NOT EXISTS (SELECT 1 FROM source_packages AS x WHERE x.name = :name AND x.is_current)
)
SELECT state
FROM states
WHERE (:distribution IS NULL OR distribution = :distribution)
    AND (:release IS NULL OR coalesce(release, '-') = :release)
    AND (:architecture IS NULL OR architecture = :architecture)
    AND (:rebuilder IS NULL OR rebuilder = :rebuilder)
GROUP BY state
ORDER BY CASE state
    WHEN 'did-not-build' THEN 1
    WHEN 'unreproducible' THEN 2
    WHEN 'unexplained' THEN 3
    WHEN 'failed-by-archive' THEN 4
    WHEN 'failed-by-infrastructure' THEN 5
    WHEN 'no-result' THEN 6
    WHEN 'never-attempted' THEN 7
    ELSE 8
END
LIMIT 1
