-- Failures of each UTC day by category, from the same snapshots as daily_totals. CROSS JOIN, so that SQLite
-- chooses the day's snapshot once and not once for each of its categories.
SELECT
    d.rebuilder,
    d.origin,
    d.distribution,
    d.release,
    d.architecture,
    d.day,
    d.kind,
    k.name AS category,
    k.class,
    c.failures,
    c.packages,
    k.key AS category_key,
    d.snapshot_id
FROM daily_totals AS d
CROSS JOIN snapshot_categories AS c ON c.snapshot_id = d.snapshot_id
JOIN categories AS k ON k.id = c.category_id
