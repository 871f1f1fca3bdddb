CREATE TEMP TABLE renamed_origins (id INTEGER PRIMARY KEY, new_id INTEGER, label, new_label);
INSERT INTO renamed_origins (id, label)
SELECT o.id, o.label FROM main.origins AS o
WHERE o.release IS :former AND EXISTS (
    SELECT 1 FROM main.source_packages AS s
    WHERE s.origin_id = o.id AND s.rebuilder_id = :rebuilder_id AND s.generation = :generation
);
INSERT INTO main.origins (distribution, release, architecture, label)
SELECT o.distribution, :release, o.architecture,
    o.distribution || '/' || coalesce(:release, '-') || '/' || o.architecture
FROM renamed_origins AS r
CROSS JOIN main.origins AS o ON o.id = r.id
WHERE :release IS NULL OR is_readable(CAST(:release AS BLOB))
ON CONFLICT DO NOTHING;
UPDATE renamed_origins SET new_id = new.id, new_label = new.label
FROM main.origins AS old
JOIN main.origins AS new
    ON new.distribution = old.distribution AND new.architecture = old.architecture
        AND coalesce(new.release, '') = coalesce(:release, '')
WHERE old.id = renamed_origins.id;
DELETE FROM renamed_origins WHERE new_id IS NULL OR new_id = id;

UPDATE main.source_packages AS s SET origin_id = r.new_id
FROM renamed_origins AS r
WHERE s.origin_id = r.id AND s.rebuilder_id = :rebuilder_id AND s.generation = :generation
    AND NOT EXISTS (
        SELECT 1 FROM main.source_packages AS x INDEXED BY source_packages_identity
        WHERE x.name = s.name AND x.version = s.version AND x.origin_id = r.new_id
            AND x.rebuilder_id = :rebuilder_id AND x.generation = :generation AND x.ordinal = s.ordinal
    );
UPDATE main.builds AS b SET origin_id = s.origin_id
FROM main.source_packages AS s
WHERE s.id = b.source_package_id AND b.rebuilder_id = :rebuilder_id AND b.generation = :generation
    AND b.origin_id IN (SELECT id FROM renamed_origins) AND s.origin_id <> b.origin_id;
UPDATE main.binary_packages AS b
SET origin_id = coalesce(
    (SELECT s.origin_id FROM main.source_packages AS s WHERE s.id = b.source_package_id), r.new_id
)
FROM renamed_origins AS r
WHERE b.origin_id = r.id AND b.rebuilder_id = :rebuilder_id AND b.generation = :generation;
UPDATE main.status_changes AS c SET origin_id = b.origin_id
FROM main.builds AS b
WHERE b.id = c.to_build_id AND c.rebuilder_id = :rebuilder_id AND c.generation = :generation
    AND c.origin_id IN (SELECT id FROM renamed_origins) AND b.origin_id <> c.origin_id;
UPDATE main.failures AS f SET origin_id = b.origin_id
FROM main.builds AS b
WHERE b.id = f.build_id AND f.rebuilder_id = :rebuilder_id
    AND f.origin_id IN (SELECT id FROM renamed_origins) AND b.origin_id <> f.origin_id;
UPDATE OR IGNORE main.snapshots AS s SET origin_id = new.id, scope = new.label
FROM renamed_origins AS r CROSS JOIN main.origins AS new ON new.id = r.new_id
WHERE s.origin_id = r.id AND s.rebuilder_id = :rebuilder_id AND s.kind <> 'imported';
UPDATE OR IGNORE main.measurements AS m SET origin_id = r.new_id
FROM renamed_origins AS r
WHERE m.origin_id = r.id AND m.rebuilder_id = :rebuilder_id;

-- What nothing is left in was a mistake.
DELETE FROM main.origins
WHERE id IN (SELECT id FROM renamed_origins)
    AND id NOT IN (SELECT origin_id FROM main.source_packages)
    AND id NOT IN (SELECT origin_id FROM main.binary_packages)
    AND id NOT IN (SELECT origin_id FROM main.builds)
    AND id NOT IN (SELECT origin_id FROM main.status_changes)
    AND id NOT IN (SELECT origin_id FROM main.failures)
    AND id NOT IN (SELECT origin_id FROM main.snapshots WHERE origin_id IS NOT NULL);
