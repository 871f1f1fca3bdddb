CREATE TABLE release_aliases (
    distribution TEXT NOT NULL,
    alias TEXT NOT NULL,
    release TEXT NOT NULL,
    PRIMARY KEY (distribution, alias)
) STRICT;

-- Wide enough to compare rebuilders without a look at the rows.
DROP INDEX binary_packages_name;
CREATE INDEX binary_packages_name
    ON binary_packages (name, version, architecture, is_current, rebuilder_id, origin_id, status);
