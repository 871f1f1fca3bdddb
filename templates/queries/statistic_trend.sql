-- A statistic for a chart: its value in each step of time (seconds, counted from a Monday), a series for each value of
-- the dimension :by. Values of one time are added up or their mean is taken, as :adds says; those of several times in
-- a step are added up where they are totals. Series after the :most with the largest values become one without a rank,
-- or where nothing adds up, none.
WITH chosen AS (
    SELECT
        m.at,
        m.value,
        coalesce(CASE :by
            WHEN 'rebuilder' THEN r.name
            WHEN 'origin' THEN o.label
            WHEN 'category' THEN k.key
            ELSE CAST(json_extract(m.dimensions, '$.' || :by) AS TEXT)
        END, 'none') AS series
    FROM measurements AS m
    LEFT JOIN rebuilders AS r ON r.id = m.rebuilder_id
    LEFT JOIN origins AS o ON o.id = m.origin_id
    LEFT JOIN categories AS k ON k.id = m.category_id
    WHERE m.statistic_id = :statistic
        AND m.at >= :start
        AND m.at <= (SELECT coalesce(x.last_at, '~') FROM statistics AS x WHERE x.id = :statistic)
        AND (:filters = '{}' OR NOT EXISTS (
            SELECT 1 FROM json_each(:filters) AS f
            WHERE f.value IS NOT CASE f.key
                WHEN 'rebuilder' THEN r.name
                WHEN 'origin' THEN o.label
                WHEN 'category' THEN k.key
                ELSE CAST(json_extract(m.dimensions, '$.' || f.key) AS TEXT)
            END
        ))
),
times AS (
    SELECT at, series, CASE WHEN :adds THEN sum(value) ELSE avg(value) END AS value
    FROM chosen
    GROUP BY at, series
),
sized AS (
    SELECT at, series, value, sum(abs(value)) OVER (PARTITION BY series) AS size FROM times
),
ranked AS MATERIALIZED (
    SELECT at, series, value, dense_rank() OVER (ORDER BY size DESC, series) AS rank FROM sized
),
drawn AS (
    SELECT
        at,
        sum(value) AS value,
        CASE WHEN rank <= :most THEN rank END AS rank,
        max(CASE WHEN rank <= :most THEN series END) AS series
    FROM ranked
    WHERE :adds OR rank <= :most
    GROUP BY 1, 3
)
SELECT
    (unixepoch(at) - 978307200) / :step AS step,
    rank,
    max(series) AS series,
    CASE WHEN :kind = 'total' THEN sum(value) ELSE avg(value) END AS value,
    (SELECT max(r.rank) FROM ranked AS r) AS series_in_all
FROM drawn
GROUP BY 1, 2
ORDER BY 2 IS NULL, 2, 1
