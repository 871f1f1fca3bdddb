-- What came out of each attempt to rebuild this package?
WITH wanted AS (
    SELECT coalesce(
        nullif(trim(:name), ''),
        (SELECT name FROM source_packages WHERE is_current ORDER BY attempts DESC, id LIMIT 1)
    ) AS name
)
SELECT
    built_at,
    source,
    version,
    attempt,
    status,
    duration,
    category,
    log,
    distribution,
    release,
    architecture,
    rebuilder,
    category_key,
    build_id,
    source_package_id,
    count(*) OVER () AS attempts_in_all
FROM attempts
WHERE source_package_id IN (
    SELECT s.id FROM wanted JOIN source_packages AS s ON s.name = wanted.name
    UNION
    SELECT b.source_package_id FROM wanted JOIN binary_packages AS b ON b.name = wanted.name
)
    AND (:distribution = '' OR distribution = :distribution)
    AND (:release = '' OR release = :release)
    AND (:architecture = '' OR architecture = :architecture)
    AND (:rebuilder = '' OR rebuilder = :rebuilder)
ORDER BY built_at DESC
LIMIT 100
