-- Which packages may come out reproducible if they were only tried again?
SELECT
    source,
    version,
    status,
    reasons,
    latest_built_at,
    attempt,
    next_retry,
    is_queued,
    distribution,
    release,
    architecture,
    rebuilder,
    latest_build_id,
    source_package_id,
    count(*) OVER () AS packages_in_all
FROM packages_to_retry
WHERE (trim(:reason) = '' OR instr(lower(reasons), lower(trim(:reason))) > 0)
    AND (lower(:queued) = 'all' OR is_queued = (lower(:queued) IN ('yes', '1')))
    AND (:distribution = '' OR distribution = :distribution)
    AND (:release = '' OR release = :release)
    AND (:architecture = '' OR architecture = :architecture)
    AND (:rebuilder = '' OR rebuilder = :rebuilder)
ORDER BY is_queued, instr(reasons, 'was GOOD') = 0, latest_built_at
LIMIT 50
