-- Statistics, all or the one with this name. adds: whether values of one time that differ in a dimension are added up;
-- of others there is a mean. The first and the last value are of all dimensions together.
WITH marked AS (
    SELECT *, coalesce(json_extract(chart, '$.mark.type'), json_extract(chart, '$.mark'), 'line') AS mark
    FROM statistics
    WHERE :name IS NULL OR name = :name
),
shown AS (
    SELECT *, kind = 'total' OR (kind <> 'event' AND mark IN ('bar', 'area')) AS adds FROM marked
)
SELECT
    s.*,
    (
        SELECT CASE WHEN s.adds THEN sum(m.value) ELSE avg(m.value) END FROM measurements AS m
        WHERE m.statistic_id = s.id AND m.at = s.first_at
    ) AS first_value,
    (
        SELECT CASE WHEN s.adds THEN sum(m.value) ELSE avg(m.value) END FROM measurements AS m
        WHERE m.statistic_id = s.id AND m.at = s.last_at
    ) AS last_value
FROM shown AS s
ORDER BY s.is_installed DESC, s.title, s.name
