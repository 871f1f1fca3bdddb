-- rebuilderd's schema up to 0.24 as incoming relations; builds and
-- artifacts follow in binaries_only.sql. {release} is what the operator says.
CREATE TEMP VIEW incoming_source_packages AS
SELECT
    b.id AS source_key,
    b.id AS upstream_source_id,
    b.id AS upstream_input_id,
    (
        SELECT count(*) FROM upstream.pkgbases AS earlier
        WHERE earlier.name = b.name AND earlier.version = b.version
            AND earlier.distro = b.distro AND earlier.architecture = b.architecture
            AND earlier.id < b.id
    ) AS ordinal,
    b.distro AS distribution,
    {release} AS "release",
    b.architecture,
    b.name,
    b.version,
    0 AS name_inferred,
    b.input_url,
    b.distro AS backend,
    b.retries,
    b.next_retry,
    NULL AS last_seen,
    1 AS seen,
    (
        SELECT CASE
            WHEN sum(p.status = 'BAD') THEN 'BAD'
            WHEN sum(p.build_id IS NOT NULL) = 0 THEN NULL
            WHEN sum(p.status = 'UNKWN') THEN 'UNKWN'
            ELSE 'GOOD'
        END
        FROM upstream.packages AS p WHERE p.pkgbase_id = b.id
    ) AS status,
    NULL AS latest_build
FROM upstream.pkgbases AS b;

CREATE TEMP VIEW listed_binaries AS
SELECT
    p.id AS binary_key,
    p.id AS upstream_id,
    p.pkgbase_id AS source_key,
    b.name AS source_name,
    p.distro AS distribution,
    {release} AS "release",
    b.architecture AS origin_architecture,
    p.name,
    p.version,
    p.architecture,
    p.suite AS component,
    p.artifact_url,
    p.status,
    p.build_id,
    p.built_at,
    p.has_diffoscope,
    p.has_attestation
FROM upstream.packages AS p
LEFT JOIN upstream.pkgbases AS b ON b.id = p.pkgbase_id;

CREATE TEMP VIEW incoming_queue AS
SELECT
    q.id AS upstream_id,
    q.pkgbase_id AS source_key,
    b.distro AS distribution,
    {release} AS "release",
    b.architecture,
    b.name,
    b.version,
    q.priority,
    q.queued_at,
    q.started_at,
    q.worker_id AS worker
FROM upstream.queue AS q
LEFT JOIN upstream.pkgbases AS b ON b.id = q.pkgbase_id;

CREATE TEMP VIEW incoming_workers AS
SELECT id AS upstream_id, 'worker ' || id AS name, status, last_ping, online AS is_online
FROM upstream.workers;
