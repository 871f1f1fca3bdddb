-- Source packages that became reproducible: each change, and how long it took since they last were,
-- or where they never were, since their first build.
SELECT
    c.changed_at,
    c.name AS source,
    c.from_status,
    c.from_version,
    c.to_version,
    round((
        SELECT sum(failing.days_since_previous) FROM status_changes AS failing
        WHERE failing.name_id = c.name_id AND failing.origin_id = c.origin_id
            AND failing.rebuilder_id = c.rebuilder_id AND failing.generation = c.generation
            AND failing.changed_at <= c.changed_at
            AND failing.changed_at > coalesce(
                (
                    SELECT max(before.changed_at) FROM status_changes AS before
                    WHERE before.name_id = c.name_id AND before.origin_id = c.origin_id
                        AND before.rebuilder_id = c.rebuilder_id AND before.generation = c.generation
                        AND before.from_status = 'GOOD' AND before.changed_at < c.changed_at
                ),
                ''
            )
    ), 3) AS days_to_fix,
    k.name AS category,
    k.class,
    substr(c.changed_at, 1, 7) AS month,
    o.distribution,
    o.release,
    o.architecture,
    r.name AS rebuilder,
    k.key AS category_key,
    c.from_build_id,
    c.to_build_id
FROM status_changes AS c
JOIN origins AS o ON o.id = c.origin_id
JOIN rebuilders AS r ON r.id = c.rebuilder_id
LEFT JOIN failures AS f ON f.id = (SELECT min(x.id) FROM failures AS x WHERE x.build_id = c.from_build_id)
LEFT JOIN categories AS k ON k.id = f.category_id
WHERE c.change = 'fix'
