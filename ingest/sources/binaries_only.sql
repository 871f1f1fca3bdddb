-- rebuilderd up to 0.24 and its API v0 know the last result of each binary only
-- (the relation listed_binaries). The binaries of one source that were built at
-- the same time are one attempt, named after its lowest build id.
CREATE TEMP VIEW incoming_binary_packages AS
SELECT
    b.binary_key,
    b.upstream_id,
    b.source_key,
    0 AS source_inferred,
    b.source_name,
    b.distribution,
    b."release",
    b.origin_architecture,
    b.name,
    b.version,
    b.architecture,
    b.component,
    b.artifact_url,
    1 AS seen,
    CASE WHEN b.build_id IS NULL AND b.status = 'UNKWN' THEN NULL ELSE b.status END AS status,
    NULL AS latest_build
FROM listed_binaries AS b;

CREATE TEMP TABLE listed_attempts (upstream_id INTEGER UNIQUE, source_key INTEGER, built_at, status);
INSERT INTO listed_attempts
SELECT
    min(build_id),
    source_key,
    built_at,
    CASE
        WHEN sum(status = 'BAD') THEN 'BAD'
        WHEN sum(status = 'UNKWN') THEN 'UNKWN'
        ELSE 'GOOD'
    END
FROM listed_binaries
WHERE build_id IS NOT NULL
GROUP BY source_key, built_at
ON CONFLICT DO NOTHING;
CREATE INDEX temp.listed_attempts_source ON listed_attempts (source_key, built_at);

CREATE TEMP VIEW incoming_builds AS
SELECT
    a.upstream_id,
    a.source_key,
    0 AS source_inferred,
    s.distribution,
    s."release",
    s.architecture,
    s.name,
    s.version,
    s.backend,
    s.retries,
    NULL AS started_at,
    a.built_at,
    a.status,
    NULL AS log
FROM listed_attempts AS a
JOIN incoming_source_packages AS s ON s.source_key = a.source_key;

-- UNKWN stands for a build without a conclusion, and such a build leaves no artifacts.
CREATE TEMP TABLE incoming_build_artifacts (
    artifact_key INTEGER PRIMARY KEY, upstream_id INTEGER, upstream_build_id INTEGER, name, status,
    has_diffoscope, has_attestation
);
INSERT INTO incoming_build_artifacts
SELECT
    b.binary_key,
    CASE WHEN b.sharing = 1 THEN b.build_id END,
    a.upstream_id,
    b.name,
    b.status,
    b.has_diffoscope,
    b.has_attestation
FROM (
    SELECT *, count(*) OVER (PARTITION BY build_id) AS sharing FROM listed_binaries
    WHERE build_id IS NOT NULL
) AS b
CROSS JOIN listed_attempts AS a ON a.source_key = b.source_key AND a.built_at IS b.built_at
WHERE b.status IS NOT 'UNKWN' AND typeof(b.binary_key) = 'integer';
CREATE INDEX temp.incoming_build_artifacts_build ON incoming_build_artifacts (upstream_build_id);
