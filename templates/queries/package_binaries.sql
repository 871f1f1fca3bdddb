-- The state of this binary package, or of all that a source package of this name gives, where a rebuilder lists them.
SELECT
    p.*,
    count(*) OVER () AS found
FROM package_status AS p
WHERE p.binary_package_id IN (
    SELECT id FROM binary_packages WHERE name = :name
    UNION
    SELECT b.id FROM source_packages AS s JOIN binary_packages AS b ON b.source_package_id = s.id
    WHERE s.name = :name
)
ORDER BY p.binary, p.version DESC, p.distribution, p.release DESC, p.architecture, p.rebuilder
LIMIT :most
