-- A queue that had jobs when it was counted last, and has none now, is 0 deep.
WITH depths AS MATERIALIZED (
    SELECT
        q.rebuilder_id,
        s.origin_id,
        CASE WHEN q.started_at IS NULL THEN 'waits' ELSE 'runs' END AS state,
        count(*) AS value
    FROM main.queue AS q
    CROSS JOIN main.source_packages AS s ON s.id = q.source_package_id
    GROUP BY 1, 2, 3
)
SELECT rebuilder_id, origin_id, state, value FROM depths
UNION ALL
SELECT m.rebuilder_id, m.origin_id, m.dimensions ->> 'state', 0
FROM main.statistics AS x
CROSS JOIN main.measurements AS m ON m.statistic_id = x.id AND m.at = (
    SELECT max(n.at) FROM main.measurements AS n WHERE n.statistic_id = x.id AND n.at < :stop
)
WHERE x.name = 'queue-depth' AND NOT EXISTS (
    SELECT 1 FROM depths AS d
    WHERE d.rebuilder_id = m.rebuilder_id AND d.origin_id = m.origin_id
        AND d.state = m.dimensions ->> 'state'
);
