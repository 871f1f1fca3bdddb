-- The values of each statistic's newest period. Events have none, and a series for each package would never
-- end: those are for who names them.
SELECT
    m.id, x.name, x.title, x.unit, m.at, m.value, r.name, o.label, k.key, m.dimensions
FROM main.statistics AS x
JOIN main.measurements AS m
    ON m.statistic_id = x.id
        AND m.at BETWEEN CASE WHEN x.kind = 'latest' THEN '' ELSE x.last_at END AND x.last_at
LEFT JOIN main.rebuilders AS r ON r.id = m.rebuilder_id
LEFT JOIN main.origins AS o ON o.id = m.origin_id
LEFT JOIN main.categories AS k ON k.id = m.category_id
WHERE x.kind <> 'event' AND CASE
    WHEN :names IS NULL THEN NOT EXISTS (SELECT 1 FROM json_each(x.dimensions) WHERE value = 'package')
    ELSE x.name IN (SELECT value FROM json_each(:names))
END
ORDER BY x.name, m.at, r.name, o.label, k.key, m.dimensions;
