-- What is no longer reproducible? The newest hundred packages, and why.
WITH wanted AS (
    SELECT id AS name_id FROM package_names WHERE name = :package
    UNION
    SELECT s.name_id FROM binary_packages AS b JOIN source_packages AS s ON s.id = b.source_package_id
    WHERE b.name = :package
),
newest AS (
    SELECT c.* FROM status_changes AS c
    JOIN origins AS o ON o.id = c.origin_id
    WHERE c.change = 'regression'
        AND (:origin = '' OR o.label = :origin)
        AND (:package = '' OR c.name_id IN (SELECT name_id FROM wanted))
    ORDER BY c.changed_at DESC, c.to_build_id DESC
    LIMIT 101
)
SELECT
    o.label AS origin,
    c.name AS source,
    c.from_status,
    c.to_status,
    c.from_version,
    c.to_version,
    k.name AS category,
    f.evidence,
    CASE WHEN f.rule_set IS NOT NULL THEN '/failures/' || f.id || '/log' END AS log,
    CASE WHEN f.rule_set IS NOT NULL AND f.diffoscope_upstream_id IS NOT NULL
        THEN '/failures/' || f.id || '/diffoscope' END AS diffoscope,
    r.name AS rebuilder,
    k.key AS category_key,
    c.to_build_id AS build_id,
    '/regressions/' || c.to_build_id AS atom_id,
    c.changed_at AS atom_updated,
    c.name || ' ' || c.to_version || iif(c.to_status = 'FAIL', ' no longer builds in ', ' is no longer reproducible in ') || o.label AS atom_title,
    r.name AS atom_author_name,
    count(*) OVER () > 100 AS is_cut
FROM newest AS c
JOIN origins AS o ON o.id = c.origin_id
JOIN rebuilders AS r ON r.id = c.rebuilder_id
LEFT JOIN failures AS f ON f.id = (
    SELECT x.id FROM failures AS x WHERE x.build_id = c.to_build_id ORDER BY x.evidence IS NULL, x.id LIMIT 1
)
LEFT JOIN categories AS k ON k.id = f.category_id
ORDER BY c.changed_at DESC, c.to_build_id DESC
LIMIT 100
