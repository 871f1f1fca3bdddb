-- What a sink did not get yet, in the order of its numbers: what changed has a new one.
WITH wanted AS MATERIALIZED (
    SELECT x.id, x.name, x.title, x.unit, coalesce(p.value, 0) AS position
    FROM main.statistics AS x
    LEFT JOIN json_each(:position) AS p ON p.key = x.name
    WHERE :names IS NULL OR x.name IN (SELECT value FROM json_each(:names))
)
SELECT
    m.id, w.name, w.title, w.unit, m.at, m.value, r.name, o.label, k.key, m.dimensions
FROM main.measurements AS m
CROSS JOIN wanted AS w ON w.id = m.statistic_id AND m.id > w.position
LEFT JOIN main.rebuilders AS r ON r.id = m.rebuilder_id
LEFT JOIN main.origins AS o ON o.id = m.origin_id
LEFT JOIN main.categories AS k ON k.id = m.category_id
WHERE m.id > :after
ORDER BY m.id
LIMIT :limit;
