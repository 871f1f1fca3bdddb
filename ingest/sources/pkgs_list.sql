-- API v0 lists binaries; those with one inferred source name and version are one source package. A binary
-- listed again belongs to a source package of its own. What shares a build (a rebuilderd of 0.25 and later says
-- so) is one source package whatever its versions are: it is called as most of it are.
CREATE TEMP TABLE source_of_listed (binary_key INTEGER PRIMARY KEY, source_key INTEGER);
INSERT INTO source_of_listed
SELECT
    binary_key,
    first_value(binary_key) OVER (
        PARTITION BY build_id, repetition ORDER BY alike DESC, length(source_name), binary_key
    )
FROM (
    SELECT
        *,
        count(*) OVER (PARTITION BY build_id) AS sharing,
        count(*) OVER (
            PARTITION BY build_id, distribution, architecture, source_name, version
        ) AS alike,
        row_number() OVER (
            PARTITION BY build_id, distribution, architecture, name, version, component
            ORDER BY binary_key
        ) AS repetition
    FROM incoming_listed
    WHERE build_id IS NOT NULL
)
WHERE sharing > 1;
INSERT INTO source_of_listed
SELECT
    binary_key,
    min(binary_key) OVER (PARTITION BY distribution, architecture, source_name, version, repetition)
FROM (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY distribution, architecture, source_name, name, version, component
            ORDER BY binary_key
        ) AS repetition
    FROM incoming_listed
    WHERE binary_key NOT IN (SELECT binary_key FROM source_of_listed)
);
INSERT INTO incoming_source_packages (
    source_key, ordinal, distribution, release, architecture, name, version, name_inferred, seen, status
)
SELECT
    s.source_key,
    row_number() OVER (
        PARTITION BY first.distribution, first.architecture, first.source_name, first.version
        ORDER BY s.source_key
    ) - 1,
    first.distribution,
    {release},
    first.architecture,
    first.source_name,
    first.version,
    1,
    1,
    s.status
FROM (
    SELECT
        l.source_key,
        CASE
            WHEN sum(b.status = 'BAD') THEN 'BAD'
            WHEN count(b.build_id) = 0 AND sum(b.status <> 'UNKWN') = 0 THEN NULL
            WHEN sum(b.status = 'UNKWN') THEN 'UNKWN'
            WHEN sum(b.status <> 'GOOD') = 0 THEN 'GOOD'
            ELSE max(b.status)
        END AS status
    FROM source_of_listed AS l
    CROSS JOIN incoming_listed AS b ON b.binary_key = l.binary_key
    GROUP BY l.source_key
) AS s
CROSS JOIN incoming_listed AS first ON first.binary_key = s.source_key;
CREATE INDEX temp.incoming_source_packages_name ON incoming_source_packages (name, version);

CREATE TEMP TABLE listed_binaries (
    binary_key INTEGER PRIMARY KEY, upstream_id INTEGER, source_key INTEGER, source_name, distribution,
    release, origin_architecture, name, version, architecture, component, artifact_url, status,
    build_id INTEGER, built_at, has_diffoscope, has_attestation
);
INSERT INTO listed_binaries
SELECT
    b.binary_key,
    NULL,
    s.source_key,
    s.name,
    s.distribution,
    s.release,
    s.architecture,
    b.name,
    b.version,
    b.architecture,
    b.component,
    b.artifact_url,
    b.status,
    b.build_id,
    b.built_at,
    b.has_diffoscope,
    b.has_attestation
FROM incoming_listed AS b
CROSS JOIN source_of_listed AS l ON l.binary_key = b.binary_key
CROSS JOIN incoming_source_packages AS s ON s.source_key = l.source_key;
CREATE INDEX temp.listed_binaries_upstream ON listed_binaries (upstream_id) WHERE upstream_id IS NOT NULL;
CREATE INDEX temp.listed_binaries_attempt ON listed_binaries (source_key, built_at);
