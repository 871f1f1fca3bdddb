-- How long do builds take, day by day?
WITH timed AS (
    SELECT
        substr(b.built_at, 1, 10) AS day,
        b.duration,
        cume_dist() OVER (PARTITION BY substr(b.built_at, 1, 10) ORDER BY b.duration) AS share
    FROM builds AS b
    WHERE b.copy_of IS NULL AND b.duration IS NOT NULL
        AND b.built_at >= coalesce(nullif(:since, ''), (SELECT date(max(built_at), '-90 days') FROM builds))
        AND +b.origin_id IN (
            SELECT id FROM origins
            WHERE (:distribution = '' OR distribution = :distribution)
                AND (:release = '' OR release = :release)
                AND (:architecture = '' OR architecture = :architecture)
        )
        AND +b.rebuilder_id IN (SELECT id FROM rebuilders WHERE :rebuilder = '' OR name = :rebuilder)
)
SELECT
    day,
    count(*) AS builds,
    min(CASE WHEN share >= 0.5 THEN duration END) AS p50_duration,
    min(CASE WHEN share >= 0.95 THEN duration END) AS p95_duration,
    max(duration) AS longest_duration,
    nullif(:distribution, '') AS distribution,
    nullif(:release, '') AS release,
    nullif(:architecture, '') AS architecture,
    nullif(:rebuilder, '') AS rebuilder
FROM timed
GROUP BY day
ORDER BY day DESC
