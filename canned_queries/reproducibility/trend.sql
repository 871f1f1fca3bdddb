-- Is it getting better? The share of attempted packages that were reproduced, week by week.
SELECT
    day,
    origin,
    rebuilder,
    reproducible_percent_of_attempted,
    attempted,
    reproducible_percent,
    total,
    good,
    bad,
    fail,
    unknown,
    counted,
    kind
FROM daily_totals
WHERE day >= coalesce(nullif(:since, ''), date('now', '-1 year'))
    AND (julianday(date('now')) - julianday(day)) % coalesce(nullif(:every, ''), 7) = 0
    AND (:distribution = '' OR distribution = :distribution)
    AND (:release = '' OR release = :release)
    AND (:architecture = '' OR architecture = :architecture)
    AND (:rebuilder = '' OR rebuilder = :rebuilder)
ORDER BY day DESC, origin, rebuilder
