-- How long do builds take, day by day?
WITH days AS (
    SELECT
        day,
        count(*) AS builds,
        -- In the order of the rows below, which is much faster than to rank each among those of its day.
        json_group_array(duration) AS durations
    FROM (
        SELECT substr(b.built_at, 1, 10) AS day, b.duration
        FROM builds AS b
        WHERE b.copy_of IS NULL AND b.duration IS NOT NULL
            AND b.built_at >= coalesce(nullif(:since, ''), (
                SELECT date(max(built_at), '-90 days') FROM builds
                WHERE built_at < coalesce((SELECT until FROM newest_run), '~')
            ))
            AND +b.origin_id IN (
                SELECT id FROM origins
                WHERE (:distribution = '' OR distribution = :distribution)
                    AND (:release = '' OR release = :release)
                    AND (:architecture = '' OR architecture = :architecture)
            )
            AND +b.rebuilder_id IN (SELECT id FROM rebuilders WHERE :rebuilder = '' OR name = :rebuilder)
        ORDER BY 1, b.duration
    )
    GROUP BY day
)
SELECT
    day,
    builds,
    -- The shortest that so many hundredths of the builds do not exceed.
    durations ->> ((50 * builds + 99) / 100 - 1) AS p50_duration,
    durations ->> ((95 * builds + 99) / 100 - 1) AS p95_duration,
    durations ->> (builds - 1) AS longest_duration,
    nullif(:distribution, '') AS distribution,
    nullif(:release, '') AS release,
    nullif(:architecture, '') AS architecture,
    nullif(:rebuilder, '') AS rebuilder
FROM days
ORDER BY day DESC
