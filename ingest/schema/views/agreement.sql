-- What the rebuilders say of each binary package: how many find it reproducible, how many not, and which.
-- Written without a GROUP BY, so that a page of rows costs a page of rows; a CAST lets numbers be filtered by.
SELECT
    u.distribution,
    u.architecture,
    u.binary,
    u.version,
    u.rebuilders,
    CAST((
        SELECT count(*) FROM rebuilder_answers AS x
        WHERE x.binary = u.binary AND x.version = u.version AND x.architecture = u.architecture
            AND x.distribution = u.distribution AND x.status = 'GOOD'
    ) AS INTEGER) AS good,
    CAST((
        SELECT count(*) FROM rebuilder_answers AS x
        WHERE x.binary = u.binary AND x.version = u.version AND x.architecture = u.architecture
            AND x.distribution = u.distribution AND x.status = 'BAD'
    ) AS INTEGER) AS bad,
    CAST((
        SELECT count(*) FROM rebuilder_answers AS x
        WHERE x.binary = u.binary AND x.version = u.version AND x.architecture = u.architecture
            AND x.distribution = u.distribution AND x.status = 'FAIL'
    ) AS INTEGER) AS fail,
    CAST((
        SELECT count(*) FROM rebuilder_answers AS x
        WHERE x.binary = u.binary AND x.version = u.version AND x.architecture = u.architecture
            AND x.distribution = u.distribution AND ifnull(x.status, 'UNKWN') = 'UNKWN'
    ) AS INTEGER) AS unknown,
    CAST((
        SELECT count(DISTINCT nullif(x.status, 'UNKWN')) > 1 FROM rebuilder_answers AS x
        WHERE x.binary = u.binary AND x.version = u.version AND x.architecture = u.architecture
            AND x.distribution = u.distribution
    ) AS INTEGER) AS is_disputed,
    (
        SELECT group_concat(x.rebuilder, ', ') FROM rebuilder_answers AS x
        WHERE x.binary = u.binary AND x.version = u.version AND x.architecture = u.architecture
            AND x.distribution = u.distribution AND x.status = 'GOOD'
    ) AS good_by,
    (
        SELECT group_concat(x.rebuilder, ', ') FROM rebuilder_answers AS x
        WHERE x.binary = u.binary AND x.version = u.version AND x.architecture = u.architecture
            AND x.distribution = u.distribution AND x.status = 'BAD'
    ) AS bad_by,
    (
        SELECT group_concat(x.rebuilder, ', ') FROM rebuilder_answers AS x
        WHERE x.binary = u.binary AND x.version = u.version AND x.architecture = u.architecture
            AND x.distribution = u.distribution AND x.status = 'FAIL'
    ) AS fail_by,
    (
        SELECT group_concat(x.rebuilder, ', ') FROM rebuilder_answers AS x
        WHERE x.binary = u.binary AND x.version = u.version AND x.architecture = u.architecture
            AND x.distribution = u.distribution AND ifnull(x.status, 'UNKWN') = 'UNKWN'
    ) AS unknown_by,
    u.built_at,
    u.binary_package_id
FROM unique_binaries AS u
