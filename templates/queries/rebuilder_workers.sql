-- Workers of a rebuilder, those online first.
SELECT w.id, w.name, w.status, w.last_ping, w.is_online
FROM workers AS w
JOIN rebuilders AS r ON r.id = w.rebuilder_id
WHERE r.name = :name
ORDER BY w.is_online DESC, w.last_ping DESC
LIMIT 50
