SELECT f.changed_at AS at, b.rebuilder_id, b.origin_id, b.id AS build, f.days_to_fix AS value
FROM main.fixes AS f
CROSS JOIN main.builds AS b ON b.id = f.to_build_id
WHERE f.changed_at >= :start AND f.changed_at < :stop;
