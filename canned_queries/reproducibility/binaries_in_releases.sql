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
    b.binary,
    b.version,
    b.architecture,
    b.status,
    group_concat(DISTINCT wanted.release) AS releases,
    b.source,
    b.source_version,
    b.built_at AS latest_built_at,
    p.artifact_url,
    b.build_id AS latest_build_id,
    b.binary_package_id,
    CASE
        WHEN (SELECT count(*) FROM page) = min(coalesce(nullif(:names, ''), 100) + 0, 1000)
            THEN (SELECT max(name) FROM page)
    END AS next_after,
    -- Of several rows of one binary, the values of all columns are those of its result: the highest rank.
    max(b.rank) AS rank
FROM page
CROSS JOIN binary_results AS b ON b.binary = page.name
JOIN wanted ON wanted.id = b.origin_id
JOIN binary_packages AS p ON p.id = b.binary_package_id
WHERE b.is_current = 1
    AND (:architecture = '' OR b.architecture = :architecture)
    AND (:rebuilder = '' OR b.rebuilder = :rebuilder)
GROUP BY b.binary, b.version, b.architecture
ORDER BY b.binary, b.version, b.architecture
