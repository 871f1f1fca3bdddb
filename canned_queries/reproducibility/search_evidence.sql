-- Which failures show these words? Full-text search in the evidence, current failures first.
WITH wanted AS (
    -- escape_fts() is Datasette's: each word in quotes, so that none is taken for FTS5's syntax.
    -- printf() ends at a NUL, as FTS5 does, which would miss the closing quote.
    SELECT escape_fts(printf('%s', :words)) AS words
),
found AS (
    SELECT failures_fts.rowid AS id
    FROM wanted CROSS JOIN failures_fts ON failures_fts MATCH wanted.words
    WHERE wanted.words <> ''
        -- To FTS5 “c++” is the word c: one word has to be there as it was typed.
        AND (instr(trim(:words), ' ') OR instr(lower(failures_fts.evidence), lower(replace(trim(:words), '"', ''))))
    UNION ALL
    SELECT id FROM (
        SELECT f.id FROM wanted CROSS JOIN failures AS f
        WHERE wanted.words = '' AND f.is_current AND f.evidence IS NOT NULL
        ORDER BY f.id DESC LIMIT 100
    )
)
SELECT
    s.name AS source,
    s.version,
    a.name AS artifact,
    k.name AS category,
    k.class,
    f.evidence,
    f.is_current,
    b.built_at,
    o.distribution,
    o.release,
    o.architecture,
    CASE WHEN f.rule_set IS NOT NULL THEN '/failures/' || f.id || '/log' END AS log,
    CASE WHEN f.rule_set IS NOT NULL AND f.diffoscope_upstream_id IS NOT NULL
        THEN '/failures/' || f.id || '/diffoscope' END AS diffoscope,
    r.name AS rebuilder,
    k.key AS category_key,
    f.id AS failure_id,
    count(*) OVER () AS failures_in_all
FROM found
JOIN failures AS f ON f.id = found.id
JOIN categories AS k ON k.id = f.category_id
JOIN source_packages AS s ON s.id = f.source_package_id
JOIN builds AS b ON b.id = f.build_id
JOIN origins AS o ON o.id = f.origin_id
JOIN rebuilders AS r ON r.id = f.rebuilder_id
LEFT JOIN build_artifacts AS a ON a.id = f.build_artifact_id
WHERE (:distribution = '' OR o.distribution = :distribution)
    AND (:release = '' OR o.release = :release)
    AND (:architecture = '' OR o.architecture = :architecture)
    AND (:rebuilder = '' OR r.name = :rebuilder)
ORDER BY f.is_current DESC, b.built_at DESC, f.id
LIMIT 100
