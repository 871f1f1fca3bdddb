-- What the dimensions of a statistic are since a time and until its last, up to 101 values of each, so that 100 can be offered.
-- Where there are thousands, some of them are enough to know that. Each event has a build of its own, which nobody chooses.
WITH kinds AS MATERIALIZED (
    SELECT DISTINCT rebuilder_id, origin_id, category_id
    FROM measurements
    WHERE statistic_id = :statistic AND at >= :start AND at <= (SELECT coalesce(last_at, '~') FROM statistics WHERE id = :statistic)
),
others AS MATERIALIZED (
    SELECT DISTINCT dimensions
    FROM measurements
    WHERE statistic_id = :statistic AND at >= :start AND at <= (SELECT coalesce(last_at, '~') FROM statistics WHERE id = :statistic) AND dimensions IS NOT NULL
    LIMIT 2000
),
found AS (
    SELECT 'rebuilder' AS dimension, name AS choice FROM rebuilders WHERE id IN (SELECT rebuilder_id FROM kinds)
    UNION ALL
    SELECT 'origin', label FROM origins WHERE id IN (SELECT origin_id FROM kinds)
    UNION ALL
    SELECT 'category', key FROM categories WHERE id IN (SELECT category_id FROM kinds)
    UNION ALL
    SELECT DISTINCT d.key, CAST(d.value AS TEXT) FROM others AS o CROSS JOIN json_each(o.dimensions) AS d
    WHERE d.key <> 'build'
),
numbered AS (
    SELECT dimension, choice, row_number() OVER (PARTITION BY dimension ORDER BY choice) AS number FROM found
)
SELECT dimension, choice FROM numbered WHERE number <= 101 ORDER BY dimension, number
