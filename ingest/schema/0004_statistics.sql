CREATE TABLE statistics (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    description TEXT NOT NULL,
    unit TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('value', 'total', 'latest', 'event')),
    interval_seconds INTEGER,
    backlog_seconds INTEGER,
    dimensions TEXT NOT NULL CHECK (json_valid(dimensions)),
    chart TEXT CHECK (chart IS NULL OR json_valid(chart)),
    plugin TEXT,
    plugin_version TEXT,
    version INTEGER NOT NULL,
    is_recorded INTEGER NOT NULL CHECK (is_recorded IN (0, 1)),
    is_installed INTEGER NOT NULL CHECK (is_installed IN (0, 1)),
    first_at TEXT,
    last_at TEXT,
    computed_at TEXT,
    due_at TEXT,
    seen_change INTEGER,
    last_error TEXT,
    last_error_at TEXT
) STRICT;
CREATE INDEX statistics_seen_change ON statistics (seen_change);

-- Ids are never used again: who sends measurements elsewhere goes on after the last one that was sent.
CREATE TABLE measurements (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    statistic_id INTEGER NOT NULL REFERENCES statistics (id),
    at TEXT NOT NULL CHECK (
        at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9]*Z'
    ),
    value ANY NOT NULL CHECK (typeof(value) IN ('integer', 'real')),
    rebuilder_id INTEGER REFERENCES rebuilders (id),
    origin_id INTEGER REFERENCES origins (id),
    category_id INTEGER REFERENCES categories (id),
    dimensions TEXT CHECK (json_type(dimensions) = 'object')
) STRICT;
CREATE UNIQUE INDEX measurements_identity ON measurements (
    statistic_id, at, coalesce(rebuilder_id, 0), coalesce(origin_id, 0), coalesce(category_id, 0),
    coalesce(dimensions, '')
);
CREATE TRIGGER measurements_origin_removed AFTER DELETE ON origins BEGIN
    DELETE FROM measurements WHERE origin_id = old.id;
END;
CREATE TRIGGER measurements_category_removed AFTER DELETE ON categories BEGIN
    DELETE FROM measurements WHERE category_id = old.id;
END;

CREATE TABLE build_properties (
    build_id INTEGER NOT NULL REFERENCES builds (id),
    name TEXT NOT NULL,
    value TEXT,
    PRIMARY KEY (build_id, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX build_properties_value ON build_properties (name, value);

CREATE TABLE past_queue (
    source_package_id INTEGER NOT NULL REFERENCES source_packages (id),
    queued_at TEXT NOT NULL,
    PRIMARY KEY (source_package_id, queued_at)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER queue_left AFTER DELETE ON queue BEGIN
    INSERT INTO past_queue (source_package_id, queued_at) VALUES (old.source_package_id, old.queued_at)
    ON CONFLICT DO NOTHING;
END;

-- Which days something was written about: what statistics count as of a day, and not what changes later, such as
-- which result is current. A change gets a number above all that statistics have seen.
CREATE TABLE changed_days (
    day TEXT PRIMARY KEY,
    change INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX changed_days_change ON changed_days (change);
INSERT INTO changed_days (day, change)
SELECT substr(built_at, 1, 10), 1 FROM builds WHERE built_at IS NOT NULL
UNION SELECT substr(captured_at, 1, 10), 1 FROM snapshots;
CREATE TRIGGER builds_day_added AFTER INSERT ON builds BEGIN
    INSERT INTO changed_days (day, change)
    SELECT substr(new.built_at, 1, 10), 1 + (SELECT coalesce(max(seen_change), 0) FROM statistics) WHERE new.built_at IS NOT NULL
    ON CONFLICT (day) DO UPDATE SET change = excluded.change WHERE changed_days.change < excluded.change;
END;
CREATE TRIGGER builds_day_changed AFTER UPDATE ON builds
WHEN (old.origin_id, old.source_package_id, old.attempt, old.status, old.started_at, old.built_at, old.copy_of)
    IS NOT (new.origin_id, new.source_package_id, new.attempt, new.status, new.started_at, new.built_at, new.copy_of)
BEGIN
    INSERT INTO changed_days (day, change)
    SELECT substr(old.built_at, 1, 10), 1 + (SELECT coalesce(max(seen_change), 0) FROM statistics) WHERE old.built_at IS NOT NULL
    ON CONFLICT (day) DO UPDATE SET change = excluded.change WHERE changed_days.change < excluded.change;
    INSERT INTO changed_days (day, change)
    SELECT substr(new.built_at, 1, 10), 1 + (SELECT coalesce(max(seen_change), 0) FROM statistics) WHERE new.built_at IS NOT NULL
    ON CONFLICT (day) DO UPDATE SET change = excluded.change WHERE changed_days.change < excluded.change;
END;
CREATE TRIGGER builds_day_removed AFTER DELETE ON builds BEGIN
    INSERT INTO changed_days (day, change)
    SELECT substr(old.built_at, 1, 10), 1 + (SELECT coalesce(max(seen_change), 0) FROM statistics) WHERE old.built_at IS NOT NULL
    ON CONFLICT (day) DO UPDATE SET change = excluded.change WHERE changed_days.change < excluded.change;
END;
CREATE TRIGGER failures_day_added AFTER INSERT ON failures BEGIN
    INSERT INTO changed_days (day, change)
    SELECT substr(built_at, 1, 10), 1 + (SELECT coalesce(max(seen_change), 0) FROM statistics)
    FROM builds WHERE id = new.build_id AND built_at IS NOT NULL
    ON CONFLICT (day) DO UPDATE SET change = excluded.change WHERE changed_days.change < excluded.change;
END;
CREATE TRIGGER failures_day_changed AFTER UPDATE ON failures
WHEN (old.origin_id, old.category_id, old.rule_set) IS NOT (new.origin_id, new.category_id, new.rule_set)
BEGIN
    INSERT INTO changed_days (day, change)
    SELECT substr(built_at, 1, 10), 1 + (SELECT coalesce(max(seen_change), 0) FROM statistics)
    FROM builds WHERE id = new.build_id AND built_at IS NOT NULL
    ON CONFLICT (day) DO UPDATE SET change = excluded.change WHERE changed_days.change < excluded.change;
END;
CREATE TRIGGER failures_day_removed AFTER DELETE ON failures BEGIN
    INSERT INTO changed_days (day, change)
    SELECT substr(built_at, 1, 10), 1 + (SELECT coalesce(max(seen_change), 0) FROM statistics)
    FROM builds WHERE id = old.build_id AND built_at IS NOT NULL
    ON CONFLICT (day) DO UPDATE SET change = excluded.change WHERE changed_days.change < excluded.change;
END;
CREATE TRIGGER snapshots_day_added AFTER INSERT ON snapshots BEGIN
    INSERT INTO changed_days (day, change)
    SELECT substr(new.captured_at, 1, 10), 1 + (SELECT coalesce(max(seen_change), 0) FROM statistics) WHERE true
    ON CONFLICT (day) DO UPDATE SET change = excluded.change WHERE changed_days.change < excluded.change;
END;
CREATE TRIGGER snapshots_day_changed AFTER UPDATE ON snapshots BEGIN
    INSERT INTO changed_days (day, change)
    SELECT substr(new.captured_at, 1, 10), 1 + (SELECT coalesce(max(seen_change), 0) FROM statistics) WHERE true
    ON CONFLICT (day) DO UPDATE SET change = excluded.change WHERE changed_days.change < excluded.change;
END;
CREATE TRIGGER snapshots_day_removed AFTER DELETE ON snapshots BEGIN
    INSERT INTO changed_days (day, change)
    SELECT substr(old.captured_at, 1, 10), 1 + (SELECT coalesce(max(seen_change), 0) FROM statistics) WHERE true
    ON CONFLICT (day) DO UPDATE SET change = excluded.change WHERE changed_days.change < excluded.change;
END;
CREATE TRIGGER status_changes_day_added AFTER INSERT ON status_changes BEGIN
    INSERT INTO changed_days (day, change)
    SELECT substr(new.changed_at, 1, 10), 1 + (SELECT coalesce(max(seen_change), 0) FROM statistics) WHERE true
    ON CONFLICT (day) DO UPDATE SET change = excluded.change WHERE changed_days.change < excluded.change;
END;
CREATE TRIGGER status_changes_day_changed AFTER UPDATE ON status_changes BEGIN
    INSERT INTO changed_days (day, change)
    SELECT substr(new.changed_at, 1, 10), 1 + (SELECT coalesce(max(seen_change), 0) FROM statistics) WHERE true
    ON CONFLICT (day) DO UPDATE SET change = excluded.change WHERE changed_days.change < excluded.change;
END;
CREATE TRIGGER status_changes_day_removed AFTER DELETE ON status_changes BEGIN
    INSERT INTO changed_days (day, change)
    SELECT substr(old.changed_at, 1, 10), 1 + (SELECT coalesce(max(seen_change), 0) FROM statistics) WHERE true
    ON CONFLICT (day) DO UPDATE SET change = excluded.change WHERE changed_days.change < excluded.change;
END;
