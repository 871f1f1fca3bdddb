-- Where the log of a build is kept, in which of its failures' names.
SELECT
    r.name AS rebuilder,
    p.generation,
    coalesce(f.log_upstream_id, p.upstream_id) AS upstream_id,
    p.built_at,
    (SELECT d.user_version FROM pragma_user_version AS d) AS owner
FROM builds AS p
JOIN rebuilders AS r ON r.id = p.rebuilder_id
LEFT JOIN failures AS f ON f.build_id = p.id
WHERE {current}
    AND p.{build} = :build
ORDER BY f.log_upstream_id IS NULL, f.log_upstream_id;
