-- The newest totals of each origin of a rebuilder.
SELECT * FROM current_totals
WHERE rebuilder = :name
ORDER BY distribution IS NULL, origin
