-- The taken snapshots of an origin in the order in which they were taken, whatever the clock said.
CREATE INDEX snapshots_taken ON snapshots (rebuilder_id, scope) WHERE kind = 'taken';
