-- What a sink did not get yet, in the order of its numbers: what changed has a new one.
SELECT
    m.id, x.name, x.title, x.unit, m.at, m.value, r.name, o.label, k.key, m.dimensions
FROM main.measurements AS m
JOIN main.statistics AS x ON x.id = m.statistic_id
LEFT JOIN main.rebuilders AS r ON r.id = m.rebuilder_id
LEFT JOIN main.origins AS o ON o.id = m.origin_id
LEFT JOIN main.categories AS k ON k.id = m.category_id
WHERE m.id > :after
    AND m.id > coalesce((SELECT p.value FROM json_each(:position) AS p WHERE p.key = x.name), 0)
    AND (:names IS NULL OR x.name IN (SELECT value FROM json_each(:names)))
ORDER BY m.id
LIMIT :limit;
