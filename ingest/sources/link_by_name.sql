-- API v1 gives no link from a build, a binary or a job to its source package.
-- A source package's latest build links exactly; else names decide, and where
-- that leaves a choice the link says that it is inferred.
CREATE INDEX temp.listed_by_name ON incoming_source_packages (name, version);
CREATE INDEX temp.listed_by_build ON incoming_source_packages (latest_build);

CREATE TEMP TABLE ordinals AS
SELECT
    source_key,
    row_number() OVER (
        PARTITION BY upstream_source_id, distribution, release, architecture ORDER BY source_key
    ) - 1 AS ordinal
FROM incoming_source_packages;
UPDATE incoming_source_packages SET ordinal = o.ordinal
FROM ordinals AS o
WHERE o.ordinal > 0 AND incoming_source_packages.source_key = o.source_key;

UPDATE incoming_builds SET source_key = s.source_key
FROM incoming_source_packages AS s WHERE s.latest_build = incoming_builds.upstream_id;
CREATE TEMP TABLE named_sources AS
SELECT
    name, version, distribution, release, architecture, min(source_key) AS source_key,
    count(*) > 1 AS is_ambiguous
FROM incoming_source_packages
GROUP BY name, version, distribution, release, architecture;
CREATE INDEX temp.named_sources_name ON named_sources (name, version);
UPDATE incoming_builds SET source_key = s.source_key, source_inferred = s.is_ambiguous
FROM named_sources AS s
WHERE incoming_builds.source_key IS NULL AND s.name = incoming_builds.name
    AND s.version = incoming_builds.version AND s.distribution = incoming_builds.distribution
    AND s.release IS incoming_builds.release AND s.architecture = incoming_builds.architecture;

-- Of several inputs a build belongs to one whose latest build is not earlier. A
-- latest build that was not read again is an old one. An input without a latest
-- build has none at all: a build that only such ones could have made is an orphan.
CREATE TEMP TABLE chosen_inputs (upstream_id INTEGER PRIMARY KEY, source_key INTEGER);
INSERT INTO chosen_inputs
SELECT upstream_id, source_key
FROM (
    SELECT
        b.upstream_id,
        CASE WHEN s.latest_build IS NOT NULL THEN s.source_key END AS source_key,
        row_number() OVER (
            PARTITION BY b.upstream_id
            ORDER BY
                CASE
                    WHEN s.latest_build IS NULL THEN 3
                    WHEN latest.upstream_id IS NULL THEN 1
                    WHEN (iso_time(latest.built_at), latest.upstream_id)
                        > (iso_time(b.built_at), b.upstream_id) THEN 0
                    ELSE 2
                END,
                s.source_key
        ) AS choice
    FROM incoming_builds AS b
    CROSS JOIN incoming_source_packages AS s INDEXED BY listed_by_name
        ON s.name = b.name AND s.version = b.version AND s.distribution = b.distribution
            AND s.release IS b.release AND s.architecture = b.architecture
    LEFT JOIN incoming_builds AS latest ON latest.upstream_id = s.latest_build
    WHERE b.source_inferred
)
WHERE choice = 1;
UPDATE incoming_builds SET source_key = c.source_key
FROM chosen_inputs AS c WHERE c.upstream_id = incoming_builds.upstream_id;

UPDATE incoming_binary_packages SET source_key = s.source_key, origin_architecture = s.architecture
FROM incoming_source_packages AS s WHERE s.latest_build = incoming_binary_packages.latest_build;
CREATE TEMP TABLE inferred_sources (binary_key INTEGER PRIMARY KEY, source_key INTEGER);
INSERT INTO inferred_sources
SELECT binary_key, source_key
FROM (
    SELECT
        b.binary_key,
        s.source_key,
        row_number() OVER (
            PARTITION BY b.binary_key
            -- What upstream says of a binary's listing is that of its source.
            ORDER BY s.version = b.version DESC, s.architecture = b.architecture DESC, s.seen = b.seen DESC,
                s.seen DESC, s.source_key
        ) AS choice
    FROM incoming_binary_packages AS b
    CROSS JOIN incoming_source_packages AS s INDEXED BY listed_by_name
        ON s.name = b.source_name AND s.distribution = b.distribution AND s.release IS b.release
            AND (s.version = b.version OR s.architecture = b.architecture)
            AND (b.latest_build IS NOT NULL OR s.latest_build IS NULL)
    WHERE b.source_key IS NULL
)
WHERE choice = 1;
UPDATE incoming_binary_packages SET
    source_key = s.source_key, source_inferred = 1, origin_architecture = s.architecture
FROM inferred_sources AS i
JOIN incoming_source_packages AS s ON s.source_key = i.source_key
WHERE i.binary_key = incoming_binary_packages.binary_key;

UPDATE incoming_queue SET source_key = s.source_key
FROM named_sources AS s
WHERE s.name = incoming_queue.name AND s.version = incoming_queue.version
    AND s.distribution = incoming_queue.distribution AND s.release IS incoming_queue.release
    AND s.architecture = incoming_queue.architecture;
