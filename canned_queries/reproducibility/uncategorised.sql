-- What can no rule explain yet? Current failures that still need one, the newest first.
SELECT
    source,
    version,
    artifact,
    distribution,
    release,
    architecture,
    status,
    attempt,
    built_at,
    log,
    diffoscope,
    rebuilder,
    failure_id,
    build_id,
    count(*) OVER () AS failures_in_all
FROM current_failures
WHERE category_key = coalesce(nullif(lower(trim(:category)), ''), 'uncategorised')
    AND (:distribution = '' OR distribution = :distribution)
    AND (:release = '' OR release = :release)
    AND (:architecture = '' OR architecture = :architecture)
    AND (:rebuilder = '' OR rebuilder = :rebuilder)
ORDER BY built_at DESC, failure_id
LIMIT 100
