-- When these source packages got another status, newest first.
SELECT
    c.changed_at,
    c.name AS source,
    c.from_status,
    c.to_status,
    c.from_version,
    c.to_version,
    c.from_build_id,
    c.to_build_id,
    c.days_since_previous,
    r.name AS rebuilder,
    o.distribution,
    o.release,
    o.architecture,
    count(*) OVER () AS found
FROM status_changes AS c
JOIN rebuilders AS r ON r.id = c.rebuilder_id
JOIN origins AS o ON o.id = c.origin_id
WHERE c.name_id IN (
    SELECT id FROM package_names WHERE name = :name
    UNION
    SELECT s.name_id FROM binary_packages AS b JOIN source_packages AS s ON s.id = b.source_package_id
    WHERE b.name = :name
)
ORDER BY c.changed_at DESC, c.id DESC
LIMIT :most
