-- The newest readings of a rebuilder.
SELECT * FROM ingest_runs
WHERE rebuilder = :name
ORDER BY id DESC
LIMIT 20
