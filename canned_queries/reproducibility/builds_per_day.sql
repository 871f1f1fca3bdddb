-- How many builds are done each day, and with which results?
SELECT
    substr(b.built_at, 1, 10) AS day,
    coalesce(b.status, 'UNKWN') AS status,
    count(*) AS builds,
    nullif(:distribution, '') AS distribution,
    nullif(:release, '') AS release,
    nullif(:architecture, '') AS architecture,
    nullif(:rebuilder, '') AS rebuilder
FROM builds AS b
JOIN origins AS o ON o.id = b.origin_id
JOIN rebuilders AS r ON r.id = b.rebuilder_id
WHERE b.copy_of IS NULL
    AND b.built_at >= coalesce(nullif(:since, ''), (
        SELECT date(max(built_at), '-30 days') FROM builds WHERE built_at < coalesce((SELECT until FROM newest_run), '~')
    ))
    AND (:distribution = '' OR o.distribution = :distribution)
    AND (:release = '' OR o.release = :release)
    AND (:architecture = '' OR o.architecture = :architecture)
    AND (:rebuilder = '' OR r.name = :rebuilder)
GROUP BY substr(b.built_at, 1, 10), coalesce(b.status, 'UNKWN')
ORDER BY day DESC, status
