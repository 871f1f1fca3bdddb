-- By the nearest rank: the least duration that so many percent of the builds do not exceed.
WITH durations AS (
    SELECT substr(b.built_at, 1, 10) AS day, b.rebuilder_id, b.origin_id, b.duration
    FROM main.builds AS b
    WHERE b.built_at >= :start AND b.built_at < :stop AND b.copy_of IS NULL AND b.duration IS NOT NULL
),
ranked AS (
    SELECT *, row_number() OVER ordered AS rank, count(*) OVER (PARTITION BY day, rebuilder_id, origin_id) AS builds
    FROM durations
    WINDOW ordered AS (PARTITION BY day, rebuilder_id, origin_id ORDER BY duration)
),
quantiles (quantile, percent) AS (VALUES ('p50', 50), ('p95', 95))
SELECT r.day AS at, r.rebuilder_id, r.origin_id, q.quantile, r.duration AS value
FROM ranked AS r
CROSS JOIN quantiles AS q ON r.rank = (r.builds * q.percent + 99) / 100;
