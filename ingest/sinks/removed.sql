-- What was removed, in the order in which it was, with all dimensions that the statistic has.
SELECT r.id, r.statistic, r.at, r.rebuilder, r.origin, r.category, r.dimensions, coalesce(x.dimensions, '[]')
FROM removed_measurements AS r
LEFT JOIN statistics AS x ON x.name = r.statistic
WHERE r.id > :after
ORDER BY r.id
LIMIT :limit;
