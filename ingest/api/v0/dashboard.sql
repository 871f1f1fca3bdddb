-- How many current binary packages of each component have which status, and what the queue holds.
SELECT json_object(
    'suites', json((
        SELECT json_group_object(suite, json_object('good', good, 'unknown', total - good - bad, 'bad', bad))
        FROM (
            SELECT
                coalesce(p.component, '') AS suite,
                count(*) AS total,
                count(*) FILTER (WHERE p.status = 'GOOD') AS good,
                count(*) FILTER (WHERE p.status = 'BAD') AS bad
            FROM binary_packages AS p
            WHERE {current} AND p.is_current = 1
            GROUP BY suite
        )
    )),
    'active_builds', json(:active),
    'queue_length', (SELECT count(*) FROM queue AS p WHERE {any}),
    'now', rtrim(:now, 'Z')
) AS record;
