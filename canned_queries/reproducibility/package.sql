-- Is this package reproducible? By the name of a source or binary package.
WITH wanted AS (
    SELECT coalesce(
        nullif(trim(:name), ''),
        (
            SELECT s.name FROM builds AS b JOIN source_packages AS s ON s.id = b.source_package_id
            WHERE b.status = 'BAD' AND s.is_current ORDER BY b.built_at DESC LIMIT 1
        ),
        (SELECT name FROM source_packages WHERE is_current LIMIT 1)
    ) AS name
)
SELECT
    distribution,
    release,
    architecture,
    source,
    source_version,
    source_status,
    binary,
    version,
    binary_architecture,
    status,
    latest_built_at,
    latest_build_id,
    rebuilder
FROM package_status
WHERE binary_package_id IN (
    SELECT b.id FROM wanted JOIN binary_packages AS b ON b.name = wanted.name
    UNION
    SELECT b.id FROM wanted
    JOIN source_packages AS s ON s.name = wanted.name
    JOIN binary_packages AS b ON b.source_package_id = s.id
)
ORDER BY distribution, release DESC, architecture, source, binary, rebuilder
LIMIT 1000
