-- Which packages are reproduced in one attempt and not in the next, in the same version?
SELECT
    source,
    version,
    status,
    good,
    bad,
    fail,
    copied,
    latest_built_at,
    distribution,
    release,
    architecture,
    rebuilder,
    latest_build_id,
    source_package_id,
    count(*) OVER () AS packages_in_all
FROM flaky_packages
WHERE is_current
    AND (:other = '' OR (upper(:other) = 'BAD' AND bad > 0) OR (upper(:other) = 'FAIL' AND fail > 0))
    AND (:distribution = '' OR distribution = :distribution)
    AND (:release = '' OR release = :release)
    AND (:architecture = '' OR architecture = :architecture)
    AND (:rebuilder = '' OR rebuilder = :rebuilder)
ORDER BY min(good, bad) DESC, bad DESC, latest_built_at DESC
LIMIT 50
