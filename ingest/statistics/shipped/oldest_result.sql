-- From the oldest build on until one is found that still stands for a listed package: mostly soon.
SELECT
    listed_origins.rebuilder_id,
    listed_origins.origin_id,
    round(julianday(:now) - julianday((
        SELECT b.built_at FROM main.builds AS b INDEXED BY builds_built_at
        WHERE b.built_at IS NOT NULL AND b.rebuilder_id = listed_origins.rebuilder_id
            AND b.origin_id = listed_origins.origin_id
            AND EXISTS (
                SELECT 1 FROM main.source_packages AS s
                WHERE s.id = b.source_package_id AND s.latest_build_id = b.id AND s.is_current
            )
        ORDER BY b.built_at LIMIT 1
    )), 2) AS value
FROM (SELECT DISTINCT rebuilder_id, origin_id FROM main.snapshots WHERE origin_id IS NOT NULL) AS listed_origins;
