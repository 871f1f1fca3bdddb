-- Where does each binary package of some releases stand? One row for each architecture, name and version.
WITH asked AS MATERIALIZED (
    SELECT DISTINCT origin_id
    FROM release_names
    WHERE (:distribution = '' OR distribution = :distribution)
        AND (:releases = '' OR instr(',' || replace(:releases, ' ', '') || ',', ',' || name || ','))
),
found AS MATERIALIZED (
    SELECT DISTINCT b.name, b.version, b.architecture, b.origin_id
    FROM binary_packages AS b
    WHERE b.is_current = 1
        AND b.origin_id IN (SELECT origin_id FROM asked)
        AND (:architecture = '' OR b.architecture = :architecture)
        AND (:package = '' OR b.name = :package)
        AND (:component = '' OR b.component = :component)
        AND (
            :source = '' OR b.source_package_id IN (
                SELECT id FROM source_packages
                WHERE name = :source AND (:version = '' OR version = :version) AND is_current = 1
            )
        )
        -- One of the answers has to say what the state comes from: seldom true, and quickly told.
        AND (
            :state IN ('', 'reproducible') OR EXISTS (
                SELECT 1 FROM binary_packages AS x
                WHERE x.name = b.name AND x.version = b.version AND x.architecture = b.architecture
                    AND x.is_current = 1
                    AND iif(:state IN ('never-attempted', 'no-result'),
                        ifnull(x.status, 'UNKWN') = 'UNKWN', x.status IN ('BAD', 'FAIL'))
            )
        )
    ORDER BY b.name, b.version, b.architecture
    -- A page of names and one more is enough, however many origins have each, unless the state decides which are shown.
    LIMIT iif(:state = '', 101 * (SELECT count(*) FROM origins), -1)
),
wanted AS MATERIALIZED (
    SELECT DISTINCT f.name, f.version, f.architecture, o.distribution
    FROM found AS f
    JOIN origins AS o ON o.id = f.origin_id
    ORDER BY f.name, f.version, f.architecture, o.distribution
    LIMIT iif(:state = '', 101, -1)
),
deciding AS (
    SELECT max(a.rank), a.binary_package_id, count(*) AS rebuilders
    FROM wanted AS w
    CROSS JOIN rebuilder_answers AS a
        ON a.binary = w.name AND a.version = w.version AND a.architecture = w.architecture
            AND a.distribution = w.distribution
    GROUP BY w.name, w.version, w.architecture, w.distribution
)
SELECT
    s.binary,
    s.version,
    s.architecture,
    s.component,
    s.state,
    s.category,
    s.source,
    s.source_version,
    s.built_at,
    d.rebuilders,
    s.rebuilder,
    s.distribution,
    s.category_key,
    s.failure_id,
    s.build_id,
    s.binary_package_id,
    count(*) OVER () > 100 AS is_cut
FROM deciding AS d
CROSS JOIN binary_states AS s ON s.binary_package_id = d.binary_package_id
WHERE :state = '' OR s.state = :state
ORDER BY s.binary, s.version, s.architecture, s.distribution
LIMIT 100
