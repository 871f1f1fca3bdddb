-- Why packages fail now: the categories of the newest totals. Imported ones may be old, and no rows are behind them.
SELECT
    k.key,
    k.name,
    k.class,
    sum(coalesce(c.packages, c.failures)) AS packages,
    sum(c.failures) AS failures
FROM current_totals AS t
JOIN snapshot_categories AS c ON c.snapshot_id = t.snapshot_id
JOIN categories AS k ON k.id = c.category_id
WHERE t.kind = 'taken' AND (:origin IS NULL OR t.origin_id = :origin)
GROUP BY k.id
ORDER BY packages DESC, k.name
LIMIT :most
