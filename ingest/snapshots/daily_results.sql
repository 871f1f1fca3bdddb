-- Which build was the latest of its package from when until when, as long as the
-- name was still listed.
CREATE TEMP TABLE package_ends (
    origin_id INTEGER, name_id INTEGER, last_day TEXT, PRIMARY KEY (origin_id, name_id)
) WITHOUT ROWID;
INSERT INTO package_ends
SELECT s.origin_id, s.name_id, max(substr(s.last_seen, 1, 10))
FROM main.source_packages AS s
WHERE s.rebuilder_id = :rebuilder_id AND s.generation = :generation AND s.attempts > 0
    AND NOT s.is_current AND NOT EXISTS (
        SELECT 1 FROM main.source_packages AS x INDEXED BY source_packages_name_id
        WHERE x.name_id = s.name_id AND x.origin_id = s.origin_id AND x.is_current
            AND x.attempts > 0 AND x.rebuilder_id = :rebuilder_id AND x.generation = :generation
    )
GROUP BY s.origin_id, s.name_id
HAVING max(s.last_seen) IS NOT NULL;

-- A build counts from its day until the day of the package's next build, which is the next
-- row, or until the package was listed no more. (A window function takes twice as long.)
CREATE TEMP TABLE ordered_results AS
SELECT b.id AS build_id, b.origin_id, s.name_id, b.status, substr(b.built_at, 1, 10) AS day, p.last_day
FROM main.builds AS b
CROSS JOIN main.source_packages AS s ON s.id = b.source_package_id
LEFT JOIN package_ends AS p ON p.origin_id = b.origin_id AND p.name_id = s.name_id
WHERE b.rebuilder_id = :rebuilder_id AND b.generation = :generation
    AND substr(b.built_at, 1, 10) <= coalesce(p.last_day, '9999')
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
    ON later.rowid = b.rowid + 1 AND later.origin_id = b.origin_id AND later.name_id = b.name_id;
