-- Which reasons grow and which shrink? Packages that fail, by category, week by week.
WITH days AS (
    SELECT * FROM daily_categories
    WHERE architecture IS NOT NULL
        AND day >= coalesce(nullif(:since, ''), date('now', '-1 year'))
        AND (julianday(date('now')) - julianday(day)) % coalesce(nullif(:every, ''), 7) = 0
        AND (:class = '' OR class = :class)
        AND (:distribution = '' OR distribution = :distribution)
        AND (:release = '' OR release = :release)
        AND (:architecture = '' OR architecture = :architecture)
        AND (:rebuilder = '' OR rebuilder = :rebuilder)
),
largest AS (
    SELECT category_key, category, class FROM days
    GROUP BY category_key ORDER BY sum(coalesce(packages, failures)) DESC
    LIMIT coalesce(nullif(:top, ''), 8)
)
SELECT
    d.day,
    coalesce(l.category, 'other') AS category,
    l.class,
    sum(coalesce(d.packages, d.failures)) AS packages,
    sum(d.failures) AS failures,
    iif(sum(d.kind = 'reconstructed'), 'reconstructed', 'counted') AS kind,
    l.category_key
FROM days AS d
LEFT JOIN largest AS l ON l.category_key = d.category_key
GROUP BY d.day, l.category_key
ORDER BY d.day DESC, l.category_key IS NULL, packages DESC
