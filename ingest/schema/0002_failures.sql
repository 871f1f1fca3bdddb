ALTER TABLE categories ADD COLUMN temporary TEXT CHECK (temporary IN ('yes', 'no', 'maybe'));
ALTER TABLE categories ADD COLUMN action TEXT;
ALTER TABLE categories ADD COLUMN bug TEXT;
ALTER TABLE categories ADD COLUMN description TEXT;

CREATE TABLE failures (
    id INTEGER PRIMARY KEY,
    rebuilder_id INTEGER NOT NULL REFERENCES rebuilders (id),
    origin_id INTEGER NOT NULL REFERENCES origins (id),
    source_package_id INTEGER NOT NULL REFERENCES source_packages (id),
    build_id INTEGER NOT NULL REFERENCES builds (id),
    build_artifact_id INTEGER REFERENCES build_artifacts (id),
    is_current INTEGER NOT NULL CHECK (is_current IN (0, 1)),
    category_id INTEGER NOT NULL REFERENCES categories (id),
    evidence TEXT,
    evidence_from TEXT CHECK (evidence_from IN ('log', 'diffoscope')),
    rule_set TEXT,
    log_bytes INTEGER,
    diffoscope_bytes INTEGER,
    log_upstream_id INTEGER,
    diffoscope_upstream_id INTEGER
) STRICT;
CREATE UNIQUE INDEX failures_identity ON failures (build_id, coalesce(build_artifact_id, 0));
CREATE INDEX failures_category ON failures (category_id, is_current);
CREATE INDEX failures_source_package ON failures (source_package_id);
CREATE INDEX failures_origin ON failures (rebuilder_id, is_current, origin_id, category_id, source_package_id);
CREATE INDEX failures_unread ON failures (rebuilder_id) WHERE rule_set IS NULL;
CREATE INDEX failures_build_artifact ON failures (build_artifact_id);

CREATE VIRTUAL TABLE failures_fts USING fts5 (
    evidence, content = 'failures', content_rowid = 'id', columnsize = 0
);
CREATE TRIGGER failures_evidence_added AFTER INSERT ON failures WHEN new.evidence IS NOT NULL BEGIN
    INSERT INTO failures_fts (rowid, evidence) VALUES (new.id, new.evidence);
END;
CREATE TRIGGER failures_evidence_removed AFTER DELETE ON failures WHEN old.evidence IS NOT NULL BEGIN
    INSERT INTO failures_fts (failures_fts, rowid, evidence) VALUES ('delete', old.id, old.evidence);
END;
CREATE TRIGGER failures_evidence_changed AFTER UPDATE OF evidence ON failures
WHEN new.evidence IS NOT old.evidence BEGIN
    INSERT INTO failures_fts (failures_fts, rowid, evidence)
    SELECT 'delete', old.id, old.evidence WHERE old.evidence IS NOT NULL;
    INSERT INTO failures_fts (rowid, evidence) SELECT new.id, new.evidence WHERE new.evidence IS NOT NULL;
END;

ALTER TABLE ingest_runs ADD COLUMN failures INTEGER;
ALTER TABLE ingest_runs ADD COLUMN unread_logs INTEGER;
