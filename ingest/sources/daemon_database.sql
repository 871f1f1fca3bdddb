-- rebuilderd's own schema since 0.25 as incoming relations. Columns that came
-- and went between versions are filled in by daemon_database.py: {component},
-- {last_seen}, {seen}.
CREATE TEMP VIEW incoming_source_packages AS
SELECT
    i.id AS source_key,
    i.source_package_id AS upstream_source_id,
    i.id AS upstream_input_id,
    (
        SELECT count(*) FROM upstream.build_inputs AS earlier
        WHERE earlier.source_package_id = i.source_package_id
            AND earlier.architecture = i.architecture AND earlier.id < i.id
    ) AS ordinal,
    s.distribution,
    s."release",
    i.architecture,
    s.name,
    s.version,
    0 AS name_inferred,
    i.url AS input_url,
    i.backend,
    i.retries,
    i.next_retry,
    {last_seen} AS last_seen,
    {seen} AS seen,
    NULL AS status,
    NULL AS latest_build
FROM upstream.build_inputs AS i
LEFT JOIN upstream.source_packages AS s ON s.id = i.source_package_id;

CREATE TEMP VIEW incoming_binary_packages AS
SELECT
    b.id AS binary_key,
    b.id AS upstream_id,
    b.build_input_id AS source_key,
    0 AS source_inferred,
    s.name AS source_name,
    s.distribution,
    s."release",
    b.architecture AS origin_architecture,
    b.name,
    b.version,
    b.architecture,
    {component} AS component,
    b.artifact_url,
    {seen} AS seen,
    NULL AS status,
    NULL AS latest_build
FROM upstream.binary_packages AS b
LEFT JOIN upstream.source_packages AS s ON s.id = b.source_package_id;

CREATE TEMP VIEW incoming_builds AS
SELECT
    r.id AS upstream_id,
    r.build_input_id AS source_key,
    0 AS source_inferred,
    s.distribution,
    s."release",
    i.architecture,
    s.name,
    s.version,
    i.backend,
    i.retries,
    r.started_at,
    r.built_at,
    r.status,
    r.build_log_id AS log
FROM upstream.rebuilds AS r
LEFT JOIN upstream.build_inputs AS i ON i.id = r.build_input_id
LEFT JOIN upstream.source_packages AS s ON s.id = i.source_package_id;

CREATE TEMP VIEW incoming_build_artifacts AS
SELECT
    a.id AS artifact_key,
    a.id AS upstream_id,
    a.rebuild_id AS upstream_build_id,
    a.name,
    a.status,
    a.diffoscope_log_id IS NOT NULL AS has_diffoscope,
    a.attestation_log_id IS NOT NULL AS has_attestation
FROM upstream.rebuild_artifacts AS a;

CREATE TEMP VIEW incoming_queue AS
SELECT
    q.id AS upstream_id,
    q.build_input_id AS source_key,
    s.distribution,
    s."release",
    i.architecture,
    s.name,
    s.version,
    q.priority,
    q.queued_at,
    q.started_at,
    q.worker
FROM upstream.queue AS q
LEFT JOIN upstream.build_inputs AS i ON i.id = q.build_input_id
LEFT JOIN upstream.source_packages AS s ON s.id = i.source_package_id;

CREATE TEMP VIEW incoming_workers AS
-- A database migrated from the old schema has workers without a name.
SELECT
    id AS upstream_id,
    CASE name WHEN '' THEN 'worker ' || id ELSE name END AS name,
    status,
    last_ping,
    online AS is_online
FROM upstream.workers;
