-- How much of an origin is reproducible: of several rebuilders, the one that attempted most packages, or the one wanted.
SELECT origin AS label, good, attempted
FROM current_totals
WHERE distribution = :distribution AND coalesce(release, '-') = :release AND architecture = :architecture
    AND (:rebuilder IS NULL OR rebuilder = :rebuilder)
ORDER BY counted = 'source packages' DESC, attempted DESC, rebuilder
LIMIT 1
