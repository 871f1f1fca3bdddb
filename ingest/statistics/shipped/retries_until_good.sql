SELECT
    substr(b.built_at, 1, 10) AS at,
    b.rebuilder_id,
    b.origin_id,
    (
        SELECT count(*) FROM main.builds AS failed
        WHERE failed.source_package_id = b.source_package_id AND failed.attempt < b.attempt
            AND failed.status IN ('BAD', 'FAIL') AND failed.copy_of IS NULL
    ) AS retries,
    count(*) AS value
FROM main.builds AS b
WHERE b.built_at >= :start AND b.built_at < :stop AND b.copy_of IS NULL AND b.status = 'GOOD'
    AND NOT EXISTS (
        SELECT 1 FROM main.builds AS earlier
        WHERE earlier.source_package_id = b.source_package_id AND earlier.status = 'GOOD'
            AND earlier.attempt < b.attempt
    )
GROUP BY 1, 2, 3, 4;
