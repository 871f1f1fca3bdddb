-- How much waits, for how long, and which retries are due?
WITH jobs AS (
    SELECT
        s.origin_id,
        q.rebuilder_id,
        count(*) AS queued,
        count(q.started_at) AS running,
        sum(NOT s.is_current) AS no_longer_listed,
        sum(s.latest_build_id IS NULL) AS first_builds,
        min(CASE WHEN q.started_at IS NULL THEN q.queued_at END) AS waiting_since
    FROM queue AS q
    CROSS JOIN source_packages AS s ON s.id = q.source_package_id
    GROUP BY q.rebuilder_id, s.origin_id
),
retries AS (
    SELECT
        s.origin_id,
        s.rebuilder_id,
        sum(s.next_retry <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now')) AS due,
        sum(s.next_retry > strftime('%Y-%m-%dT%H:%M:%SZ', 'now')) AS later,
        min(s.next_retry) AS first_retry
    FROM source_packages AS s
    WHERE s.is_current AND s.next_retry IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM queue AS q WHERE q.source_package_id = s.id)
    GROUP BY s.rebuilder_id, s.origin_id
)
SELECT
    t.origin,
    coalesce(jobs.queued, 0) AS queued,
    coalesce(jobs.no_longer_listed, 0) AS queued_no_longer_listed,
    coalesce(jobs.running, 0) AS running,
    coalesce(jobs.first_builds, 0) AS queued_first_builds,
    jobs.waiting_since,
    coalesce(retries.due, 0) AS retries_due,
    coalesce(retries.later, 0) AS retries_later,
    retries.first_retry,
    t.captured_at AS known_at,
    t.distribution,
    t.release,
    t.architecture,
    t.rebuilder
FROM current_totals AS t
LEFT JOIN jobs ON jobs.rebuilder_id = t.rebuilder_id AND jobs.origin_id = t.origin_id
LEFT JOIN retries ON retries.rebuilder_id = t.rebuilder_id AND retries.origin_id = t.origin_id
WHERE t.origin_id IS NOT NULL
    AND (:distribution = '' OR t.distribution = :distribution)
    AND (:release = '' OR t.release = :release)
    AND (:architecture = '' OR t.architecture = :architecture)
    AND (:rebuilder = '' OR t.rebuilder = :rebuilder)
ORDER BY queued DESC, t.origin, t.rebuilder
