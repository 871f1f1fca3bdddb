-- Source packages of this name or with a binary of this name, one row for each version in each origin, with what is
-- known of their binaries and what comes next. Earlier versions only where they were built.
WITH wanted AS (
    SELECT id FROM source_packages WHERE name = :name
    UNION
    SELECT source_package_id FROM binary_packages WHERE name = :name
)
SELECT
    s.id AS source_package_id,
    s.name AS source,
    s.version,
    s.status,
    s.is_current,
    s.next_retry,
    r.name AS rebuilder,
    o.distribution,
    o.release,
    o.architecture,
    latest.id AS build_id,
    latest.built_at,
    q.id AS queue_id,
    q.queued_at,
    q.started_at,
    p.good,
    p.bad,
    p.fail,
    p.unknown,
    p.binaries,
    count(*) OVER () AS found
FROM wanted AS w
JOIN source_packages AS s ON s.id = w.id
JOIN rebuilders AS r ON r.id = s.rebuilder_id
JOIN origins AS o ON o.id = s.origin_id
LEFT JOIN builds AS latest ON latest.id = s.latest_build_id
LEFT JOIN queue AS q ON q.id = (SELECT min(id) FROM queue WHERE source_package_id = s.id)
LEFT JOIN (
    SELECT
        source_package_id,
        sum(status = 'GOOD') AS good,
        sum(status = 'BAD') AS bad,
        sum(status = 'FAIL') AS fail,
        sum(status IS NULL OR status = 'UNKWN') AS unknown,
        count(*) AS binaries
    FROM binary_packages
    WHERE source_package_id IN (SELECT id FROM wanted)
    GROUP BY source_package_id
) AS p ON p.source_package_id = s.id
WHERE s.is_current OR s.attempts > 0
ORDER BY
    s.is_current DESC, s.name <> :name, o.distribution, o.release DESC, o.architecture, r.name, latest.built_at DESC
LIMIT :most
