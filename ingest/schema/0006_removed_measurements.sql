-- What sinks may have got and is no measurement any more. With names, since what it was of may be gone too.
CREATE TABLE removed_measurements (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    statistic TEXT NOT NULL,
    at TEXT NOT NULL,
    rebuilder TEXT,
    origin TEXT,
    category TEXT,
    dimensions TEXT CHECK (json_type(dimensions) = 'object')
) STRICT;
CREATE INDEX removed_measurements_statistic ON removed_measurements (statistic, at);
ALTER TABLE sinks ADD COLUMN removals INTEGER NOT NULL DEFAULT 0;

CREATE TRIGGER measurement_removed BEFORE DELETE ON measurements WHEN EXISTS (SELECT 1 FROM sinks) BEGIN
    INSERT INTO removed_measurements (statistic, at, rebuilder, origin, category, dimensions)
    SELECT
        x.name,
        old.at,
        (SELECT r.name FROM rebuilders AS r WHERE r.id = old.rebuilder_id),
        (SELECT o.label FROM origins AS o WHERE o.id = old.origin_id),
        (SELECT k.key FROM categories AS k WHERE k.id = old.category_id),
        old.dimensions
    FROM statistics AS x
    WHERE x.id = old.statistic_id AND x.kind <> 'latest';
END;
CREATE TRIGGER measurement_replaced AFTER INSERT ON measurements WHEN EXISTS (SELECT 1 FROM removed_measurements) BEGIN
    DELETE FROM removed_measurements
    WHERE statistic = (SELECT x.name FROM statistics AS x WHERE x.id = new.statistic_id) AND at = new.at
        AND rebuilder IS (SELECT r.name FROM rebuilders AS r WHERE r.id = new.rebuilder_id)
        AND origin IS (SELECT o.label FROM origins AS o WHERE o.id = new.origin_id)
        AND category IS (SELECT k.key FROM categories AS k WHERE k.id = new.category_id)
        AND dimensions IS new.dimensions;
END;

-- Before, not after: until then it has a name.
DROP TRIGGER measurements_origin_removed;
DROP TRIGGER measurements_category_removed;
CREATE TRIGGER measurements_origin_removed BEFORE DELETE ON origins BEGIN
    DELETE FROM measurements WHERE origin_id = old.id;
END;
CREATE TRIGGER measurements_category_removed BEFORE DELETE ON categories BEGIN
    DELETE FROM measurements WHERE category_id = old.id;
END;
