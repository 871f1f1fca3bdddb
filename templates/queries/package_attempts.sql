-- Attempts of these source packages, oldest first; of a result that was copied from another release, which one.
SELECT * FROM (
    SELECT
        b.source_package_id,
        b.id AS build_id,
        b.attempt,
        b.status,
        b.built_at,
        c.label AS copied_from,
        count(*) OVER () AS found
    FROM (
        SELECT id FROM source_packages WHERE name = :name
        UNION
        SELECT source_package_id FROM binary_packages WHERE name = :name
    ) AS wanted
    JOIN builds AS b ON b.source_package_id = wanted.id
    LEFT JOIN builds AS original ON original.id = b.copy_of
    LEFT JOIN origins AS c ON c.id = original.origin_id
    ORDER BY b.built_at DESC, b.id DESC
    LIMIT :most
)
ORDER BY built_at, build_id
