-- What failed last in an origin: the newest latest builds that are BAD or FAIL, each with one of its failures.
-- Rebuilders are named so that the index on failures, which begins with them, finds the origin's. Of a build's failures
-- SQLite takes the row that has the maximum: one with evidence.
WITH newest AS (
    SELECT f.id, b.id AS build_id, b.built_at, b.status, max(f.evidence IS NOT NULL), count(*) AS failures
    FROM failures AS f
    JOIN builds AS b ON b.id = f.build_id
    WHERE f.origin_id = :origin AND f.is_current AND f.rebuilder_id IN (SELECT id FROM rebuilders)
    GROUP BY b.id
    ORDER BY b.built_at DESC
    LIMIT 10
)
SELECT
    n.id AS failure_id,
    n.build_id,
    n.built_at,
    n.status,
    n.failures,
    s.name,
    s.version,
    r.name AS rebuilder,
    k.key AS category_key,
    k.name AS category,
    k.class,
    f.evidence
FROM newest AS n
JOIN failures AS f ON f.id = n.id
JOIN source_packages AS s ON s.id = f.source_package_id
JOIN rebuilders AS r ON r.id = f.rebuilder_id
JOIN categories AS k ON k.id = f.category_id
ORDER BY n.built_at DESC
