-- API v0 lists binaries; those with one inferred source name and version are
-- one source package. A binary listed again (a 0.25 daemon does so for each of
-- its releases) belongs to a source package of its own.
CREATE TEMP TABLE listed_sources (
    source_key INTEGER PRIMARY KEY, distribution, architecture, name, version, ordinal, status
);
CREATE TEMP TABLE numbered_binaries AS
SELECT
    binary_key,
    row_number() OVER (
        PARTITION BY distribution, architecture, source_name, name, version, component
        ORDER BY binary_key
    ) - 1 AS ordinal
FROM incoming_listed;
INSERT INTO listed_sources (distribution, architecture, name, version, ordinal, status)
SELECT
    b.distribution,
    b.architecture,
    b.source_name,
    b.version,
    n.ordinal,
    CASE
        WHEN sum(b.status = 'BAD') THEN 'BAD'
        WHEN count(b.build_id) = 0 AND sum(b.status <> 'UNKWN') = 0 THEN NULL
        WHEN sum(b.status = 'UNKWN') THEN 'UNKWN'
        WHEN sum(b.status <> 'GOOD') = 0 THEN 'GOOD'
        ELSE max(b.status)
    END
FROM incoming_listed AS b
JOIN numbered_binaries AS n ON n.binary_key = b.binary_key
GROUP BY b.distribution, b.architecture, b.source_name, b.version, n.ordinal
ORDER BY min(b.binary_key);
CREATE INDEX temp.listed_sources_identity
    ON listed_sources (name, version, architecture, distribution, ordinal);

CREATE TEMP VIEW incoming_source_packages AS
SELECT
    source_key,
    NULL AS upstream_source_id,
    NULL AS upstream_input_id,
    ordinal,
    distribution,
    {release} AS release,
    architecture,
    name,
    version,
    1 AS name_inferred,
    NULL AS input_url,
    NULL AS backend,
    NULL AS retries,
    NULL AS next_retry,
    NULL AS last_seen,
    1 AS seen,
    status,
    NULL AS latest_build
FROM listed_sources;

CREATE TEMP TABLE listed_binaries AS
SELECT
    b.binary_key,
    NULL AS upstream_id,
    s.source_key,
    b.source_name,
    b.distribution,
    {release} AS release,
    b.architecture AS origin_architecture,
    b.name,
    b.version,
    b.architecture,
    b.component,
    b.artifact_url,
    b.status,
    b.build_id,
    b.built_at,
    b.has_diffoscope,
    b.has_attestation
FROM incoming_listed AS b
JOIN numbered_binaries AS n ON n.binary_key = b.binary_key
JOIN listed_sources AS s
    ON s.name IS b.source_name AND s.version IS b.version AND s.architecture IS b.architecture
        AND s.distribution IS b.distribution AND s.ordinal = n.ordinal;
CREATE INDEX temp.listed_binaries_attempt ON listed_binaries (source_key, built_at);
