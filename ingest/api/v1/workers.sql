-- Who builds. Addresses are not published: the database has none.
SELECT
    p.{worker} AS id,
    {key} AS sorted_by,
    json_object(
        'id', p.{worker},
        'name', p.name,
        'address', '',
        'status', p.status,
        'last_ping', rtrim(p.last_ping, 'Z'),
        'is_online', iif(p.is_online, json('true'), json('false'))
        {rebuilder}
    ) AS record
FROM workers AS p
WHERE {any}
    AND p.{worker} = :id -- if id
    AND p.{worker} > :above -- if above
    AND p.{worker} < :below -- if below
