-- Source packages, a row for each build input.
SELECT
    p.{source} AS id,
    {key} AS sorted_by,
    json_object(
        'id', p.{source},
        'name', p.name,
        'version', p.version,
        'distribution', o.distribution,
        'release', o.release,
        'status', p.status,
        'build_id', b.{build},
        'last_seen', rtrim(coalesce(p.last_seen, p.first_seen), 'Z'),
        'seen_in_last_sync', json(iif(p.is_current, 'true', 'false'))
        {rebuilder}
    ) AS record
FROM source_packages AS p
JOIN origins AS o ON o.id = p.origin_id
LEFT JOIN builds AS b ON b.id = p.latest_build_id
WHERE {current}
    AND p.{source} IS NOT NULL
    AND p.{source} = :id -- if asked
    AND p.{source} > :above -- if asked
    AND p.{source} < :below -- if asked
    AND p.name = :name -- if asked
    AND p.version = :version -- if asked
    AND p.is_current = :seen_only -- if asked
    AND p.origin_id IN (SELECT id FROM origins WHERE distribution = :distribution) -- if asked
    AND p.origin_id IN (SELECT id FROM origins WHERE "release" = :release) -- if asked
    AND p.origin_id IN (SELECT id FROM origins WHERE architecture = :architecture) -- if asked
    AND EXISTS (SELECT 1 FROM binary_packages WHERE source_package_id = p.id AND component = :component) -- if asked
