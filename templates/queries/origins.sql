-- Every origin, with what is known of it.
SELECT
    o.id,
    o.distribution,
    o.release,
    o.architecture,
    o.label,
    (SELECT max(t.captured_at) FROM current_totals AS t WHERE t.origin_id = o.id) AS captured_at
FROM origins AS o
WHERE :distribution IS NULL
    OR (o.distribution = :distribution AND coalesce(o.release, '-') = :release AND o.architecture = :architecture)
ORDER BY o.distribution, o.release, o.architecture
