-- History that upstream's own statistics kept.
CREATE TEMP TABLE new_snapshots AS
SELECT
    i.*,
    CASE WHEN i.distribution IS NULL THEN 'all'
        ELSE i.distribution || coalesce('/' || nullif(i.release, ''), CASE WHEN i.architecture IS NULL THEN '' ELSE '/-' END)
            || coalesce('/' || i.architecture, '')
    END AS scope,
    CASE
        WHEN iso_time(i.captured_at) IS NULL THEN 'captured_at'
        WHEN typeof(i.good) <> 'integer' OR i.good < 0 THEN 'good'
        WHEN typeof(i.bad) <> 'integer' OR i.bad < 0 THEN 'bad'
        WHEN typeof(i.fail) <> 'integer' OR i.fail < 0 THEN 'fail'
        WHEN typeof(i.unknown) <> 'integer' OR i.unknown < 0 THEN 'unknown'
        ELSE unreadable(i.distribution, i.release, i.architecture)
    END AS problem
FROM incoming_snapshots AS i;
CREATE INDEX temp.new_snapshots_upstream ON new_snapshots (upstream_id);
INSERT INTO skipped
SELECT 'snapshot', problem, count(*), min(upstream_id)
FROM new_snapshots WHERE problem IS NOT NULL GROUP BY problem;
DELETE FROM new_snapshots WHERE problem IS NOT NULL;

INSERT INTO main.origins (distribution, release, architecture, label)
SELECT DISTINCT distribution, nullif(release, ''), architecture, scope FROM new_snapshots
WHERE distribution IS NOT NULL AND architecture IS NOT NULL
ON CONFLICT DO NOTHING;
INSERT INTO main.snapshots (
    rebuilder_id, origin_id, scope, captured_at, kind, counted, good, bad, fail, unknown
)
SELECT
    :rebuilder_id, o.id, n.scope, iso_time(n.captured_at), 'imported', 'source packages',
    n.good, n.bad, n.fail, n.unknown
FROM new_snapshots AS n
LEFT JOIN main.origins AS o ON o.label = n.scope
ORDER BY n.captured_at, n.upstream_id
ON CONFLICT (rebuilder_id, scope, kind, captured_at) DO UPDATE SET
    good = excluded.good, bad = excluded.bad, fail = excluded.fail, unknown = excluded.unknown
WHERE (snapshots.good, snapshots.bad, snapshots.fail, snapshots.unknown)
    IS NOT (excluded.good, excluded.bad, excluded.fail, excluded.unknown);
DELETE FROM main.snapshots AS s
WHERE s.kind = 'reconstructed' AND s.rebuilder_id = :rebuilder_id
    AND (s.scope, substr(s.captured_at, 1, 10)) IN (
        SELECT scope, substr(captured_at, 1, 10) FROM new_snapshots
    );

CREATE TEMP TABLE new_categories AS
SELECT
    c.*,
    slug(c.category) AS key,
    s.id AS snapshot_id,
    CASE
        WHEN c.category IS NULL THEN 'category'
        WHEN typeof(c.failures) <> 'integer' OR c.failures < 0 THEN 'count'
        ELSE unreadable(c.category)
    END AS problem
FROM incoming_snapshot_categories AS c
CROSS JOIN new_snapshots AS n ON n.upstream_id = c.upstream_snapshot_id
CROSS JOIN main.snapshots AS s
    ON s.rebuilder_id = :rebuilder_id AND s.scope = n.scope AND s.kind = 'imported'
        AND s.captured_at = iso_time(n.captured_at);
INSERT INTO skipped
SELECT 'category count', problem, count(*), min(category_key)
FROM new_categories WHERE problem IS NOT NULL GROUP BY problem;
INSERT INTO main.categories (key, name, class)
SELECT key, min(category), 'unknown' FROM new_categories
WHERE problem IS NULL GROUP BY key ORDER BY min(category_key)
ON CONFLICT DO NOTHING;
INSERT INTO main.snapshot_categories (snapshot_id, category_id, failures)
SELECT n.snapshot_id, k.id, sum(n.failures) FROM new_categories AS n
JOIN main.categories AS k ON k.key = n.key
WHERE n.problem IS NULL GROUP BY n.snapshot_id, k.id
ON CONFLICT (snapshot_id, category_id) DO UPDATE SET failures = excluded.failures
WHERE snapshot_categories.failures <> excluded.failures;
