SELECT
    r.name, o.label, o.distribution, o.release, o.architecture, b.built_at,
    b.id, s.name, s.version, b.status, b.attempt, b.started_at, b.duration, s.backend, s.retries,
    (SELECT count(*) FROM main.build_artifacts AS a WHERE a.build_id = b.id),
    f.log_bytes,
    k.key,
    (
        SELECT json_group_object(p.name, p.value) FROM main.build_properties AS p
        WHERE p.build_id = b.id AND p.value IS NOT NULL HAVING count(*) > 0
    )
FROM main.builds AS b
CROSS JOIN main.source_packages AS s ON s.id = b.source_package_id
CROSS JOIN main.rebuilders AS r ON r.id = b.rebuilder_id
CROSS JOIN main.origins AS o ON o.id = b.origin_id
LEFT JOIN main.failures AS f ON f.id = (SELECT min(x.id) FROM main.failures AS x WHERE x.build_id = b.id)
LEFT JOIN main.categories AS k ON k.id = f.category_id
WHERE b.built_at >= :start AND b.built_at < :stop AND b.copy_of IS NULL
    AND (:origins IS NULL OR o.label IN (SELECT value FROM json_each(:origins)))
ORDER BY b.built_at, b.id;
