CREATE TABLE rebuilders (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    url TEXT,
    kind TEXT NOT NULL,
    release TEXT,
    generation INTEGER NOT NULL,
    highest_build INTEGER NOT NULL,
    fingerprint TEXT,
    unread_artifacts TEXT,
    first_ingest_at TEXT NOT NULL
) STRICT;

CREATE TABLE origins (
    id INTEGER PRIMARY KEY,
    distribution TEXT NOT NULL,
    release TEXT,
    architecture TEXT NOT NULL,
    label TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX origins_identity ON origins (distribution, coalesce(release, ''), architecture);

CREATE TABLE package_names (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;
CREATE VIRTUAL TABLE package_names_fts USING fts5 (
    name, content = 'package_names', content_rowid = 'id', tokenize = 'trigram', columnsize = 0
);
-- Names come in bulk once and few at a time later: merging the index on the way costs more than it gains.
INSERT INTO package_names_fts (package_names_fts, rank) VALUES ('automerge', 0);

CREATE TABLE source_packages (
    id INTEGER PRIMARY KEY,
    rebuilder_id INTEGER NOT NULL REFERENCES rebuilders (id),
    generation INTEGER NOT NULL,
    origin_id INTEGER NOT NULL REFERENCES origins (id),
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    status TEXT CHECK (status IN ('GOOD', 'BAD', 'FAIL', 'UNKWN')),
    is_current INTEGER NOT NULL CHECK (is_current IN (0, 1)),
    latest_build_id INTEGER REFERENCES builds (id),
    attempts INTEGER NOT NULL,
    input_url TEXT,
    backend TEXT,
    retries INTEGER,
    next_retry TEXT,
    first_seen TEXT NOT NULL,
    last_seen TEXT,
    name_inferred INTEGER NOT NULL CHECK (name_inferred IN (0, 1)),
    name_id INTEGER NOT NULL REFERENCES package_names (id),
    upstream_source_id INTEGER,
    upstream_input_id INTEGER
) STRICT;
CREATE UNIQUE INDEX source_packages_identity
    ON source_packages (name, version, origin_id, rebuilder_id, generation, ordinal);
CREATE UNIQUE INDEX source_packages_upstream
    ON source_packages (rebuilder_id, generation, upstream_source_id, upstream_input_id);
CREATE INDEX source_packages_totals
    ON source_packages (origin_id, is_current, rebuilder_id, generation, status);
CREATE INDEX source_packages_name_id ON source_packages (name_id);

CREATE TABLE binary_packages (
    id INTEGER PRIMARY KEY,
    rebuilder_id INTEGER NOT NULL REFERENCES rebuilders (id),
    generation INTEGER NOT NULL,
    origin_id INTEGER NOT NULL REFERENCES origins (id),
    source_package_id INTEGER REFERENCES source_packages (id),
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    architecture TEXT NOT NULL,
    component TEXT,
    status TEXT CHECK (status IN ('GOOD', 'BAD', 'FAIL', 'UNKWN')),
    is_current INTEGER NOT NULL CHECK (is_current IN (0, 1)),
    latest_artifact_id INTEGER REFERENCES build_artifacts (id),
    artifact_url TEXT,
    source_inferred INTEGER NOT NULL CHECK (source_inferred IN (0, 1)),
    name_id INTEGER NOT NULL REFERENCES package_names (id),
    upstream_id INTEGER
) STRICT;
CREATE UNIQUE INDEX binary_packages_upstream
    ON binary_packages (rebuilder_id, generation, upstream_id) WHERE upstream_id IS NOT NULL;
CREATE INDEX binary_packages_source ON binary_packages (source_package_id);
CREATE INDEX binary_packages_name ON binary_packages (name, version);
CREATE INDEX binary_packages_name_id ON binary_packages (name_id);

CREATE TABLE builds (
    id INTEGER PRIMARY KEY,
    rebuilder_id INTEGER NOT NULL REFERENCES rebuilders (id),
    generation INTEGER NOT NULL,
    origin_id INTEGER NOT NULL REFERENCES origins (id),
    source_package_id INTEGER NOT NULL REFERENCES source_packages (id),
    attempt INTEGER NOT NULL,
    status TEXT CHECK (status IN ('GOOD', 'BAD', 'FAIL', 'UNKWN')),
    started_at TEXT,
    built_at TEXT,
    duration REAL,
    copy_of INTEGER REFERENCES builds (id),
    source_inferred INTEGER NOT NULL CHECK (source_inferred IN (0, 1)),
    upstream_id INTEGER NOT NULL,
    upstream_log_id INTEGER
) STRICT;
CREATE UNIQUE INDEX builds_upstream ON builds (rebuilder_id, generation, upstream_id);
CREATE INDEX builds_source_package ON builds (source_package_id, built_at);
CREATE INDEX builds_built_at ON builds (built_at);

CREATE TABLE build_artifacts (
    id INTEGER PRIMARY KEY,
    build_id INTEGER NOT NULL REFERENCES builds (id),
    name TEXT NOT NULL,
    status TEXT CHECK (status IN ('GOOD', 'BAD', 'FAIL', 'UNKWN')),
    has_diffoscope INTEGER NOT NULL CHECK (has_diffoscope IN (0, 1)),
    has_attestation INTEGER NOT NULL CHECK (has_attestation IN (0, 1)),
    upstream_id INTEGER
) STRICT;
CREATE INDEX build_artifacts_build ON build_artifacts (build_id, name);

CREATE TABLE workers (
    id INTEGER PRIMARY KEY,
    rebuilder_id INTEGER NOT NULL REFERENCES rebuilders (id),
    name TEXT NOT NULL,
    status TEXT,
    last_ping TEXT,
    is_online INTEGER NOT NULL CHECK (is_online IN (0, 1)),
    upstream_id INTEGER NOT NULL,
    UNIQUE (rebuilder_id, upstream_id)
) STRICT;

CREATE TABLE queue (
    id INTEGER PRIMARY KEY,
    rebuilder_id INTEGER NOT NULL REFERENCES rebuilders (id),
    source_package_id INTEGER NOT NULL REFERENCES source_packages (id),
    priority INTEGER NOT NULL,
    queued_at TEXT NOT NULL,
    started_at TEXT,
    worker_id INTEGER REFERENCES workers (id),
    upstream_id INTEGER NOT NULL,
    UNIQUE (rebuilder_id, upstream_id)
) STRICT;
CREATE INDEX queue_source_package ON queue (source_package_id);

CREATE TABLE ingest_runs (
    id INTEGER PRIMARY KEY,
    rebuilder TEXT NOT NULL,
    rebuilder_id INTEGER REFERENCES rebuilders (id),
    source TEXT NOT NULL,
    kind TEXT,
    generation INTEGER,
    started_at TEXT NOT NULL,
    finished_at TEXT,
    source_packages INTEGER,
    binary_packages INTEGER,
    builds INTEGER,
    build_artifacts INTEGER,
    snapshots INTEGER,
    status_changes INTEGER,
    skipped_records INTEGER,
    orphans INTEGER,
    notes TEXT,
    error TEXT
) STRICT;
CREATE INDEX ingest_runs_rebuilder ON ingest_runs (rebuilder, id);
CREATE INDEX ingest_runs_errors ON ingest_runs (rebuilder, id) WHERE error IS NOT NULL;

CREATE TABLE snapshots (
    id INTEGER PRIMARY KEY,
    rebuilder_id INTEGER NOT NULL REFERENCES rebuilders (id),
    origin_id INTEGER REFERENCES origins (id),
    scope TEXT NOT NULL,
    captured_at TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('taken', 'imported', 'reconstructed')),
    counted TEXT NOT NULL CHECK (counted IN ('source packages', 'binary packages')),
    good INTEGER NOT NULL,
    bad INTEGER NOT NULL,
    fail INTEGER NOT NULL,
    unknown INTEGER,
    corrected_good INTEGER,
    corrected_bad INTEGER,
    corrected_fail INTEGER,
    corrected_unknown INTEGER
) STRICT;
CREATE UNIQUE INDEX snapshots_identity ON snapshots (rebuilder_id, scope, kind, captured_at);
CREATE INDEX snapshots_origin ON snapshots (origin_id, captured_at);

CREATE TABLE categories (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    class TEXT NOT NULL
) STRICT;

CREATE TABLE snapshot_categories (
    snapshot_id INTEGER NOT NULL REFERENCES snapshots (id),
    category_id INTEGER NOT NULL REFERENCES categories (id),
    failures INTEGER NOT NULL,
    packages INTEGER,
    PRIMARY KEY (snapshot_id, category_id)
) STRICT;
CREATE INDEX snapshot_categories_category ON snapshot_categories (category_id);

CREATE TABLE status_changes (
    id INTEGER PRIMARY KEY,
    rebuilder_id INTEGER NOT NULL REFERENCES rebuilders (id),
    generation INTEGER NOT NULL,
    origin_id INTEGER NOT NULL REFERENCES origins (id),
    name TEXT NOT NULL,
    from_status TEXT NOT NULL,
    to_status TEXT NOT NULL,
    from_version TEXT NOT NULL,
    to_version TEXT NOT NULL,
    from_build_id INTEGER NOT NULL REFERENCES builds (id),
    to_build_id INTEGER NOT NULL UNIQUE REFERENCES builds (id),
    changed_at TEXT NOT NULL,
    days_since_previous REAL NOT NULL,
    name_id INTEGER NOT NULL REFERENCES package_names (id)
) STRICT;
CREATE INDEX status_changes_changed_at ON status_changes (changed_at);
CREATE INDEX status_changes_name ON status_changes (name_id, origin_id);
