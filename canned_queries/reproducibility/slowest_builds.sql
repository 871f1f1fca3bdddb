-- Which builds took longest?
SELECT
    duration,
    source,
    version,
    status,
    category,
    attempt,
    built_at,
    log,
    distribution,
    release,
    architecture,
    rebuilder,
    category_key,
    build_id,
    source_package_id,
    count(*) OVER () AS builds_in_all
FROM attempts
WHERE duration IS NOT NULL
    AND built_at >= coalesce(nullif(:since, ''), (
        SELECT date(max(built_at), '-30 days') FROM builds WHERE built_at < coalesce((SELECT until FROM newest_run), '~')
    ))
    AND (:status = '' OR status = upper(:status))
    AND (:distribution = '' OR distribution = :distribution)
    AND (:release = '' OR release = :release)
    AND (:architecture = '' OR architecture = :architecture)
    AND (:rebuilder = '' OR rebuilder = :rebuilder)
ORDER BY duration DESC
LIMIT 100
