-- The last totals of each origin on each day, with the failures of each category.
SELECT json_object(
    'id', p.snapshot_id,
    'captured_at', rtrim(n.captured_at, 'Z'),
    'distribution', p.distribution,
    'release', p.release,
    'architecture', p.architecture,
    'good', p.good,
    'bad', p.bad,
    'fail', p.fail,
    'unknown', p.unknown,
    'categories', json((
        SELECT json_group_array(json_object('category', k.name, 'count', c.failures))
        FROM snapshot_categories AS c
        JOIN categories AS k ON k.id = c.category_id
        WHERE c.snapshot_id = p.snapshot_id
    ))
    {rebuilder}
) AS record
FROM daily_totals AS p
JOIN snapshots AS n ON n.id = p.snapshot_id
WHERE p.kind <> 'reconstructed'
    AND p.counted = 'source packages'
    AND p.unknown IS NOT NULL
    AND n.rebuilder_id = :rebuilder_id -- if rebuilder_id
    AND p.distribution = :distribution -- if distribution
    AND p.release = :release -- if release
    AND p.architecture = :architecture -- if architecture
    AND n.captured_at >= :since -- if since
ORDER BY n.captured_at, p.snapshot_id
LIMIT :limit;
