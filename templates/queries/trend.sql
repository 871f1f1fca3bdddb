-- The share of attempted packages now, a week, thirty days and every six days ago, for each of the newest totals:
-- of each span the last day that has a snapshot, of that day what daily_totals would choose.
-- Days on which less than a quarter of what is attempted now had been attempted say nothing yet.
WITH RECURSIVE
steps (ago) AS (
    SELECT 0 UNION ALL SELECT ago + 6 FROM steps WHERE ago + 6 <= :days
),
spans (ago) AS (
    SELECT ago FROM steps UNION ALL SELECT 7
),
totals AS MATERIALIZED (
    SELECT snapshot_id, rebuilder_id, origin, counted, attempted, substr(captured_at, 1, 10) AS today
    FROM current_totals
    WHERE :origin IS NULL OR origin_id = :origin
)
SELECT
    t.snapshot_id,
    spans.ago,
    substr(s.captured_at, 1, 10) AS day,
    CAST(:days - julianday(:newest) + julianday(substr(s.captured_at, 1, 10)) AS INTEGER) AS x,
    s.kind,
    s.good,
    s.good + s.bad + s.fail AS attempted,
    s.good + s.bad + s.fail + s.unknown AS total,
    100.0 * s.good / (s.good + s.bad + s.fail) AS percent
FROM totals AS t
CROSS JOIN spans
JOIN snapshots AS s ON s.id = (
    SELECT p.id FROM snapshots AS p
    WHERE p.rebuilder_id = t.rebuilder_id
        AND p.scope = t.origin
        AND p.counted = t.counted
        AND p.kind IN ('taken', 'imported', 'reconstructed')
        AND p.captured_at >= date(t.today, (-5 - spans.ago) || ' days')
        AND p.captured_at < date(t.today, (1 - spans.ago) || ' days')
    ORDER BY substr(p.captured_at, 1, 10) DESC, p.kind = 'reconstructed', p.kind = 'imported',
        iif(p.kind = 'taken', p.id, 0) DESC, p.captured_at DESC
    LIMIT 1
)
WHERE s.good + s.bad + s.fail > 0 AND 4 * (s.good + s.bad + s.fail) >= t.attempted
ORDER BY t.snapshot_id, spans.ago DESC
