-- Every name that the release of an origin goes by: what the rebuilder calls it, the name that aliases stand for, and
-- those aliases. An origin without a release has one row, without a name.
SELECT DISTINCT
    o.distribution,
    x.name,
    coalesce(a.release, o.release) AS canonical_release,
    o.id AS origin_id
FROM origins AS o
LEFT JOIN release_aliases AS a ON a.distribution = o.distribution AND a.alias = o.release
JOIN (
    SELECT distribution, release, release AS name FROM release_aliases
    UNION SELECT distribution, release, alias FROM release_aliases
    UNION SELECT distribution, release, release FROM origins
) AS x ON x.distribution = o.distribution AND x.release IS coalesce(a.release, o.release)
