-- Days before the first snapshot, and days without a run: per origin and source
-- name the build that was latest by then. What began before :from_day begins with it.
CREATE TEMP TABLE daily_steps AS
SELECT
    origin_id,
    day,
    sum(step * (status IS 'GOOD')) AS good,
    sum(step * (status IS 'BAD')) AS bad,
    sum(step * (status IS 'FAIL')) AS fail
FROM (
    SELECT origin_id, max(from_day, :from_day) AS day, status, 1 AS step FROM daily_results
    UNION ALL
    SELECT origin_id, until_day, status, -1 FROM daily_results WHERE until_day IS NOT NULL
    -- An origin that has nothing any more goes on with none.
    UNION ALL
    SELECT DISTINCT origin_id, :from_day, NULL, 0 FROM ordered_results WHERE day < :from_day
)
GROUP BY origin_id, day;
CREATE INDEX temp.daily_steps_day ON daily_steps (origin_id, day);

-- The days to count: no later than the last one of which there is evidence, and for :quiet after a build. One
-- build of a wrong clock is no reason for decades of days.
CREATE TEMP TABLE counted_days (day TEXT PRIMARY KEY) WITHOUT ROWID;
INSERT INTO counted_days
WITH RECURSIVE
evidence (day) AS (
    SELECT from_day FROM daily_results WHERE from_day <= date(:now)
    UNION ALL
    SELECT until_day FROM daily_results WHERE until_day <= date(:now)
    UNION ALL
    SELECT substr(max(last_seen), 1, 10) FROM main.source_packages
    WHERE rebuilder_id = :rebuilder_id AND generation = :generation
),
span (last_day) AS (
    SELECT min(max(day), date(:now, '-1 day')) FROM evidence
),
built (day) AS (
    SELECT DISTINCT substr(built_at, 1, 10) FROM main.builds
    WHERE rebuilder_id = :rebuilder_id AND generation = :generation
        AND built_at >= coalesce(date(:from_day, '-' || :quiet), '')
),
stretches AS (
    SELECT
        max(day, :from_day) AS day,
        min(
            lead(day, 1, '9999') OVER (ORDER BY day),
            date(day, :quiet),
            date((SELECT last_day FROM span), '+1 day')
        ) AS until_day
    FROM built
),
calendar (day, until_day) AS (
    SELECT day, until_day FROM stretches WHERE day < until_day
    UNION ALL
    SELECT date(day, '+1 day'), until_day FROM calendar WHERE date(day, '+1 day') < until_day
)
SELECT day FROM calendar;

INSERT INTO main.snapshots (
    rebuilder_id, origin_id, scope, captured_at, kind, counted, good, bad, fail
)
SELECT
    :rebuilder_id, s.origin_id, o.label, c.day || 'T23:59:59Z', 'reconstructed', 'source packages',
    s.good, s.bad, s.fail
FROM (
    SELECT
        origin_id,
        day,
        lead(day, 1, '9999') OVER days AS until_day,
        sum(good) OVER days AS good,
        sum(bad) OVER days AS bad,
        sum(fail) OVER days AS fail
    FROM daily_steps
    WINDOW days AS (PARTITION BY origin_id ORDER BY day)
) AS s
CROSS JOIN counted_days AS c ON c.day >= s.day AND c.day < s.until_day
JOIN main.origins AS o ON o.id = s.origin_id
WHERE NOT EXISTS (
    SELECT 1 FROM main.snapshots AS x
    WHERE x.rebuilder_id = :rebuilder_id AND x.scope = o.label AND x.kind <> 'reconstructed'
        AND x.captured_at BETWEEN c.day AND c.day || 'T24'
)
ON CONFLICT (rebuilder_id, scope, kind, captured_at) DO UPDATE SET
    good = excluded.good, bad = excluded.bad, fail = excluded.fail
WHERE (snapshots.good, snapshots.bad, snapshots.fail)
    IS NOT (excluded.good, excluded.bad, excluded.fail);
