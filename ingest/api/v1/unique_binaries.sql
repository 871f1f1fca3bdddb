-- Where each binary package of some releases or of a source stands, once, however many releases and rebuilders have it.
WITH asked AS MATERIALIZED (
    SELECT DISTINCT origin_id
    FROM release_names
    WHERE true
        AND distribution = :distribution -- if distribution
        AND instr(:releases, ',' || name || ',') -- if releases
),
wanted AS MATERIALIZED (
    SELECT DISTINCT p.name, p.version, p.architecture, o.distribution
    FROM binary_packages AS p
    JOIN origins AS o ON o.id = p.origin_id
    WHERE p.is_current = 1 AND {any} AND p.origin_id IN (SELECT origin_id FROM asked)
        AND p.name = :name -- if name
        AND p.version = :binary_version -- if binary_version
        AND p.architecture = :architecture -- if architecture
        AND p.component = :component -- if component
        AND p.source_package_id IN ( -- if source
            SELECT s.id FROM source_packages AS s
            WHERE s.is_current = 1 AND s.name = :source
                AND s.version = :source_version -- if source_version
        )
),
deciding AS (
    SELECT max(a.rank), a.binary_package_id, count(*) AS rebuilders
    FROM wanted AS w
    CROSS JOIN rebuilder_answers AS a
        ON a.binary = w.name AND a.version = w.version AND a.architecture = w.architecture
            AND a.distribution = w.distribution
    WHERE true
        AND a.rebuilder = (SELECT name FROM rebuilders WHERE id = :rebuilder_id) -- if rebuilder_id
    GROUP BY w.name, w.version, w.architecture, w.distribution
)
SELECT json_object(
    'name', s.binary,
    'version', s.version,
    'distribution', s.distribution,
    'releases', json((
        SELECT json_group_array(release) FROM (
            SELECT DISTINCT n.canonical_release AS release
            FROM binary_packages AS x
            JOIN release_names AS n ON n.origin_id = x.origin_id AND n.distribution = s.distribution
            WHERE x.name = s.binary AND x.version = s.version AND x.architecture = s.architecture
                AND x.is_current = 1
                AND x.rebuilder_id = :rebuilder_id -- if rebuilder_id
            ORDER BY 1
        )
    )),
    'architecture', s.architecture,
    'component', s.component,
    'source', s.source,
    'source_version', s.source_version,
    'state', s.state,
    'status', s.status,
    'category', s.category,
    'class', s.class,
    'built_at', rtrim(s.built_at, 'Z'),
    'build_id', b.{build},
    'rebuilder', s.rebuilder,
    'rebuilders', d.rebuilders
) AS record
FROM deciding AS d
CROSS JOIN binary_states AS s ON s.binary_package_id = d.binary_package_id
LEFT JOIN builds AS b ON b.id = s.build_id
WHERE true
    AND s.state = :state -- if state
ORDER BY s.distribution, s.binary, s.version, s.architecture
