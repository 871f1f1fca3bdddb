-- What a rebuilder is, how fresh its data, and what its queue looked like when it was read last.
SELECT
    f.*,
    r.id AS rebuilder_id,
    r.release,
    (SELECT count(*) FROM queue AS q WHERE q.rebuilder_id = r.id AND q.started_at IS NOT NULL) AS running,
    (SELECT count(*) FROM queue AS q WHERE q.rebuilder_id = r.id AND q.started_at IS NULL) AS waiting,
    (
        SELECT min(q.queued_at) FROM queue AS q WHERE q.rebuilder_id = r.id AND q.started_at IS NULL
    ) AS oldest_queued_at,
    newest.built_at AS newest_build_at,
    newest.id AS newest_build_id,
    strftime('%Y-%m-%dT%H:%M:%SZ', newest.built_at, '-7 days') AS week_before,
    julianday('now') - julianday(f.last_success_at) AS days_since_success
FROM rebuilder_freshness AS f
LEFT JOIN rebuilders AS r ON r.name = f.rebuilder
LEFT JOIN builds AS newest ON newest.id = (
    SELECT b.id FROM builds AS b INDEXED BY builds_built_at
    WHERE b.rebuilder_id = r.id AND b.built_at < coalesce((SELECT until FROM newest_run), '~')
    ORDER BY b.built_at DESC LIMIT 1
)
WHERE f.rebuilder = :name
