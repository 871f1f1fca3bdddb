-- What this name is: of a source package, of a binary package, or both.
SELECT
    EXISTS (SELECT 1 FROM source_packages WHERE name = :name) AS is_source,
    EXISTS (SELECT 1 FROM binary_packages WHERE name = :name) AS is_binary,
    EXISTS (SELECT 1 FROM source_packages WHERE name = :name AND is_current)
        OR EXISTS (SELECT 1 FROM binary_packages WHERE name = :name AND is_current) AS is_current
WHERE EXISTS (SELECT 1 FROM package_names WHERE name = :name)
