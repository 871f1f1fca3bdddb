-- What fails now, and why: one row for each BAD artifact of a latest build, and for each latest build that is FAIL.
SELECT
    s.name AS source,
    s.version,
    a.name AS artifact,
    CASE WHEN a.id IS NULL THEN 'FAIL' ELSE 'BAD' END AS status,
    k.name AS category,
    k.class,
    f.evidence,
    CASE WHEN f.rule_set IS NOT NULL THEN '/failures/' || f.id || '/log' END AS log,
    CASE WHEN f.rule_set IS NOT NULL AND f.diffoscope_upstream_id IS NOT NULL
        THEN '/failures/' || f.id || '/diffoscope' END AS diffoscope,
    k.temporary,
    k.action,
    o.distribution,
    o.release,
    o.architecture,
    b.built_at,
    b.attempt,
    r.name AS rebuilder,
    k.key AS category_key,
    f.id AS failure_id,
    b.id AS build_id,
    s.id AS source_package_id
FROM failures AS f
JOIN rebuilders AS r ON r.id = f.rebuilder_id
JOIN origins AS o ON o.id = f.origin_id
JOIN source_packages AS s ON s.id = f.source_package_id
JOIN builds AS b ON b.id = f.build_id
JOIN categories AS k ON k.id = f.category_id
LEFT JOIN build_artifacts AS a ON a.id = f.build_artifact_id
WHERE f.is_current
