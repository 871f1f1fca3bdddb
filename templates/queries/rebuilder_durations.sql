-- How many builds a rebuilder did since a time, and how long they took: the median and what 95 of 100 stay below.
SELECT
    count(*) AS builds,
    count(duration) AS timed,
    max(iif(place = (timed + 1) / 2, duration, NULL)) AS median,
    max(iif(place = (timed * 95 + 99) / 100, duration, NULL)) AS p95
FROM (
    SELECT
        b.duration,
        row_number() OVER (ORDER BY b.duration IS NULL, b.duration) AS place,
        count(b.duration) OVER () AS timed
    FROM rebuilders AS r
    CROSS JOIN builds AS b INDEXED BY builds_built_at ON b.built_at > :since AND b.rebuilder_id = r.id AND b.copy_of IS NULL
    WHERE r.name = :name
)
