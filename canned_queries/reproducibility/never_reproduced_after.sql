-- Which packages have failed in every attempt, however often they were tried?
SELECT
    source,
    version,
    status,
    results,
    attempts,
    bad,
    fail,
    category,
    first_built_at,
    latest_built_at,
    next_retry,
    distribution,
    release,
    architecture,
    rebuilder,
    category_key,
    latest_build_id,
    source_package_id,
    count(*) OVER () AS packages_in_all
FROM never_reproduced
WHERE results >= coalesce(nullif(:attempts, ''), 3) + 0
    AND (:distribution = '' OR distribution = :distribution)
    AND (:release = '' OR release = :release)
    AND (:architecture = '' OR architecture = :architecture)
    AND (:rebuilder = '' OR rebuilder = :rebuilder)
ORDER BY results DESC, first_built_at
LIMIT 100
