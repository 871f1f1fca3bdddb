-- The last totals of each origin on each day, with the failures of each category.
SELECT json_object(
    'id', d.snapshot_id,
    'captured_at', rtrim(p.captured_at, 'Z'),
    'distribution', d.distribution,
    'release', d.release,
    'architecture', d.architecture,
    'good', d.good,
    'bad', d.bad,
    'fail', d.fail,
    'unknown', d.unknown,
    'categories', json((
        SELECT json_group_array(json_object('category', k.name, 'count', c.failures))
        FROM snapshot_categories AS c
        JOIN categories AS k ON k.id = c.category_id
        WHERE c.snapshot_id = d.snapshot_id
    ))
    {rebuilder}
) AS record
FROM daily_totals AS d
JOIN snapshots AS p ON p.id = d.snapshot_id
WHERE d.kind <> 'reconstructed'
    AND d.counted = 'source packages'
    AND d.unknown IS NOT NULL
    AND p.rebuilder_id = :rebuilder_id -- if rebuilder_id
    AND d.distribution = :distribution -- if distribution
    AND d.release = :release -- if release
    AND d.architecture = :architecture -- if architecture
    AND p.captured_at >= :since -- if since
ORDER BY p.captured_at, d.snapshot_id
LIMIT :limit;
