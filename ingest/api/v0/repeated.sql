-- The rows that list.sql leaves out, since each package is listed once. Of several rows for one package the best
-- stays: GOOD before BAD before UNKWN, then the current one, then the one of the latest build.
WITH repeated AS (
    SELECT name, version, architecture FROM binary_packages
    WHERE true
        AND rebuilder_id = :rebuilder_id -- if rebuilder_id
        AND name = :name -- if name
    GROUP BY name, version, architecture HAVING count(*) > 1
),
ranked AS (
    SELECT p.id, row_number() OVER (
        PARTITION BY p.name, p.version, p.architecture, o.distribution
        ORDER BY p.status = 'GOOD' DESC, p.status = 'BAD' DESC, p.is_current DESC, b.built_at DESC, b.id DESC, p.id
    ) AS place
    FROM repeated AS x
    CROSS JOIN binary_packages AS p
        ON p.name = x.name AND p.version = x.version AND p.architecture = x.architecture
    JOIN origins AS o ON o.id = p.origin_id
    LEFT JOIN source_packages AS s ON s.id = p.source_package_id
    LEFT JOIN build_artifacts AS a ON a.id = p.latest_artifact_id
    LEFT JOIN builds AS b ON b.id = coalesce(a.build_id, s.latest_build_id)
    WHERE {current}
        AND p.component = :suite -- if suite
)
SELECT json_group_array(id) FROM (SELECT id FROM ranked WHERE place > 1 ORDER BY id);
