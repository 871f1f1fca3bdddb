-- How fresh is what is known of each rebuilder, and what is it busy with?
SELECT
    f.rebuilder,
    f.last_success_at,
    round(24 * (julianday('now') - julianday(f.last_success_at)), 1) AS hours_since,
    f.is_failing,
    f.last_error_at,
    f.last_error,
    (
        SELECT max(b.built_at) FROM builds AS b
        WHERE b.rebuilder_id = r.id AND b.built_at < coalesce((SELECT until FROM newest_run), '~')
    ) AS newest_build_at,
    f.current_source_packages,
    f.builds,
    (SELECT count(*) FROM queue AS q WHERE q.rebuilder_id = r.id) AS queued,
    (SELECT count(*) FROM workers AS w WHERE w.rebuilder_id = r.id AND w.is_online) AS workers_online,
    f.kind,
    f.url,
    f.first_success_at
FROM rebuilder_freshness AS f
LEFT JOIN rebuilders AS r ON r.name = f.rebuilder
WHERE (:rebuilder = '' OR f.rebuilder = :rebuilder)
ORDER BY f.is_failing DESC, f.last_success_at
