CREATE TEMP TABLE latest_snapshots AS
SELECT id, origin_id FROM main.snapshots AS x
WHERE rebuilder_id = :rebuilder_id AND kind = 'taken' AND id = (
    SELECT max(last.id) FROM main.snapshots AS last
    WHERE last.rebuilder_id = :rebuilder_id AND last.scope = x.scope AND last.kind = 'taken'
);
DELETE FROM main.snapshot_categories WHERE snapshot_id IN (SELECT id FROM latest_snapshots);
INSERT INTO main.snapshot_categories (snapshot_id, category_id, failures, packages)
SELECT x.id, f.category_id, count(*), count(DISTINCT f.source_package_id)
FROM latest_snapshots AS x
CROSS JOIN main.failures AS f INDEXED BY failures_origin
    ON f.rebuilder_id = :rebuilder_id AND f.is_current AND f.origin_id = x.origin_id
GROUP BY x.id, f.category_id;
