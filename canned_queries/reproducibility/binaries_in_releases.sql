-- Which binaries are in these releases, and are they reproducible? One row for each architecture, name and version.
WITH wanted AS (
    SELECT o.id, o.release
    FROM origins AS o
    WHERE o.distribution = coalesce(nullif(:distribution, ''), (SELECT distribution FROM origins ORDER BY id LIMIT 1))
        AND (
            trim(:releases) = ''
            OR instr(',' || replace(:releases, ' ', '') || ',', ',' || coalesce(o.release, '-') || ',') > 0
        )
),
page AS (
    SELECT DISTINCT b.name
    FROM binary_packages AS b
    WHERE b.name > :after AND b.is_current AND b.origin_id IN (SELECT id FROM wanted)
        AND (:architecture = '' OR b.architecture = :architecture)
        AND (:rebuilder = '' OR b.rebuilder_id = (SELECT id FROM rebuilders WHERE name = :rebuilder))
    ORDER BY b.name
    LIMIT min(coalesce(nullif(:names, ''), 100) + 0, 1000)
)
SELECT
    b.name AS binary,
    b.version,
    b.architecture,
    b.status,
    group_concat(DISTINCT wanted.release) AS releases,
    s.name AS source,
    s.version AS source_version,
    latest.built_at AS latest_built_at,
    b.artifact_url,
    latest.id AS latest_build_id,
    b.id AS binary_package_id,
    CASE
        WHEN (SELECT count(*) FROM page) = min(coalesce(nullif(:names, ''), 100) + 0, 1000)
            THEN (SELECT max(name) FROM page)
    END AS next_after,
    -- Of several rows of one binary, the values of all columns are those of the latest result.
    max(coalesce(latest.built_at, '') || printf(' %020d', b.id)) AS latest_result
FROM page
CROSS JOIN binary_packages AS b ON b.name = page.name
JOIN wanted ON wanted.id = b.origin_id
LEFT JOIN source_packages AS s ON s.id = b.source_package_id
LEFT JOIN build_artifacts AS a ON a.id = b.latest_artifact_id
LEFT JOIN builds AS latest ON latest.id = coalesce(a.build_id, s.latest_build_id)
WHERE b.is_current
    AND (:architecture = '' OR b.architecture = :architecture)
    AND (:rebuilder = '' OR b.rebuilder_id = (SELECT id FROM rebuilders WHERE name = :rebuilder))
GROUP BY b.name, b.version, b.architecture
ORDER BY b.name, b.version, b.architecture
