-- API v1 lists the inputs of one source without an id of their own. They are
-- known again by their latest builds; the others take the places that are left.
CREATE TEMP TABLE repeated_inputs AS
SELECT
    i.source_key,
    i.upstream_source_id,
    i.distribution,
    coalesce(i.release, '') AS release,
    i.architecture,
    i.ordinal,
    (
        SELECT m.ordinal FROM main.builds AS b
        CROSS JOIN main.source_packages AS m ON m.id = b.source_package_id
        WHERE b.rebuilder_id = :rebuilder_id AND b.generation = :generation
            AND b.upstream_id = i.latest_build AND NOT b.source_inferred
            AND m.name = i.name AND m.version = i.version
    ) AS known_ordinal
FROM incoming_source_packages AS i
WHERE (i.upstream_source_id, i.distribution, coalesce(i.release, ''), i.architecture) IN (
    SELECT upstream_source_id, distribution, coalesce(release, ''), architecture
    FROM incoming_source_packages WHERE ordinal > 0
);
CREATE INDEX temp.repeated_inputs_place
    ON repeated_inputs (upstream_source_id, distribution, release, architecture, known_ordinal);
UPDATE repeated_inputs AS c SET known_ordinal = NULL WHERE EXISTS (
    SELECT 1 FROM repeated_inputs AS x INDEXED BY repeated_inputs_place
    WHERE x.upstream_source_id = c.upstream_source_id AND x.distribution = c.distribution
        AND x.release = c.release AND x.architecture = c.architecture
        AND x.known_ordinal = c.known_ordinal AND x.source_key < c.source_key
);
CREATE TEMP TABLE free_places AS
SELECT
    p.upstream_source_id, p.distribution, p.release, p.architecture, p.ordinal,
    row_number() OVER (
        PARTITION BY p.upstream_source_id, p.distribution, p.release, p.architecture ORDER BY p.ordinal
    ) AS number
FROM repeated_inputs AS p
WHERE NOT EXISTS (
    SELECT 1 FROM repeated_inputs AS x INDEXED BY repeated_inputs_place
    WHERE x.upstream_source_id = p.upstream_source_id AND x.distribution = p.distribution
        AND x.release = p.release AND x.architecture = p.architecture AND x.known_ordinal = p.ordinal
);
CREATE INDEX temp.free_places_number
    ON free_places (upstream_source_id, distribution, release, architecture, number);
CREATE TEMP TABLE places (source_key INTEGER PRIMARY KEY, ordinal INTEGER);
INSERT INTO places
SELECT source_key, known_ordinal FROM repeated_inputs WHERE known_ordinal IS NOT NULL
UNION ALL
SELECT r.source_key, f.ordinal
FROM (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY upstream_source_id, distribution, release, architecture ORDER BY ordinal
        ) AS number
    FROM repeated_inputs WHERE known_ordinal IS NULL
) AS r
CROSS JOIN free_places AS f INDEXED BY free_places_number
    ON f.upstream_source_id = r.upstream_source_id AND f.distribution = r.distribution
        AND f.release = r.release AND f.architecture = r.architecture AND f.number = r.number;
UPDATE incoming_source_packages SET ordinal = p.ordinal
FROM places AS p
WHERE incoming_source_packages.source_key = p.source_key AND incoming_source_packages.ordinal <> p.ordinal;
