-- Packages and failures of a category in each origin of each rebuilder: now, and as points of a line for each day of the
-- last year. x counts days to 365, the newest day; y goes down from 0, as drawings do.
WITH category AS (
    SELECT id FROM categories WHERE key = :key
),
now AS (
    SELECT
        r.name AS rebuilder,
        o.label AS origin,
        count(*) AS failures,
        count(DISTINCT f.source_package_id) AS packages
    FROM category AS k
    CROSS JOIN failures AS f ON f.category_id = k.id AND f.is_current
    JOIN rebuilders AS r ON r.id = f.rebuilder_id
    JOIN origins AS o ON o.id = f.origin_id
    GROUP BY r.id, o.id
),
concerned AS (
    SELECT DISTINCT s.rebuilder_id, s.scope
    FROM category AS k
    CROSS JOIN snapshot_categories AS c ON c.category_id = k.id
    JOIN snapshots AS s ON s.id = c.snapshot_id
    WHERE s.origin_id IS NOT NULL
),
days AS (
    SELECT
        d.rebuilder,
        d.origin,
        d.day,
        d.kind,
        coalesce(c.packages, c.failures, 0) AS packages,
        365 - CAST(
            julianday((
                SELECT substr(max(captured_at), 1, 10) FROM snapshots
                WHERE captured_at < coalesce((SELECT until FROM newest_run), '~')
            )) - julianday(d.day) AS INTEGER
        ) AS x
    FROM concerned
    JOIN rebuilders AS r ON r.id = concerned.rebuilder_id
    JOIN daily_totals AS d ON d.rebuilder = r.name AND d.origin = concerned.scope
    LEFT JOIN snapshot_categories AS c
        ON c.snapshot_id = d.snapshot_id AND c.category_id = (SELECT id FROM category)
    ORDER BY d.day
),
trends AS (
    SELECT
        rebuilder,
        origin,
        group_concat(x || ',' || -packages, ' ') AS points,
        group_concat(x || ',' || -packages, ' ') FILTER (WHERE kind <> 'reconstructed') AS known_points,
        min(x) AS first_x,
        min(day) AS first_day,
        max(day) AS last_day,
        max(packages) AS most,
        CAST(substr(max(day || packages), 11) AS INTEGER) AS newest
    FROM days
    WHERE x >= 0
    GROUP BY rebuilder, origin
)
SELECT
    places.rebuilder,
    places.origin,
    o.distribution,
    o.release,
    o.architecture,
    coalesce(now.failures, 0) AS failures,
    coalesce(now.packages, 0) AS packages,
    trends.points,
    trends.known_points,
    trends.first_x,
    trends.first_day,
    trends.last_day,
    trends.most,
    trends.newest
FROM (SELECT rebuilder, origin FROM now UNION SELECT rebuilder, origin FROM trends) AS places
JOIN origins AS o ON o.label = places.origin
LEFT JOIN now USING (rebuilder, origin)
LEFT JOIN trends USING (rebuilder, origin)
ORDER BY coalesce(now.packages, 0) DESC, places.origin, places.rebuilder
