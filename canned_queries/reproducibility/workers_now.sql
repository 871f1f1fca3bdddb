-- Which machines rebuild, and are they busy?
SELECT
    r.name AS rebuilder,
    w.name AS worker,
    w.is_online,
    w.status AS says,
    w.last_ping,
    (SELECT count(*) FROM queue AS q WHERE q.worker_id = w.id) AS running,
    f.last_success_at AS known_at
FROM workers AS w
JOIN rebuilders AS r ON r.id = w.rebuilder_id
LEFT JOIN rebuilder_freshness AS f ON f.rebuilder = r.name
WHERE (:rebuilder = '' OR r.name = :rebuilder)
ORDER BY w.is_online DESC, r.name, w.name
LIMIT 1000
