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

INSERT INTO main.snapshots (
    rebuilder_id, origin_id, scope, captured_at, kind, counted, good, bad, fail
)
WITH RECURSIVE evidence AS (
    SELECT max(max(from_day), coalesce(max(until_day), '')) AS day, date(:now, '-1 day') AS yesterday
    FROM daily_results
),
span AS (
    SELECT
        (SELECT min(day) FROM daily_steps) AS first_day,
        CASE WHEN day < yesterday
            THEN min(yesterday, max(day, coalesce(
                (
                    SELECT substr(max(last_seen), 1, 10) FROM main.source_packages
                    WHERE rebuilder_id = :rebuilder_id AND generation = :generation
                ),
                ''
            )))
            ELSE yesterday
        END AS last_day
    FROM evidence
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
