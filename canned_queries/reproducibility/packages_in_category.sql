-- Which packages fail for this reason now? One row for each source package of an origin.
WITH wanted AS (
    SELECT coalesce(
        (
            SELECT key FROM categories
            WHERE key = lower(trim(:category)) OR name = trim(:category) COLLATE NOCASE
            ORDER BY key = lower(trim(:category)) DESC LIMIT 1
        ),
        (
            SELECT k.key FROM failures AS f JOIN categories AS k ON k.id = f.category_id
            WHERE f.is_current AND trim(:category) = ''
            GROUP BY k.id ORDER BY count(DISTINCT f.source_package_id) DESC LIMIT 1
        )
    ) AS key
)
SELECT
    category,
    source,
    version,
    distribution,
    release,
    architecture,
    count(*) AS failures,
    evidence,
    attempt,
    built_at,
    log,
    diffoscope,
    rebuilder,
    category_key,
    min(failure_id) AS failure_id,
    source_package_id,
    count(*) OVER () AS packages_in_all
FROM current_failures
WHERE category_key = (SELECT key FROM wanted)
    AND (:distribution = '' OR distribution = :distribution)
    AND (:release = '' OR release = :release)
    AND (:architecture = '' OR architecture = :architecture)
    AND (:rebuilder = '' OR rebuilder = :rebuilder)
GROUP BY source_package_id
ORDER BY built_at DESC, source
LIMIT 100
