-- What the packages of a day failed by: the failures of the builds that were latest then.
CREATE TEMP TABLE daily_failures AS
SELECT d.origin_id, f.category_id, max(d.from_day, :from_day) AS from_day, d.until_day, count(*) AS failures
FROM daily_results AS d
CROSS JOIN main.failures AS f ON f.build_id = d.build_id
GROUP BY d.build_id, d.from_day, f.category_id;
CREATE TEMP TABLE category_steps AS
SELECT origin_id, category_id, day, sum(failures) AS failures, sum(packages) AS packages
FROM (
    SELECT origin_id, category_id, from_day AS day, failures, 1 AS packages FROM daily_failures
    UNION ALL
    SELECT origin_id, category_id, until_day, -failures, -1 FROM daily_failures WHERE until_day IS NOT NULL
)
GROUP BY origin_id, category_id, day;

CREATE TEMP TABLE counted_snapshots AS
SELECT id, origin_id, substr(captured_at, 1, 10) AS day FROM main.snapshots AS x
WHERE rebuilder_id = :rebuilder_id AND origin_id IS NOT NULL
    AND captured_at >= max(:from_day, (SELECT min(day) FROM category_steps))
    AND (kind = 'reconstructed' OR (:all_kinds AND kind = 'taken' AND id < (
        SELECT max(last.id) FROM main.snapshots AS last
        WHERE last.rebuilder_id = :rebuilder_id AND last.scope = x.scope AND last.kind = 'taken'
    )));
CREATE INDEX temp.counted_snapshots_day ON counted_snapshots (origin_id, day);

CREATE TEMP TABLE wanted_counts (
    snapshot_id INTEGER, category_id INTEGER, failures INTEGER, packages INTEGER,
    PRIMARY KEY (snapshot_id, category_id)
) WITHOUT ROWID;
INSERT INTO wanted_counts
SELECT x.id, c.category_id, c.failures, c.packages
FROM (
    SELECT
        origin_id,
        category_id,
        day,
        lead(day, 1, '9999') OVER category AS until_day,
        sum(failures) OVER category AS failures,
        sum(packages) OVER category AS packages
    FROM category_steps
    WINDOW category AS (PARTITION BY origin_id, category_id ORDER BY day)
) AS c
CROSS JOIN counted_snapshots AS x
    ON x.origin_id = c.origin_id AND x.day >= c.day AND x.day < c.until_day
WHERE c.failures > 0;

DELETE FROM main.snapshot_categories
WHERE snapshot_id IN (SELECT id FROM counted_snapshots)
    AND (snapshot_id, category_id) NOT IN (SELECT snapshot_id, category_id FROM wanted_counts);
INSERT INTO main.snapshot_categories (snapshot_id, category_id, failures, packages)
SELECT snapshot_id, category_id, failures, packages FROM wanted_counts
WHERE true
ON CONFLICT (snapshot_id, category_id) DO UPDATE SET
    failures = excluded.failures, packages = excluded.packages
WHERE (snapshot_categories.failures, snapshot_categories.packages)
    IS NOT (excluded.failures, excluded.packages);
