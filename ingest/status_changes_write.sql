-- A first run finds nothing to take back, and need not look at each of its builds.
DELETE FROM main.status_changes
WHERE rebuilder_id = :rebuilder_id AND generation = :generation
    AND to_build_id IN (
        SELECT b.id FROM touched_sources AS t
        CROSS JOIN main.source_packages AS touched
            ON touched.id = t.id AND EXISTS (SELECT 1 FROM main.status_changes)
        CROSS JOIN main.source_packages AS s INDEXED BY source_packages_identity
            ON s.name = touched.name AND s.origin_id = touched.origin_id
                AND s.rebuilder_id = :rebuilder_id AND s.generation = :generation
        CROSS JOIN main.builds AS b ON b.source_package_id = s.id
    )
    AND to_build_id NOT IN (SELECT to_build_id FROM wanted_changes);
INSERT INTO main.status_changes (
    rebuilder_id, generation, origin_id, name, from_status, to_status, from_version, to_version,
    from_build_id, to_build_id, changed_at, days_since_previous, name_id
)
SELECT
    :rebuilder_id, :generation, origin_id, name, from_status, to_status, from_version, to_version,
    from_build_id, to_build_id, changed_at, days_since_previous, name_id
FROM wanted_changes
WHERE true
ORDER BY changed_at, to_build_id
ON CONFLICT (to_build_id) DO UPDATE SET
    origin_id = excluded.origin_id, name = excluded.name, from_status = excluded.from_status,
    to_status = excluded.to_status, from_version = excluded.from_version,
    to_version = excluded.to_version, from_build_id = excluded.from_build_id,
    changed_at = excluded.changed_at, days_since_previous = excluded.days_since_previous,
    name_id = excluded.name_id
WHERE (status_changes.origin_id, status_changes.name, status_changes.from_status,
    status_changes.to_status, status_changes.from_version, status_changes.to_version,
    status_changes.from_build_id, status_changes.changed_at, status_changes.days_since_previous)
    IS NOT (excluded.origin_id, excluded.name, excluded.from_status, excluded.to_status,
    excluded.from_version, excluded.to_version, excluded.from_build_id, excluded.changed_at,
    excluded.days_since_previous);
