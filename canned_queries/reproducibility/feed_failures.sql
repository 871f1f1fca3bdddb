-- What fails for a new reason? The newest hundred builds that fail as the attempt before did not, the first attempt included.
WITH wanted AS (
    SELECT id AS name_id FROM package_names WHERE name = :package
    UNION
    SELECT s.name_id FROM binary_packages AS b JOIN source_packages AS s ON s.id = b.source_package_id
    WHERE b.name = :package
),
failing AS (
    SELECT
        b.id,
        b.status,
        b.built_at,
        s.name,
        s.version,
        b.origin_id,
        b.rebuilder_id,
        (
            SELECT before.id
            FROM source_packages AS earlier
            CROSS JOIN builds AS before ON before.source_package_id = earlier.id
            WHERE earlier.name_id = s.name_id AND earlier.origin_id = b.origin_id
                AND earlier.rebuilder_id = b.rebuilder_id AND earlier.generation = b.generation
                AND (before.built_at, before.id) < (b.built_at, b.id)
            ORDER BY before.built_at DESC, before.id DESC
            LIMIT 1
        ) AS before_id
    FROM builds AS b
    JOIN source_packages AS s ON s.id = b.source_package_id
    JOIN origins AS o ON o.id = b.origin_id
    WHERE b.status IN ('BAD', 'FAIL') AND b.built_at IS NOT NULL
        AND (:origin = '' OR o.label = :origin)
        AND (:package = '' OR s.name_id IN (SELECT name_id FROM wanted))
),
newest AS (
    SELECT b.*, f.id AS failure_id
    FROM failing AS b
    JOIN failures AS f ON f.id = (
        SELECT x.id FROM failures AS x
        WHERE x.build_id = b.id AND x.category_id NOT IN (
            SELECT known.category_id FROM failures AS known WHERE known.build_id = b.before_id
        )
        ORDER BY x.evidence IS NULL, x.id LIMIT 1
    )
    ORDER BY b.built_at DESC, b.id DESC
    LIMIT 101
)
SELECT
    o.label AS origin,
    b.name AS source,
    before.status AS from_status,
    b.status AS to_status,
    earlier.version AS from_version,
    b.version AS to_version,
    k.name AS category,
    f.evidence,
    CASE WHEN f.rule_set IS NOT NULL THEN '/failures/' || f.id || '/log' END AS log,
    CASE WHEN f.rule_set IS NOT NULL AND f.diffoscope_upstream_id IS NOT NULL
        THEN '/failures/' || f.id || '/diffoscope' END AS diffoscope,
    r.name AS rebuilder,
    k.key AS category_key,
    b.id AS build_id,
    '/failing/' || b.id AS atom_id,
    b.built_at AS atom_updated,
    b.name || ' ' || b.version || iif(b.status = 'FAIL', ' does not build in ', ' is not reproducible in ')
        || o.label || ': ' || k.name AS atom_title,
    r.name AS atom_author_name,
    count(*) OVER () > 100 AS is_cut
FROM newest AS b
JOIN failures AS f ON f.id = b.failure_id
JOIN categories AS k ON k.id = f.category_id
JOIN origins AS o ON o.id = b.origin_id
JOIN rebuilders AS r ON r.id = b.rebuilder_id
LEFT JOIN builds AS before ON before.id = b.before_id
LEFT JOIN source_packages AS earlier ON earlier.id = before.source_package_id
ORDER BY b.built_at DESC, b.id DESC
LIMIT 100
