-- Names much like this one: those that contain it, and those of the same first character and much the same length that
-- share its triples of characters. An index of triples alone would be slow: tens of thousands of names begin alike.
WITH RECURSIVE triples (place, triple) AS MATERIALIZED (
    SELECT 1, lower(substr(:name, 1, 3)) WHERE length(:name) >= 3
    UNION ALL
    SELECT place + 1, lower(substr(:name, place + 1, 3)) FROM triples WHERE place + 3 <= min(length(:name), 40)
),
containing AS (
    SELECT name FROM package_names_fts
    WHERE length(:name) BETWEEN 3 AND 100
        AND package_names_fts MATCH '"' || replace(:name, '"', '""') || '"'
    LIMIT 500
),
neighbours AS (
    SELECT name FROM package_names
    WHERE name >= lower(substr(:name, 1, 1)) AND name < lower(substr(:name, 1, 1)) || '~'
        AND length(name) BETWEEN length(:name) - 3 AND length(:name) + 3
),
alike AS MATERIALIZED (
    SELECT name, (SELECT count(*) FROM triples WHERE instr(lower(name), triple)) AS shared
    FROM (SELECT name FROM containing UNION SELECT name FROM neighbours)
)
SELECT name FROM alike
WHERE shared * 4 >= length(:name) - 2
ORDER BY 1.0 * shared / max(length(name) + length(:name) - 4 - shared, 1) DESC, length(name), name
LIMIT 12
