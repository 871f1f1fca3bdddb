-- Every rebuilder that was ever named to an ingest.
SELECT rebuilder, kind, url, last_success_at, is_failing FROM rebuilder_freshness ORDER BY rebuilder
