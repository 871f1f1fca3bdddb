-- The measurements of a statistic in the order of time, from one time until before another, those after a cursor.
-- filters: dimensions and the values that they must have, as a JSON object.
SELECT m.id, m.at, m.value, r.name AS rebuilder, o.label AS origin, k.key AS category, m.dimensions
FROM measurements AS m
LEFT JOIN rebuilders AS r ON r.id = m.rebuilder_id
LEFT JOIN origins AS o ON o.id = m.origin_id
LEFT JOIN categories AS k ON k.id = m.category_id
WHERE m.statistic_id = :statistic
    AND m.at >= :start
    AND m.at < :stop
    AND m.at <= (SELECT coalesce(x.last_at, '~') FROM statistics AS x WHERE x.id = :statistic)
    AND (m.at <> :after_at OR CASE :order WHEN 'asc' THEN m.id > :after_id ELSE m.id < :after_id END)
    AND (:filters = '{}' OR NOT EXISTS (
        SELECT 1 FROM json_each(:filters) AS f
        WHERE f.value IS NOT CASE f.key
            WHEN 'rebuilder' THEN r.name
            WHEN 'origin' THEN o.label
            WHEN 'category' THEN k.key
            ELSE CAST(json_extract(m.dimensions, '$.' || f.key) AS TEXT)
        END
    ))
ORDER BY m.at ASC, m.id ASC
LIMIT :limit
