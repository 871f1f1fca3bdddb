-- Each measurement with names: what was measured, of what. Those of a time to come are left out: a clock was ahead.
SELECT
    x.name AS statistic,
    m.at,
    m.value,
    x.unit,
    r.name AS rebuilder,
    o.label AS origin,
    k.key AS category,
    m.dimensions,
    m.id AS measurement_id
FROM measurements AS m
JOIN statistics AS x ON x.id = m.statistic_id AND m.at <= coalesce(x.last_at, '~')
LEFT JOIN rebuilders AS r ON r.id = m.rebuilder_id
LEFT JOIN origins AS o ON o.id = m.origin_id
LEFT JOIN categories AS k ON k.id = m.category_id
