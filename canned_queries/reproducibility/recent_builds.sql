-- What was rebuilt last? Copies of a result to other releases are left out.
WITH wanted AS NOT MATERIALIZED (
    SELECT
        b.built_at,
        o.label AS origin,
        s.name AS source,
        s.version,
        b.status,
        b.attempt,
        b.duration,
        r.name AS rebuilder,
        b.id AS build_id
    FROM builds AS b
    JOIN source_packages AS s ON s.id = b.source_package_id
    JOIN origins AS o ON o.id = b.origin_id
    JOIN rebuilders AS r ON r.id = b.rebuilder_id
    WHERE b.copy_of IS NULL
        AND (:status = '' OR b.status = upper(:status))
        AND (:distribution = '' OR o.distribution = :distribution)
        AND (:release = '' OR o.release = :release)
        AND (:architecture = '' OR o.architecture = :architecture)
        AND (:rebuilder = '' OR r.name = :rebuilder)
)
SELECT *, (SELECT count(*) FROM wanted) AS builds_in_all
FROM wanted
ORDER BY built_at DESC
LIMIT 100
