-- When was each rebuilder last read, and what went wrong last?
SELECT
    rebuilder,
    kind,
    url,
    last_success_at,
    julianday('now') - julianday(last_success_at) AS days,
    last_error_at,
    last_error,
    is_failing
FROM rebuilder_freshness
ORDER BY is_failing DESC, rebuilder
