-- When what is published was last compared with the rebuilders.
SELECT max(finished_at) FROM ingest_runs
WHERE error IS NULL
    AND rebuilder_id = :rebuilder_id -- if rebuilder_id
