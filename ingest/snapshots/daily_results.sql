-- Which build was the latest of its package from when until when, as long as the
-- name was still listed.
CREATE TEMP TABLE package_ends (
    origin_id INTEGER, name_id INTEGER, last_day TEXT, PRIMARY KEY (origin_id, name_id)
) WITHOUT ROWID;
INSERT INTO package_ends
SELECT
    origin_id,
    name_id,
    CASE WHEN max(is_current) THEN '9999' ELSE coalesce(max(substr(last_seen, 1, 10)), '9999') END
FROM main.source_packages
WHERE rebuilder_id = :rebuilder_id AND generation = :generation AND attempts > 0
GROUP BY origin_id, name_id;

-- A build counts from its day until the day of the package's next build, or
-- until the package was listed no more.
CREATE TEMP TABLE daily_results AS
SELECT
    b.id AS build_id,
    b.origin_id,
    b.status,
    substr(b.built_at, 1, 10) AS from_day,
    coalesce(
        substr(lead(b.built_at) OVER package, 1, 10),
        CASE WHEN p.last_day < '9999' THEN date(p.last_day, '+1 day') END
    ) AS until_day
FROM main.builds AS b
CROSS JOIN main.source_packages AS s ON s.id = b.source_package_id
CROSS JOIN package_ends AS p ON p.origin_id = b.origin_id AND p.name_id = s.name_id
WHERE b.rebuilder_id = :rebuilder_id AND b.generation = :generation
    AND substr(b.built_at, 1, 10) <= p.last_day
WINDOW package AS (
    PARTITION BY b.origin_id, s.name_id ORDER BY rtrim(b.built_at, 'Z'), b.upstream_id
);
