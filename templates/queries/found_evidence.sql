-- The newest current failures whose evidence has these words; escape_fts() is Datasette's and quotes each of them.
SELECT
    f.id AS failure_id,
    f.evidence,
    b.id AS build_id,
    b.built_at,
    b.status,
    s.name,
    s.version,
    o.distribution,
    o.release,
    o.architecture,
    r.name AS rebuilder,
    k.key AS category_key,
    k.name AS category
FROM failures_fts
CROSS JOIN failures AS f ON f.id = failures_fts.rowid
JOIN builds AS b ON b.id = f.build_id
JOIN source_packages AS s ON s.id = f.source_package_id
JOIN origins AS o ON o.id = f.origin_id
JOIN rebuilders AS r ON r.id = f.rebuilder_id
JOIN categories AS k ON k.id = f.category_id
WHERE failures_fts MATCH escape_fts(:words) AND f.is_current
    -- To FTS5 “c++” is the word c: one word has to be there as it was typed.
    AND (instr(trim(:words), ' ') OR instr(lower(f.evidence), lower(replace(trim(:words), '"', ''))))
ORDER BY failures_fts.rowid DESC
LIMIT 10
