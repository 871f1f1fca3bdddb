-- How long do packages stay unreproducible, until they are fixed? Month by month.
WITH placed AS (
    SELECT
        month,
        days_to_fix,
        from_version <> to_version AS is_new_version,
        row_number() OVER (PARTITION BY month ORDER BY days_to_fix) AS place,
        count(*) OVER (PARTITION BY month) AS fixes
    FROM fixes
    WHERE (:class = '' OR class = :class)
    AND (:distribution = '' OR distribution = :distribution)
    AND (:release = '' OR release = :release)
    AND (:architecture = '' OR architecture = :architecture)
    AND (:rebuilder = '' OR rebuilder = :rebuilder)
)
SELECT
    month,
    fixes,
    sum(is_new_version) AS by_new_version,
    sum(NOT is_new_version) AS by_new_attempt,
    min(CASE WHEN place >= 0.5 * fixes THEN days_to_fix END) AS p50_days,
    min(CASE WHEN place >= 0.9 * fixes THEN days_to_fix END) AS p90_days,
    max(days_to_fix) AS longest_days,
    nullif(:class, '') AS class,
    nullif(:distribution, '') AS distribution,
    nullif(:release, '') AS release,
    nullif(:architecture, '') AS architecture,
    nullif(:rebuilder, '') AS rebuilder
FROM placed
GROUP BY month
ORDER BY month DESC
