-- Where do rebuilders disagree? What each says of a binary package, and the verdict by a rule of your choice.
WITH asked AS NOT MATERIALIZED (
    SELECT b.name, b.version, b.architecture
    FROM binary_packages AS b
    WHERE b.is_current = 1
        AND (:package = '' OR b.name = :package)
        AND (:architecture = '' OR b.architecture = :architecture)
        AND b.origin_id IN (
            SELECT origin_id FROM release_names
            WHERE (:distribution = '' OR distribution = :distribution) AND (:release = '' OR name = :release)
        )
),
-- Walks an index in the order of names until there are enough.
differing AS MATERIALIZED (
    SELECT DISTINCT b.name, b.version, b.architecture
    FROM binary_packages AS b
    CROSS JOIN rebuilders AS r ON r.id > b.rebuilder_id
    CROSS JOIN binary_packages AS x
        ON x.name = b.name AND x.version = b.version AND x.architecture = b.architecture
            AND x.is_current = 1 AND x.rebuilder_id = r.id AND x.status <> b.status
    WHERE b.is_current = 1
        AND (:package = '' OR b.name = :package)
        AND (:architecture = '' OR b.architecture = :architecture)
        AND EXISTS (
            SELECT 1 FROM asked AS a
            WHERE a.name = x.name AND a.version = x.version AND a.architecture = x.architecture
        )
    ORDER BY b.name, b.version, b.architecture
    LIMIT 101
),
others AS MATERIALIZED (
    SELECT DISTINCT name, version, architecture
    FROM asked
    WHERE (name, version, architecture) NOT IN (SELECT name, version, architecture FROM differing)
    ORDER BY name, version, architecture
    LIMIT 101 - (SELECT count(*) FROM differing)
),
wanted AS (SELECT * FROM differing UNION ALL SELECT * FROM others),
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
    SELECT *, CASE
        WHEN :rule = 'all' THEN good + bad + fail
        WHEN :rule IN ('', 'any') THEN 1
        WHEN :rule GLOB '[1-9]*' AND :rule NOT GLOB '*[^0-9]*' THEN CAST(:rule AS INTEGER)
    END AS votes
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
    CASE
        WHEN :rule = 'all' THEN 'all that have a result of ' || rebuilders
        WHEN votes = 1 THEN 'any of ' || rebuilders
        ELSE coalesce('at least ' || votes || ' of ' || rebuilders, 'none: a rule is any, all or a number')
    END AS rule,
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
    distribution,
    count(*) OVER () > 100 AS is_cut
FROM needed
ORDER BY is_disputed DESC, binary, version, architecture, distribution
LIMIT 100
