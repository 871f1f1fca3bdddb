-- The newest totals of each origin of each rebuilder. Where several rebuilders read one origin,
-- one speaks for it in sums: of those that are read now, else of imported ones, the one that attempted most.
SELECT
    t.*,
    row_number() OVER (
        PARTITION BY t.origin, t.counted ORDER BY t.kind = 'taken' DESC, t.attempted DESC, t.rebuilder
    ) = 1 AS speaks,
    -- Where a rebuilder was read last by a clock that was ahead, the others are no older for it.
    min(max(t.captured_at) OVER (), coalesce((SELECT until FROM newest_run), '~')) AS newest_at,
    coalesce(t.distribution || ' ' || coalesce(t.release, ''), '~ ' || t.origin) || (t.counted <> 'source packages') AS section
FROM current_totals AS t
WHERE :origin IS NULL OR t.origin_id = :origin
ORDER BY section, t.origin, t.rebuilder
