-- What became reproducible, and what no longer is?
SELECT
    c.changed_at,
    c.change,
    o.label AS origin,
    c.name AS source,
    c.from_status,
    c.to_status,
    c.from_version,
    c.to_version,
    c.days_since_previous,
    r.name AS rebuilder,
    c.to_build_id AS build_id,
    count(*) OVER () AS changes_in_all
FROM status_changes AS c
JOIN origins AS o ON o.id = c.origin_id
JOIN rebuilders AS r ON r.id = c.rebuilder_id
WHERE (:from_status = '' OR c.from_status = upper(:from_status))
    AND (:to_status = '' OR c.to_status = upper(:to_status))
    AND (:distribution = '' OR o.distribution = :distribution)
    AND (:release = '' OR o.release = :release)
    AND (:architecture = '' OR o.architecture = :architecture)
    AND (:rebuilder = '' OR r.name = :rebuilder)
ORDER BY c.changed_at DESC
LIMIT 100
