-- The totals of now: every current source package once per build input, as the
-- daemon's dashboard counts; from sources that know binaries only, binaries.
CREATE TEMP TABLE totals AS
SELECT
    o.id AS origin_id,
    o.label AS scope,
    'source packages' AS counted,
    sum(s.status IS 'GOOD') AS good,
    sum(s.status IS 'BAD') AS bad,
    sum(s.status IS 'FAIL') AS fail,
    sum(s.status IS NULL OR s.status = 'UNKWN') AS unknown
FROM main.origins AS o
CROSS JOIN main.source_packages AS s
    ON s.origin_id = o.id AND s.is_current = 1 AND s.rebuilder_id = :rebuilder_id
        AND s.generation = :generation
WHERE NOT :carries_status AND o.id NOT IN (SELECT origin_id FROM gap_origins)
GROUP BY o.id
UNION ALL
SELECT
    o.id,
    o.label,
    'binary packages',
    sum(b.status IS 'GOOD'),
    sum(b.status IS 'BAD'),
    sum(b.status IS 'FAIL'),
    sum(b.status IS NULL OR b.status = 'UNKWN')
FROM main.binary_packages AS b
JOIN main.origins AS o ON o.id = b.origin_id
WHERE :carries_status AND b.is_current AND b.rebuilder_id = :rebuilder_id
    AND b.generation = :generation AND o.id NOT IN (SELECT origin_id FROM gap_origins)
GROUP BY o.id;

-- Packages wrongly marked unseen: the newest unseen row of a name that has no
-- current row in this origin but one in another architecture of the release.
CREATE TEMP TABLE corrections AS
SELECT
    origin_id,
    sum(status IS 'GOOD') AS good,
    sum(status IS 'BAD') AS bad,
    sum(status IS 'FAIL') AS fail,
    sum(status IS NULL OR status = 'UNKWN') AS unknown
FROM (
    SELECT
        u.origin_id,
        u.status,
        row_number() OVER (
            PARTITION BY u.origin_id, u.name ORDER BY u.last_seen DESC, u.id DESC
        ) AS newest
    FROM main.origins AS o
    CROSS JOIN main.source_packages AS u
        ON u.origin_id = o.id AND u.is_current = 0 AND u.rebuilder_id = :rebuilder_id
            AND u.generation = :generation
    WHERE NOT :carries_status
        AND NOT EXISTS (
            SELECT 1 FROM main.source_packages AS s INDEXED BY source_packages_identity
            WHERE s.name = u.name AND s.origin_id = u.origin_id AND s.is_current
                AND s.rebuilder_id = :rebuilder_id AND s.generation = :generation
        )
        AND EXISTS (
            SELECT 1 FROM main.source_packages AS s INDEXED BY source_packages_identity
            CROSS JOIN main.origins AS other ON other.id = s.origin_id
            WHERE s.name = u.name AND s.is_current AND other.id <> o.id
                AND other.distribution = o.distribution AND other.release IS o.release
                AND s.rebuilder_id = :rebuilder_id AND s.generation = :generation
        )
)
WHERE newest = 1
GROUP BY origin_id;

CREATE TEMP TABLE category_totals AS
SELECT origin_id, category_id, count(*) AS failures, count(DISTINCT source_package_id) AS packages
FROM main.failures INDEXED BY failures_origin
WHERE rebuilder_id = :rebuilder_id AND is_current
GROUP BY origin_id, category_id;

-- Written where they differ from the newest ones or are the first of their day.
CREATE TEMP TABLE new_totals AS
SELECT
    t.origin_id, t.scope, t.counted, t.good, t.bad, t.fail, t.unknown,
    t.good + coalesce(c.good, 0) AS corrected_good,
    t.bad + coalesce(c.bad, 0) AS corrected_bad,
    t.fail + coalesce(c.fail, 0) AS corrected_fail,
    t.unknown + coalesce(c.unknown, 0) AS corrected_unknown
FROM totals AS t
LEFT JOIN corrections AS c ON c.origin_id = t.origin_id
LEFT JOIN main.snapshots AS last ON last.id = (
    SELECT x.id FROM main.snapshots AS x
    WHERE x.rebuilder_id = :rebuilder_id AND x.scope = t.scope AND x.kind = 'taken'
    ORDER BY x.id DESC LIMIT 1
)
WHERE last.id IS NULL
    OR substr(last.captured_at, 1, 10) <> substr(:now, 1, 10)
    OR (last.counted, last.good, last.bad, last.fail, last.unknown, last.corrected_good,
        last.corrected_bad, last.corrected_fail, last.corrected_unknown)
        IS NOT (t.counted, t.good, t.bad, t.fail, t.unknown, t.good + coalesce(c.good, 0),
            t.bad + coalesce(c.bad, 0), t.fail + coalesce(c.fail, 0),
            t.unknown + coalesce(c.unknown, 0))
    OR EXISTS (
        SELECT 1 FROM category_totals AS n
        LEFT JOIN main.snapshot_categories AS former
            ON former.snapshot_id = last.id AND former.category_id = n.category_id
        WHERE n.origin_id = t.origin_id
            AND (former.failures, former.packages) IS NOT (n.failures, n.packages)
    )
    OR (SELECT count(*) FROM category_totals AS n WHERE n.origin_id = t.origin_id)
        <> (SELECT count(*) FROM main.snapshot_categories AS former WHERE former.snapshot_id = last.id);

-- A clock that was set back may come to the second of an older snapshot, which gives way: the newest has the
-- highest number.
CREATE TEMP TABLE older_now AS
SELECT x.id FROM new_totals AS n
CROSS JOIN main.snapshots AS x
    ON x.rebuilder_id = :rebuilder_id AND x.scope = n.scope AND x.kind = 'taken' AND x.captured_at = :now
WHERE EXISTS (
    SELECT 1 FROM main.snapshots AS later
    WHERE later.rebuilder_id = :rebuilder_id AND later.scope = n.scope AND later.kind = 'taken' AND later.id > x.id
);
DELETE FROM main.snapshot_categories WHERE snapshot_id IN (SELECT id FROM older_now);
DELETE FROM main.snapshots WHERE id IN (SELECT id FROM older_now);

INSERT INTO main.snapshots (
    rebuilder_id, origin_id, scope, captured_at, kind, counted, good, bad, fail, unknown,
    corrected_good, corrected_bad, corrected_fail, corrected_unknown
)
SELECT
    :rebuilder_id, origin_id, scope, :now, 'taken', counted, good, bad, fail, unknown,
    corrected_good, corrected_bad, corrected_fail, corrected_unknown
FROM new_totals
WHERE true
ON CONFLICT (rebuilder_id, scope, kind, captured_at) DO UPDATE SET
    counted = excluded.counted, good = excluded.good, bad = excluded.bad, fail = excluded.fail,
    unknown = excluded.unknown, corrected_good = excluded.corrected_good,
    corrected_bad = excluded.corrected_bad, corrected_fail = excluded.corrected_fail,
    corrected_unknown = excluded.corrected_unknown;

-- Several runs of one second share their snapshot.
CREATE TEMP TABLE taken_now AS
SELECT x.id, c.category_id, c.failures, c.packages
FROM main.snapshots AS x
LEFT JOIN category_totals AS c ON c.origin_id = x.origin_id
WHERE x.rebuilder_id = :rebuilder_id AND x.kind = 'taken' AND x.captured_at = :now;
DELETE FROM main.snapshot_categories
WHERE snapshot_id IN (SELECT id FROM taken_now)
    AND (snapshot_id, category_id) NOT IN (
        SELECT id, category_id FROM taken_now WHERE category_id IS NOT NULL
    );
INSERT INTO main.snapshot_categories (snapshot_id, category_id, failures, packages)
SELECT id, category_id, failures, packages FROM taken_now WHERE category_id IS NOT NULL
ON CONFLICT (snapshot_id, category_id) DO UPDATE SET
    failures = excluded.failures, packages = excluded.packages
WHERE (snapshot_categories.failures, snapshot_categories.packages)
    IS NOT (excluded.failures, excluded.packages);
