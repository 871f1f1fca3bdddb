-- Source packages that were reproducible and no longer are: each change, and whether it was undone since.
SELECT
    c.changed_at,
    c.name AS source,
    c.to_status,
    c.from_version,
    c.to_version,
    k.name AS category,
    k.class,
    (
        SELECT min(later.changed_at) FROM status_changes AS later
        WHERE later.name_id = c.name_id AND later.origin_id = c.origin_id
            AND later.rebuilder_id = c.rebuilder_id AND later.generation = c.generation
            AND later.to_status = 'GOOD' AND later.changed_at > c.changed_at
    ) AS fixed_at,
    o.distribution,
    o.release,
    o.architecture,
    r.name AS rebuilder,
    k.key AS category_key,
    c.from_build_id,
    c.to_build_id
FROM status_changes AS c
JOIN origins AS o ON o.id = c.origin_id
JOIN rebuilders AS r ON r.id = c.rebuilder_id
LEFT JOIN failures AS f ON f.id = (SELECT min(x.id) FROM failures AS x WHERE x.build_id = c.to_build_id)
LEFT JOIN categories AS k ON k.id = f.category_id
WHERE c.change = 'regression'
