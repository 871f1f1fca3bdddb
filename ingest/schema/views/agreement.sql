-- What the rebuilders say of each binary package: how many find it reproducible, how many not, and which.
-- binary_package_id is of the row where max() finds the highest rank.
SELECT
    distribution,
    architecture,
    binary,
    version,
    count(*) AS rebuilders,
    count(*) FILTER (WHERE status = 'GOOD') AS good,
    count(*) FILTER (WHERE status = 'BAD') AS bad,
    count(*) FILTER (WHERE status = 'FAIL') AS fail,
    count(*) FILTER (WHERE ifnull(status, 'UNKWN') = 'UNKWN') AS unknown,
    count(DISTINCT nullif(status, 'UNKWN')) > 1 AS is_disputed,
    group_concat(rebuilder, ', ') FILTER (WHERE status = 'GOOD') AS good_by,
    group_concat(rebuilder, ', ') FILTER (WHERE status = 'BAD') AS bad_by,
    group_concat(rebuilder, ', ') FILTER (WHERE status = 'FAIL') AS fail_by,
    group_concat(rebuilder, ', ') FILTER (WHERE ifnull(status, 'UNKWN') = 'UNKWN') AS unknown_by,
    nullif(substr(max(rank), 3), '') AS built_at,
    binary_package_id
FROM rebuilder_answers
GROUP BY binary, version, architecture, distribution
