-- What is worth another try and is not queued yet, once for each command.
SELECT
    p.rebuilder,
    p.architecture,
    p.distribution,
    (SELECT min(b.component) FROM binary_packages AS b WHERE b.source_package_id = p.source_package_id) AS component,
    p.source,
    p.version,
    count(*) AS packages
FROM packages_to_retry AS p
JOIN source_packages AS s ON s.id = p.source_package_id
WHERE p.is_queued = 0
    AND (:distribution IS NULL OR p.distribution = :distribution)
    AND (:release IS NULL OR s.origin_id IN (SELECT origin_id FROM release_names WHERE name = :release))
    AND (:rebuilder IS NULL OR p.rebuilder = :rebuilder)
GROUP BY p.rebuilder, p.distribution, p.architecture, component, p.source, p.version
ORDER BY p.rebuilder, p.distribution, p.architecture, p.source, p.version, component;
