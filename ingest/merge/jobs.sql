CREATE TEMP TABLE changed_workers AS
SELECT
    i.*,
    CASE
        WHEN coalesce(i.name, '') = '' THEN 'name'
        WHEN typeof(i.upstream_id) <> 'integer' THEN 'id'
        WHEN i.is_online IS NULL OR i.is_online NOT IN (0, 1) THEN 'online'
        WHEN i.last_ping IS NOT NULL AND iso_time(i.last_ping) IS NULL THEN 'last_ping'
        ELSE unreadable(i.name, i.status)
    END AS problem
FROM incoming_workers AS i
LEFT JOIN main.workers AS m ON m.rebuilder_id = :rebuilder_id AND m.upstream_id = i.upstream_id
WHERE (m.name, m.status, m.last_ping, m.is_online)
    IS NOT (i.name, i.status, iso_time(i.last_ping), i.is_online);
INSERT INTO skipped
SELECT 'worker', problem, count(*), min(upstream_id)
FROM changed_workers WHERE problem IS NOT NULL GROUP BY problem;
INSERT INTO main.workers (rebuilder_id, name, status, last_ping, is_online, upstream_id)
SELECT :rebuilder_id, name, status, iso_time(last_ping), is_online, upstream_id
FROM changed_workers WHERE problem IS NULL
ON CONFLICT (rebuilder_id, upstream_id) DO UPDATE SET
    name = excluded.name, status = excluded.status, last_ping = excluded.last_ping,
    is_online = excluded.is_online;
UPDATE main.queue SET worker_id = NULL WHERE worker_id IN (
    SELECT id FROM main.workers WHERE rebuilder_id = :rebuilder_id
        AND upstream_id NOT IN (SELECT upstream_id FROM incoming_workers)
) AND :lists_workers;
DELETE FROM main.workers
WHERE :lists_workers AND rebuilder_id = :rebuilder_id
    AND upstream_id NOT IN (SELECT upstream_id FROM incoming_workers);

CREATE TEMP TABLE changed_queue AS
SELECT
    i.upstream_id,
    map.id AS source_package_id,
    i.priority,
    iso_time(i.queued_at) AS queued_at,
    iso_time(i.started_at) AS started_at,
    i.started_at IS NOT NULL AS is_started,
    w.id AS worker_id,
    CASE
        WHEN map.id IS NULL THEN 'no source package'
        WHEN typeof(i.upstream_id) <> 'integer' THEN 'id'
        WHEN typeof(i.priority) <> 'integer' THEN 'priority'
    END AS problem
FROM incoming_queue AS i
LEFT JOIN source_map AS map ON map.source_key = i.source_key
LEFT JOIN main.workers AS w ON w.rebuilder_id = :rebuilder_id AND w.upstream_id = i.worker
LEFT JOIN main.queue AS m ON m.rebuilder_id = :rebuilder_id AND m.upstream_id = i.upstream_id
WHERE (m.source_package_id, m.priority, m.worker_id) IS NOT (map.id, i.priority, w.id)
    OR other_time(m.queued_at, i.queued_at) OR other_time(m.started_at, i.started_at);
UPDATE changed_queue SET problem = CASE WHEN queued_at IS NULL THEN 'queued_at' ELSE 'started_at' END
WHERE problem IS NULL AND (queued_at IS NULL OR (is_started AND started_at IS NULL));
INSERT INTO skipped
SELECT 'queued build', problem, count(*), min(upstream_id)
FROM changed_queue WHERE problem IS NOT NULL GROUP BY problem;
DELETE FROM main.queue
WHERE :lists_queue AND rebuilder_id = :rebuilder_id
    AND NOT EXISTS (SELECT 1 FROM incoming_queue AS i WHERE i.upstream_id = queue.upstream_id);
INSERT INTO main.queue (
    rebuilder_id, source_package_id, priority, queued_at, started_at, worker_id, upstream_id
)
SELECT :rebuilder_id, source_package_id, priority, queued_at, started_at, worker_id, upstream_id
FROM changed_queue WHERE problem IS NULL
ON CONFLICT (rebuilder_id, upstream_id) DO UPDATE SET
    source_package_id = excluded.source_package_id, priority = excluded.priority,
    queued_at = excluded.queued_at, started_at = excluded.started_at,
    worker_id = excluded.worker_id;
