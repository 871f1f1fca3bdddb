-- Which build was the latest of its package from when until when, of the versions that were
-- listed then; what ended before :from_day is left out.

-- Per package with a version that is gone: when the last one went (null: one is still listed),
-- and whether its versions went at different times.
CREATE TEMP TABLE package_ends (
    origin_id INTEGER, name_id INTEGER, last_day TEXT, varies INTEGER, PRIMARY KEY (origin_id, name_id)
) WITHOUT ROWID;
INSERT INTO package_ends
SELECT origin_id, name_id, nullif(max(last_day), '9999'), min(last_day) < max(last_day)
FROM (
    SELECT
        s.origin_id,
        s.name_id,
        CASE WHEN s.is_current THEN '9999' ELSE coalesce(substr(s.last_seen, 1, 10), '9999') END AS last_day
    FROM (
        SELECT DISTINCT origin_id, name_id FROM main.source_packages
        WHERE rebuilder_id = :rebuilder_id AND generation = :generation AND attempts > 0
            AND NOT is_current
    ) AS gone
    CROSS JOIN main.source_packages AS s INDEXED BY source_packages_name_id
        ON s.name_id = gone.name_id AND s.origin_id = gone.origin_id
    WHERE s.rebuilder_id = :rebuilder_id AND s.generation = :generation AND s.attempts > 0
)
GROUP BY origin_id, name_id;

-- A build counts from its day until the day of the package's next build, which is the next
-- row, or until the package was listed no more. (A window function takes twice as long. Source
-- packages come first, one after the other: looked up for each build they do not stay in the cache.)
CREATE TEMP TABLE ordered_results AS
SELECT b.id AS build_id, b.origin_id, s.name_id, b.status, substr(b.built_at, 1, 10) AS day, p.last_day
FROM main.source_packages AS s
CROSS JOIN main.builds AS b ON b.source_package_id = s.id
LEFT JOIN package_ends AS p ON p.origin_id = b.origin_id AND p.name_id = s.name_id
WHERE s.rebuilder_id = :rebuilder_id AND s.generation = :generation AND s.attempts > 0
    AND substr(b.built_at, 1, 10) <= coalesce(p.last_day, '9999') AND p.varies IS NOT 1
ORDER BY b.origin_id, s.name_id, rtrim(b.built_at, 'Z'), b.upstream_id;
CREATE TEMP TABLE daily_results AS
SELECT
    b.build_id,
    b.origin_id,
    b.status,
    b.day AS from_day,
    coalesce(later.day, date(b.last_day, '+1 day')) AS until_day
FROM ordered_results AS b
LEFT JOIN ordered_results AS later
    ON later.rowid = b.rowid + 1 AND later.origin_id = b.origin_id AND later.name_id = b.name_id
WHERE coalesce(later.day, date(b.last_day, '+1 day'), '9999') >= :from_day;

-- Where versions went at different times, the build that counts is looked up for every day on
-- which one was built or went: an older build counts again when its version outlived a newer one.
CREATE TEMP TABLE outlived_results AS
SELECT
    b.id AS build_id,
    b.origin_id,
    s.name_id,
    b.status,
    substr(b.built_at, 1, 10) AS day,
    CASE WHEN NOT s.is_current THEN date(s.last_seen, '+1 day') END AS end_day
FROM package_ends AS p
CROSS JOIN main.source_packages AS s INDEXED BY source_packages_name_id
    ON s.name_id = p.name_id AND s.origin_id = p.origin_id
CROSS JOIN main.builds AS b ON b.source_package_id = s.id
WHERE p.varies AND s.rebuilder_id = :rebuilder_id AND s.generation = :generation
    AND b.built_at IS NOT NULL
ORDER BY b.origin_id, s.name_id, rtrim(b.built_at, 'Z'), b.upstream_id;
CREATE INDEX temp.outlived_results_package ON outlived_results (origin_id, name_id);
INSERT INTO daily_results
SELECT b.build_id, b.origin_id, b.status, e.day, e.next_day
FROM (
    SELECT origin_id, name_id, day, lead(day) OVER (PARTITION BY origin_id, name_id ORDER BY day) AS next_day
    FROM (
        SELECT origin_id, name_id, day FROM outlived_results
        UNION
        SELECT origin_id, name_id, end_day FROM outlived_results WHERE end_day IS NOT NULL
    )
) AS e
CROSS JOIN outlived_results AS b ON b.rowid = (
    SELECT max(x.rowid) FROM outlived_results AS x
    WHERE x.origin_id = e.origin_id AND x.name_id = e.name_id
        AND x.day <= e.day AND (x.end_day IS NULL OR x.end_day > e.day)
);
