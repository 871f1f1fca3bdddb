SELECT
    substr(b.built_at, 1, 10) AS at,
    b.rebuilder_id,
    b.origin_id,
    round(100.0 * sum(b.status = 'GOOD') / count(*), 2) AS value
FROM main.builds AS b
WHERE b.built_at >= :start AND b.built_at < :stop AND b.copy_of IS NULL
    AND b.status IN ('GOOD', 'BAD', 'FAIL')
GROUP BY 1, 2, 3;
