-- Builds of a period whose property nobody looked for yet, with the key of their log. Of a
-- failure it is known under which id the log was kept; other logs are kept where the operator wants them.
SELECT
    b.id, b.built_at, r.name, b.generation, 'build',
    coalesce(
        (SELECT min(f.log_upstream_id) FROM main.failures AS f WHERE f.build_id = b.id), b.upstream_id
    )
FROM main.builds AS b
CROSS JOIN main.rebuilders AS r ON r.id = b.rebuilder_id
WHERE b.built_at >= :start AND b.built_at < :stop AND b.copy_of IS NULL AND (
    :again OR NOT EXISTS (SELECT 1 FROM main.build_properties AS p WHERE p.build_id = b.id AND p.name = :name)
);
