-- Days before the first snapshot, and days without a run: per origin and source
-- name the build that was latest by then, as long as the name was still listed.
CREATE TEMP TABLE package_ends (
    origin_id INTEGER, name_id INTEGER, last_day TEXT, PRIMARY KEY (origin_id, name_id)
) WITHOUT ROWID;
INSERT INTO package_ends
SELECT
    origin_id,
    name_id,
    CASE WHEN max(is_current) THEN '9999' ELSE coalesce(max(substr(last_seen, 1, 10)), '9999') END
FROM main.source_packages
WHERE rebuilder_id = :rebuilder_id AND generation = :generation AND attempts > 0
GROUP BY origin_id, name_id;

CREATE TEMP TABLE daily_results AS
SELECT
    r.origin_id,
    r.name_id,
    r.day,
    r.status,
    lag(r.status) OVER package AS previous_status,
    lead(r.day) OVER package IS NULL AS is_last,
    p.last_day
FROM (
    SELECT
        b.origin_id,
        s.name_id,
        substr(b.built_at, 1, 10) AS day,
        b.status,
        row_number() OVER (
            PARTITION BY b.origin_id, s.name_id, substr(b.built_at, 1, 10)
            ORDER BY rtrim(b.built_at, 'Z') DESC, b.upstream_id DESC
        ) AS latest
    FROM main.builds AS b
    CROSS JOIN main.source_packages AS s ON s.id = b.source_package_id
    WHERE b.rebuilder_id = :rebuilder_id AND b.generation = :generation AND b.built_at IS NOT NULL
) AS r
JOIN package_ends AS p ON p.origin_id = r.origin_id AND p.name_id = r.name_id
WHERE r.latest = 1 AND r.day <= p.last_day
WINDOW package AS (PARTITION BY r.origin_id, r.name_id ORDER BY r.day);

CREATE TEMP TABLE daily_steps AS
SELECT origin_id, day, sum(good) AS good, sum(bad) AS bad, sum(fail) AS fail
FROM (
    SELECT
        origin_id,
        day,
        (status IS 'GOOD') - (previous_status IS 'GOOD') AS good,
        (status IS 'BAD') - (previous_status IS 'BAD') AS bad,
        (status IS 'FAIL') - (previous_status IS 'FAIL') AS fail
    FROM daily_results
    UNION ALL
    SELECT
        origin_id, date(last_day, '+1 day'), -(status IS 'GOOD'), -(status IS 'BAD'), -(status IS 'FAIL')
    FROM daily_results
    WHERE is_last AND last_day < '9999'
)
GROUP BY origin_id, day;

INSERT INTO main.snapshots (
    rebuilder_id, origin_id, scope, captured_at, kind, counted, good, bad, fail
)
WITH RECURSIVE span AS (
    SELECT
        min(day) AS first_day,
        min(
            date(:now, '-1 day'),
            max(
                max(day),
                coalesce(
                    (
                        SELECT substr(max(last_seen), 1, 10) FROM main.source_packages
                        WHERE rebuilder_id = :rebuilder_id AND generation = :generation
                    ),
                    ''
                )
            )
        ) AS last_day
    FROM daily_steps
),
calendar (day) AS (
    SELECT first_day FROM span WHERE first_day <= last_day
    UNION ALL
    SELECT date(day, '+1 day') FROM calendar WHERE day < (SELECT last_day FROM span)
),
counted AS (
    SELECT
        o.origin_id,
        c.day,
        sum(coalesce(d.good, 0)) OVER days AS good,
        sum(coalesce(d.bad, 0)) OVER days AS bad,
        sum(coalesce(d.fail, 0)) OVER days AS fail
    FROM (SELECT origin_id, min(day) AS first_day FROM daily_steps GROUP BY origin_id) AS o
    JOIN calendar AS c ON c.day >= o.first_day
    LEFT JOIN daily_steps AS d ON d.origin_id = o.origin_id AND d.day = c.day
    WINDOW days AS (PARTITION BY o.origin_id ORDER BY c.day)
)
SELECT
    :rebuilder_id, c.origin_id, o.label, c.day || 'T23:59:59Z', 'reconstructed', 'source packages',
    c.good, c.bad, c.fail
FROM counted AS c
JOIN main.origins AS o ON o.id = c.origin_id
WHERE c.day >= :from_day AND NOT EXISTS (
    SELECT 1 FROM main.snapshots AS x
    WHERE x.rebuilder_id = :rebuilder_id AND x.scope = o.label AND x.kind <> 'reconstructed'
        AND x.captured_at BETWEEN c.day AND c.day || 'T24'
)
ON CONFLICT (rebuilder_id, scope, kind, captured_at) DO UPDATE SET
    good = excluded.good, bad = excluded.bad, fail = excluded.fail
WHERE (snapshots.good, snapshots.bad, snapshots.fail)
    IS NOT (excluded.good, excluded.bad, excluded.fail);
