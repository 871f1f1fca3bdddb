-- The rows that list.sql leaves out, since each package is listed once. Of several rows for one package the best
-- stays: one that is listed now, of those the binary's result.
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
        ORDER BY p.is_current DESC, r.rank DESC
    ) AS place
    FROM repeated AS x
    CROSS JOIN binary_packages AS p
        ON p.name = x.name AND p.version = x.version AND p.architecture = x.architecture
    JOIN origins AS o ON o.id = p.origin_id
    CROSS JOIN binary_results AS r ON r.binary_package_id = p.id
    WHERE {current}
        AND p.component = :suite -- if suite
)
SELECT json_group_array(id) FROM (SELECT id FROM ranked WHERE place > 1 ORDER BY id);
