-- The newest run that succeeded. What is dated after its day (compare times with until) was written while a clock was ahead.
SELECT
    i.id AS run_id,
    i.rebuilder,
    i.finished_at,
    substr(i.finished_at, 1, 10) || 'T24' AS until
FROM ingest_runs AS i
WHERE i.finished_at IS NOT NULL AND i.error IS NULL
ORDER BY i.id DESC LIMIT 1
