-- What became reproducible, and how long did that take?
SELECT
    changed_at,
    source,
    from_status,
    from_version,
    to_version,
    days_to_fix,
    category,
    class,
    distribution,
    release,
    architecture,
    rebuilder,
    category_key,
    from_build_id,
    to_build_id,
    count(*) OVER () AS fixes_in_all
FROM fixes
WHERE changed_at >= coalesce(nullif(:since, ''), (
        SELECT date(max(built_at), '-30 days') FROM builds WHERE built_at < coalesce((SELECT until FROM newest_run), '~')
    ))
    AND (:distribution = '' OR distribution = :distribution)
    AND (:release = '' OR release = :release)
    AND (:architecture = '' OR architecture = :architecture)
    AND (:rebuilder = '' OR rebuilder = :rebuilder)
ORDER BY changed_at DESC
LIMIT 100
