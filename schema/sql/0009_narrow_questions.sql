-- Two questions that looked at hundreds of rows for each one they gave.

-- One district's serious exhausts of a month: an index by kind, and by nothing else of it, gave
-- 10,000 rows to pick 100 from.
CREATE INDEX ON violation (district, kind, severity, occurred_at DESC);

-- A range of speeds or levels, newest first: the value stands in the index by time, so that a row whose
-- value does not fit is passed over without being read. It serves all that the index by time alone did.
CREATE INDEX ON violation (occurred_at DESC, speed_kmh);
DROP INDEX violation_occurred_at_idx;
CREATE INDEX ON violation (occurred_at DESC, lafmax_db) WHERE lafmax_db IS NOT NULL;
