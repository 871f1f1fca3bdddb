-- The newest packages that went from one status to another.
SELECT
    c.changed_at,
    c.name,
    c.from_status,
    c.to_status,
    c.from_version,
    c.to_version,
    c.to_build_id AS build_id,
    r.name AS rebuilder,
    o.distribution,
    o.release,
    o.architecture
FROM status_changes AS c
JOIN origins AS o ON o.id = c.origin_id
JOIN rebuilders AS r ON r.id = c.rebuilder_id
WHERE c.change = :change
    AND (:origin IS NULL OR +c.origin_id = :origin)
ORDER BY c.changed_at DESC
LIMIT 8
