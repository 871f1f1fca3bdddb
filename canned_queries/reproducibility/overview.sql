-- How reproducible is each origin now?
SELECT
    origin,
    rebuilder,
    reproducible_percent,
    total,
    reproducible_percent_of_attempted,
    attempted,
    good,
    bad,
    fail,
    unknown,
    counted,
    captured_at,
    kind,
    distribution,
    release,
    architecture
FROM current_totals
WHERE (:distribution = '' OR distribution = :distribution)
    AND (:release = '' OR release = :release)
    AND (:architecture = '' OR architecture = :architecture)
    AND (:rebuilder = '' OR rebuilder = :rebuilder)
ORDER BY origin, rebuilder
