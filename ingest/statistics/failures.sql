SELECT
    r.name, o.label, o.distribution, o.release, o.architecture, b.built_at,
    f.id, b.id, s.name, s.version, b.status, b.attempt, a.name, k.key, k.class, f.evidence
FROM main.builds AS b
CROSS JOIN main.failures AS f ON f.build_id = b.id
CROSS JOIN main.source_packages AS s ON s.id = b.source_package_id
CROSS JOIN main.rebuilders AS r ON r.id = b.rebuilder_id
CROSS JOIN main.origins AS o ON o.id = b.origin_id
CROSS JOIN main.categories AS k ON k.id = f.category_id
LEFT JOIN main.build_artifacts AS a ON a.id = f.build_artifact_id
WHERE b.built_at >= :start AND b.built_at < :stop AND b.copy_of IS NULL
    AND (:origins IS NULL OR o.label IN (SELECT value FROM json_each(:origins)))
ORDER BY b.built_at, f.id;
