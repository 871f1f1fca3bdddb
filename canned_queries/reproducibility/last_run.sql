-- What did the last run bring? Each new result, changes first.
WITH run AS (
    SELECT rebuilder_id, started_at, builds FROM ingest_runs
    WHERE builds > 0 AND finished_at IS NOT NULL AND error IS NULL AND (:rebuilder = '' OR rebuilder = :rebuilder)
    ORDER BY id DESC LIMIT 1
),
-- A run's builds have the highest ids when it ends: the table's own order.
news AS (
    SELECT id, origin_id, attempt, built_at
    FROM builds NOT INDEXED
    WHERE rebuilder_id = (SELECT rebuilder_id FROM run)
    ORDER BY id DESC LIMIT (SELECT builds FROM run)
),
results AS (
    SELECT
        b.id,
        b.built_at,
        CASE
            WHEN c.id IS NOT NULL THEN c.change
            WHEN b.attempt = 1 THEN 'first attempt'
            ELSE 'same again'
        END AS change
    FROM news AS b
    LEFT JOIN status_changes AS c ON c.to_build_id = b.id
    WHERE (:change = '' OR change = lower(trim(:change)))
        AND b.origin_id IN (
            SELECT id FROM origins
            WHERE (:distribution = '' OR distribution = :distribution)
                AND (:release = '' OR release = :release)
                AND (:architecture = '' OR architecture = :architecture)
        )
),
first AS (
    SELECT * FROM results
    ORDER BY
        CASE change WHEN 'regression' THEN 0 WHEN 'fix' THEN 1 WHEN 'other' THEN 2 ELSE 3 END,
        built_at DESC
    LIMIT 50
)
SELECT
    n.change,
    s.name AS source,
    s.version,
    c.from_status,
    b.status,
    c.from_version,
    b.attempt,
    b.built_at,
    o.distribution,
    o.release,
    o.architecture,
    r.name AS rebuilder,
    run.started_at AS run_started_at,
    n.id AS build_id,
    s.id AS source_package_id,
    (SELECT count(*) FROM results) AS results_in_all
FROM first AS n
CROSS JOIN run
CROSS JOIN builds AS b ON b.id = n.id
JOIN source_packages AS s ON s.id = b.source_package_id
JOIN origins AS o ON o.id = b.origin_id
JOIN rebuilders AS r ON r.id = b.rebuilder_id
LEFT JOIN status_changes AS c ON c.to_build_id = b.id
ORDER BY
    CASE n.change WHEN 'regression' THEN 0 WHEN 'fix' THEN 1 WHEN 'other' THEN 2 ELSE 3 END,
    n.built_at DESC
