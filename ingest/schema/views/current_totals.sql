-- The newest totals of each origin of each rebuilder: the snapshot of the last run that took one, whatever
-- its clock said, or where there is none, the last one imported. An origin that was renamed is not counted
-- by its old name too: what a run took counts as long as a current package stands behind it.
SELECT
    r.name AS rebuilder,
    s.scope AS origin,
    o.distribution,
    o.release,
    o.architecture,
    s.captured_at,
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
    s.corrected_good,
    s.corrected_bad,
    s.corrected_fail,
    s.corrected_unknown,
    s.corrected_good + s.corrected_bad + s.corrected_fail + s.corrected_unknown AS corrected_total,
    s.id AS snapshot_id,
    s.rebuilder_id,
    s.origin_id
FROM (SELECT DISTINCT rebuilder_id, scope FROM snapshots) AS known
JOIN snapshots AS s ON s.id = coalesce(
    (
        SELECT n.id FROM snapshots AS n
        WHERE n.rebuilder_id = known.rebuilder_id AND n.scope = known.scope AND n.kind = 'taken'
        ORDER BY n.id DESC LIMIT 1
    ),
    (
        SELECT n.id FROM snapshots AS n
        WHERE n.rebuilder_id = known.rebuilder_id AND n.scope = known.scope AND n.kind = 'imported'
            AND n.captured_at < coalesce((SELECT until FROM newest_run), '~')
        ORDER BY n.captured_at DESC LIMIT 1
    )
)
JOIN rebuilders AS r ON r.id = s.rebuilder_id
LEFT JOIN origins AS o ON o.id = s.origin_id
WHERE s.kind <> 'taken' OR EXISTS (
    SELECT 1 FROM source_packages AS p INDEXED BY source_packages_totals
    WHERE p.origin_id = s.origin_id AND p.is_current = 1 AND p.rebuilder_id = s.rebuilder_id
        AND p.generation = r.generation
)
