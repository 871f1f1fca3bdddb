-- What failed for a reason that goes away by itself and is not queued yet, once for each command.
SELECT
    r.name AS rebuilder,
    o.architecture,
    o.distribution,
    (SELECT min(p.component) FROM binary_packages AS p WHERE p.source_package_id = s.id) AS component,
    s.name AS source,
    s.version
FROM failures AS f
CROSS JOIN categories AS k ON k.id = f.category_id
CROSS JOIN source_packages AS s ON s.id = f.source_package_id
CROSS JOIN origins AS o ON o.id = s.origin_id
CROSS JOIN rebuilders AS r ON r.id = s.rebuilder_id
LEFT JOIN release_aliases AS n ON n.distribution = o.distribution AND n.alias = o.release
LEFT JOIN release_aliases AS w ON w.distribution = o.distribution AND w.alias = :release
WHERE f.is_current AND k.temporary = 'yes'
    AND NOT EXISTS (SELECT 1 FROM queue AS q WHERE q.source_package_id = s.id)
    AND (:distribution IS NULL OR o.distribution = :distribution)
    AND (:release IS NULL OR coalesce(n.release, o.release) = coalesce(w.release, :release))
    AND (:rebuilder IS NULL OR r.name = :rebuilder)
GROUP BY r.name, o.distribution, o.architecture, component, s.name, s.version
ORDER BY r.name, o.distribution, o.architecture, s.name, s.version, component;
