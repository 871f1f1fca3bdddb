-- How long do builds take, day by day?
WITH timed AS (
    SELECT
        substr(b.built_at, 1, 10) AS day,
        b.duration,
        row_number() OVER (PARTITION BY substr(b.built_at, 1, 10) ORDER BY b.duration) AS place,
        count(*) OVER (PARTITION BY substr(b.built_at, 1, 10)) AS builds
    FROM builds AS b
    JOIN origins AS o ON o.id = b.origin_id
    JOIN rebuilders AS r ON r.id = b.rebuilder_id
    WHERE b.copy_of IS NULL AND b.duration IS NOT NULL
        AND b.built_at >= coalesce(nullif(:since, ''), (SELECT date(max(built_at), '-90 days') FROM builds))
        AND (:distribution = '' OR o.distribution = :distribution)
        AND (:release = '' OR o.release = :release)
        AND (:architecture = '' OR o.architecture = :architecture)
        AND (:rebuilder = '' OR r.name = :rebuilder)
)
SELECT
    day,
    builds,
    min(CASE WHEN place >= 0.5 * builds THEN duration END) AS p50_duration,
    min(CASE WHEN place >= 0.95 * builds THEN duration END) AS p95_duration,
    max(duration) AS longest_duration,
    nullif(:distribution, '') AS distribution,
    nullif(:release, '') AS release,
    nullif(:architecture, '') AS architecture,
    nullif(:rebuilder, '') AS rebuilder
FROM timed
GROUP BY day
ORDER BY day DESC
