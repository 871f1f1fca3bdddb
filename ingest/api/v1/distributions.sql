-- The distributions that packages are known of.
SELECT json_group_array(o.distribution) AS record
FROM (
    SELECT DISTINCT o.distribution FROM origins AS o
    WHERE EXISTS (
        SELECT 1 FROM source_packages AS p
        WHERE p.origin_id = o.id AND p.is_current IN (0, 1) AND {current}
    )
        AND o.distribution = :distribution -- if distribution
        AND o.release = :release -- if release
    ORDER BY o.distribution
) AS o;
