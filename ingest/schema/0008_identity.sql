-- By this the store of logs beside a database knows it again: in a copy, or under another name.
CREATE TABLE identity (id TEXT NOT NULL) STRICT;
INSERT INTO identity (id) VALUES (lower(hex(randomblob(16))));
