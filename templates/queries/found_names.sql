-- Names of packages for what a reader typed: the name itself, names that begin so, names that contain it.
-- Where fifty begin so, the others are not looked for: half an archive contains "lib".
-- Triples of characters are what the index of parts knows, so one or two characters are looked for at the beginning.
WITH wanted AS MATERIALIZED (
    SELECT value AS typed FROM json_each(json_array(:typed, lower(:typed))) GROUP BY value
),
counted AS MATERIALIZED (
    SELECT count(*) AS beginning FROM wanted AS w
    JOIN package_names AS n ON n.name >= w.typed AND n.name < w.typed || char(1114111)
),
beginning AS MATERIALIZED (
    SELECT n.id, n.name, n.name <> w.typed AS rank
    FROM wanted AS w
    JOIN package_names AS n ON n.name >= w.typed AND n.name < w.typed || char(1114111)
    ORDER BY rank, length(n.name), n.name
    LIMIT 50
),
containing AS MATERIALIZED (
    SELECT rowid AS id, name, 2 AS rank FROM package_names_fts
    WHERE length(:typed) >= 3 AND (SELECT beginning FROM counted) < 50
        AND package_names_fts MATCH '"' || replace(:typed, '"', '""') || '"'
        AND rowid NOT IN (SELECT id FROM beginning)
),
found AS MATERIALIZED (
    SELECT * FROM (SELECT * FROM beginning UNION ALL SELECT * FROM containing)
    ORDER BY rank, length(name), name
    LIMIT 50
),
packages AS (
    SELECT f.id, p.status FROM found AS f
    JOIN source_packages AS p ON p.name_id = f.id AND p.is_current
    UNION ALL
    SELECT f.id, p.status FROM found AS f
    JOIN binary_packages AS p ON p.name_id = f.id AND p.is_current
    WHERE NOT EXISTS (SELECT 1 FROM source_packages AS s WHERE s.name_id = f.id AND s.is_current)
)
SELECT
    f.name,
    f.rank,
    (SELECT beginning FROM counted) + (SELECT count(*) FROM containing) AS found,
    EXISTS (SELECT 1 FROM source_packages AS s WHERE s.name_id = f.id) AS is_source,
    EXISTS (SELECT 1 FROM binary_packages AS b WHERE b.name_id = f.id) AS is_binary,
    count(*) FILTER (WHERE p.status = 'GOOD') AS good,
    count(*) FILTER (WHERE p.status = 'BAD') AS bad,
    count(*) FILTER (WHERE p.status = 'FAIL') AS fail,
    count(*) FILTER (WHERE p.id IS NOT NULL AND coalesce(p.status, 'UNKWN') = 'UNKWN') AS unknown
FROM found AS f
LEFT JOIN packages AS p ON p.id = f.id
GROUP BY f.id
ORDER BY f.rank, length(f.name), f.name
