-- What was rebuilt last? Copies of a result to other releases are left out.
WITH wanted AS NOT MATERIALIZED (
    SELECT b.*
    FROM builds AS b
    WHERE b.copy_of IS NULL
        AND (:status = '' OR b.status = upper(:status))
        AND +b.origin_id IN (
            SELECT id FROM origins
            WHERE (:distribution = '' OR distribution = :distribution)
                AND (:release = '' OR release = :release)
                AND (:architecture = '' OR architecture = :architecture)
        )
        AND +b.rebuilder_id IN (SELECT id FROM rebuilders WHERE :rebuilder = '' OR name = :rebuilder)
)
SELECT
    b.built_at,
    o.label AS origin,
    s.name AS source,
    s.version,
    b.status,
    b.attempt,
    b.duration,
    r.name AS rebuilder,
    b.id AS build_id,
    (SELECT count(*) FROM wanted) AS builds_in_all
FROM wanted AS b
CROSS JOIN source_packages AS s ON s.id = b.source_package_id
CROSS JOIN origins AS o ON o.id = b.origin_id
CROSS JOIN rebuilders AS r ON r.id = b.rebuilder_id
ORDER BY b.built_at DESC
LIMIT 100
