-- What was reproducible and no longer is?
SELECT
    changed_at,
    source,
    to_status,
    from_version,
    to_version,
    category,
    class,
    fixed_at,
    distribution,
    release,
    architecture,
    rebuilder,
    category_key,
    from_build_id,
    to_build_id,
    count(*) OVER () AS regressions_in_all
FROM regressions
WHERE changed_at >= coalesce(nullif(:since, ''), (
        SELECT date(max(built_at), '-30 days') FROM builds WHERE built_at < coalesce((SELECT until FROM newest_run), '~')
    ))
    AND (:state = '' OR (lower(:state) = 'open' AND fixed_at IS NULL) OR (lower(:state) = 'fixed' AND fixed_at IS NOT NULL))
    AND (:distribution = '' OR distribution = :distribution)
    AND (:release = '' OR release = :release)
    AND (:architecture = '' OR architecture = :architecture)
    AND (:rebuilder = '' OR rebuilder = :rebuilder)
ORDER BY changed_at DESC
LIMIT 100
