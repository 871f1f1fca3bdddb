-- How fresh is what is known of each rebuilder, and what went wrong last.
SELECT
    known.rebuilder,
    r.kind,
    coalesce(r.url, failure.source) AS url,
    r.generation,
    (
        SELECT i.finished_at FROM ingest_runs AS i
        WHERE i.rebuilder = known.rebuilder AND i.finished_at IS NOT NULL AND i.error IS NULL
        ORDER BY i.id LIMIT 1
    ) AS first_success_at,
    success.finished_at AS last_success_at,
    failure.started_at AS last_error_at,
    failure.error AS last_error,
    coalesce(failure.id > coalesce(success.id, 0), 0) AS is_failing,
    CASE WHEN r.id IS NOT NULL THEN (
        SELECT count(*) FROM origins AS o
        CROSS JOIN source_packages AS s
            ON s.origin_id = o.id AND s.is_current = 1 AND s.rebuilder_id = r.id
    ) END AS current_source_packages,
    CASE WHEN r.id IS NOT NULL THEN (
        SELECT count(*) FROM builds AS b WHERE b.rebuilder_id = r.id
    ) END AS builds
FROM (SELECT DISTINCT rebuilder FROM ingest_runs) AS known
LEFT JOIN rebuilders AS r ON r.name = known.rebuilder
LEFT JOIN ingest_runs AS success ON success.id = (
    SELECT i.id FROM ingest_runs AS i
    WHERE i.rebuilder = known.rebuilder AND i.finished_at IS NOT NULL AND i.error IS NULL
    ORDER BY i.id DESC LIMIT 1
)
LEFT JOIN ingest_runs AS failure ON failure.id = (
    SELECT i.id FROM ingest_runs AS i
    WHERE i.rebuilder = known.rebuilder AND i.error IS NOT NULL
    ORDER BY i.id DESC LIMIT 1
)
