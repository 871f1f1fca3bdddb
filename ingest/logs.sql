-- The log store. A content of NULL is an empty log.
CREATE TABLE logs (
    rebuilder TEXT NOT NULL,
    generation INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('build', 'diffoscope')),
    upstream_id INTEGER NOT NULL,
    built_at TEXT,
    stored_at TEXT NOT NULL,
    content BLOB,
    PRIMARY KEY (rebuilder, generation, kind, upstream_id)
) STRICT;
