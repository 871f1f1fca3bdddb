-- Where do rebuilders disagree? What each says of a binary package, and the verdict by a rule of your choice.
WITH wanted AS MATERIALIZED (
    SELECT name, version, architecture
    FROM binary_packages
    WHERE is_current = 1
        AND (:package = '' OR name = :package)
        AND (:architecture = '' OR architecture = :architecture)
    GROUP BY name, version, architecture
    HAVING (:distribution || :release = '') OR max(origin_id IN (
        SELECT o.id FROM origins AS o
        LEFT JOIN release_aliases AS n ON n.distribution = o.distribution AND n.alias = o.release
        LEFT JOIN release_aliases AS w ON w.distribution = o.distribution AND w.alias = :release
        WHERE (:distribution = '' OR o.distribution = :distribution)
            AND (:release = '' OR coalesce(n.release, o.release) = coalesce(w.release, :release))
    ))
    ORDER BY min(rebuilder_id) <> max(rebuilder_id) AND min(status) <> max(status) DESC, name, version, architecture
    LIMIT 100
),
counted AS (
    SELECT
        a.*,
        count(*) AS rebuilders,
        count(*) FILTER (WHERE status = 'GOOD') AS good,
        count(*) FILTER (WHERE status = 'BAD') AS bad,
        count(*) FILTER (WHERE status = 'FAIL') AS fail,
        count(*) FILTER (WHERE ifnull(status, 'UNKWN') = 'UNKWN') AS unknown,
        count(DISTINCT nullif(status, 'UNKWN')) > 1 AS is_disputed,
        group_concat(rebuilder, ', ') FILTER (WHERE status = 'GOOD') AS good_by,
        group_concat(rebuilder, ', ') FILTER (WHERE status = 'BAD') AS bad_by,
        group_concat(rebuilder, ', ') FILTER (WHERE status = 'FAIL') AS fail_by,
        group_concat(rebuilder, ', ') FILTER (WHERE ifnull(status, 'UNKWN') = 'UNKWN') AS unknown_by
    FROM wanted AS w
    CROSS JOIN rebuilder_answers AS a
        ON a.binary = w.name AND a.version = w.version AND a.architecture = w.architecture
    WHERE :distribution = '' OR a.distribution = :distribution
    GROUP BY a.binary, a.version, a.architecture, a.distribution
),
needed AS (
    SELECT *, CASE WHEN :rule = 'all' THEN good + bad + fail ELSE max(CAST(:rule AS INTEGER), 1) END AS votes
    FROM counted
)
SELECT
    binary,
    version,
    architecture,
    CASE
        WHEN votes > 0 AND good >= votes THEN 'reproducible'
        WHEN votes > 0 AND bad >= votes THEN 'unreproducible'
        ELSE 'undecided'
    END AS verdict,
    CASE WHEN :rule = 'all' THEN 'all that have a result' WHEN votes = 1 THEN 'any' ELSE 'at least ' || votes END
        || ' of ' || rebuilders AS rule,
    is_disputed,
    rebuilders,
    good,
    bad,
    fail,
    unknown,
    good_by,
    bad_by,
    fail_by,
    unknown_by,
    distribution
FROM needed
ORDER BY is_disputed DESC, binary, version, architecture
