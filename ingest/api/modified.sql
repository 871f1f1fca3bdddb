-- When what is published was last compared with the rebuilders.
SELECT (
    SELECT finished_at FROM ingest_runs
    WHERE finished_at IS NOT NULL AND error IS NULL
        AND rebuilder_id = :rebuilder_id -- if rebuilder_id
    ORDER BY id DESC LIMIT 1
)
