INSERT INTO main.package_names (name)
SELECT c.name FROM changed_sources AS c
WHERE c.id IS NULL OR c.id IN (SELECT id FROM moved_sources)
ON CONFLICT DO NOTHING;

-- What else depends on where a package is listed and whether it is current.
CREATE TEMP TABLE touched_sources (id INTEGER PRIMARY KEY);
INSERT INTO touched_sources
SELECT m.id FROM changed_sources AS c
CROSS JOIN main.source_packages AS m ON m.id = c.id
WHERE m.attempts AND m.is_current IS NOT c.seen
UNION SELECT id FROM moved_sources
UNION SELECT id FROM vanished_sources
-- What a source that knows binaries only said of them gives way to the builds.
UNION
SELECT m.id FROM main.source_packages AS m
WHERE :known_before AND :after = 0 AND NOT :carries_status
    AND m.rebuilder_id = :rebuilder_id AND m.generation = :generation;
UPDATE main.source_packages SET status = NULL
WHERE :known_before AND :after = 0 AND NOT :carries_status AND status IS NOT NULL AND attempts = 0
    AND rebuilder_id = :rebuilder_id AND generation = :generation;
UPDATE main.builds SET origin_id = t.origin_id
FROM moved_sources AS t WHERE builds.source_package_id = t.id;
UPDATE main.binary_packages SET origin_id = t.origin_id
FROM moved_sources AS t WHERE binary_packages.source_package_id = t.id;

UPDATE main.source_packages AS m SET
    origin_id = c.origin_id,
    name = c.name,
    version = c.version,
    ordinal = CASE WHEN m.ordinal < 0 THEN c.ordinal ELSE m.ordinal END,
    is_current = c.seen,
    last_seen = coalesce(c.last_seen_at, m.last_seen),
    input_url = CASE WHEN :carries_inputs THEN c.input_url ELSE m.input_url END,
    backend = CASE WHEN :carries_inputs THEN c.backend ELSE m.backend END,
    retries = CASE WHEN :carries_inputs THEN c.retries ELSE m.retries END,
    next_retry = CASE WHEN :carries_inputs THEN c.next_retry_at ELSE m.next_retry END,
    status = CASE WHEN :carries_status THEN c.status ELSE m.status END,
    upstream_source_id = coalesce(c.upstream_source_id, m.upstream_source_id),
    upstream_input_id = coalesce(c.upstream_input_id, m.upstream_input_id)
FROM changed_sources AS c
WHERE m.id = c.id AND (
    (m.origin_id, m.name, m.version, m.is_current)
        IS NOT (c.origin_id, c.name, c.version, c.seen)
    OR m.last_seen IS NOT coalesce(c.last_seen_at, m.last_seen)
    OR (:carries_inputs AND
        (m.input_url, m.backend, m.retries, m.next_retry, m.upstream_input_id)
        IS NOT (c.input_url, c.backend, c.retries, c.next_retry_at, c.upstream_input_id))
    OR (:carries_status AND m.status IS NOT c.status)
    OR (c.upstream_source_id IS NOT NULL AND m.upstream_source_id IS NOT c.upstream_source_id)
);

UPDATE main.source_packages AS m SET name_id = n.id
FROM moved_sources AS t CROSS JOIN main.package_names AS n
WHERE m.id = t.id AND n.name = m.name AND m.name_id <> n.id;

INSERT INTO main.source_packages (
    id, rebuilder_id, generation, origin_id, name, version, ordinal, status, is_current, attempts,
    input_url, backend, retries, next_retry, first_seen, last_seen, name_inferred, name_id,
    upstream_source_id, upstream_input_id
)
SELECT
    :last_source_id + c.rowid, :rebuilder_id, :generation, c.origin_id, c.name, c.version,
    c.ordinal, c.status, c.seen, 0, c.input_url, c.backend, c.retries, c.next_retry_at,
    :now, c.last_seen_at, c.name_inferred, n.id, c.upstream_source_id, c.upstream_input_id
FROM changed_sources AS c
CROSS JOIN main.package_names AS n ON n.name = c.name
WHERE c.id IS NULL
ORDER BY c.rowid
ON CONFLICT DO NOTHING;
INSERT OR REPLACE INTO source_map
SELECT source_key, :last_source_id + rowid FROM changed_sources WHERE id IS NULL;

UPDATE main.source_packages
SET is_current = 0, last_seen = coalesce(last_seen, :previous_ingest_at)
WHERE id IN (SELECT id FROM vanished_sources);

-- A binary that hangs on a source comes and goes with it.
UPDATE main.binary_packages AS b SET is_current = s.is_current
FROM main.source_packages AS s
WHERE s.id = b.source_package_id AND s.is_current <> b.is_current
    AND s.id IN (SELECT id FROM changed_sources UNION ALL SELECT id FROM vanished_sources);
