CREATE TABLE sinks (
    name TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    position TEXT NOT NULL DEFAULT '{}' CHECK (json_type(position) = 'object'),
    last_sent_at TEXT,
    last_error TEXT,
    last_error_at TEXT
) STRICT;
