-- The totals of each UTC day until that of the newest run: a taken snapshot wins over an imported one, that over
-- a reconstructed one; of several of one kind the day's last, of taken ones that of the last run.
SELECT
    r.name AS rebuilder,
    s.scope AS origin,
    o.distribution,
    o.release,
    o.architecture,
    substr(s.captured_at, 1, 10) AS day,
    s.kind,
    s.counted,
    s.good,
    s.bad,
    s.fail,
    s.unknown,
    s.good + s.bad + s.fail AS attempted,
    s.good + s.bad + s.fail + s.unknown AS total,
    round(100.0 * s.good / nullif(s.good + s.bad + s.fail + s.unknown, 0), 2) AS reproducible_percent,
    round(100.0 * s.good / nullif(s.good + s.bad + s.fail, 0), 2) AS reproducible_percent_of_attempted,
    s.id AS snapshot_id
FROM snapshots AS s
JOIN rebuilders AS r ON r.id = s.rebuilder_id
LEFT JOIN origins AS o ON o.id = s.origin_id
WHERE s.captured_at < coalesce((SELECT until FROM newest_run), '~')
AND NOT EXISTS (
    SELECT 1 FROM snapshots AS later
    WHERE later.rebuilder_id = s.rebuilder_id AND later.scope = s.scope AND later.kind = s.kind
        AND later.captured_at BETWEEN substr(s.captured_at, 1, 10) AND substr(s.captured_at, 1, 10) || 'T24'
        AND CASE s.kind WHEN 'taken' THEN later.id > s.id ELSE later.captured_at > s.captured_at END
)
AND NOT EXISTS (
    SELECT 1 FROM snapshots AS better
    WHERE better.rebuilder_id = s.rebuilder_id AND better.scope = s.scope
        AND better.kind IN ('taken', 'imported')
        AND better.captured_at BETWEEN substr(s.captured_at, 1, 10) AND substr(s.captured_at, 1, 10) || 'T24'
        AND (s.kind = 'reconstructed' OR (s.kind = 'imported' AND better.kind = 'taken'))
)
