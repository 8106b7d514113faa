-- What is due is found by sets, not by asking two functions of each row older than the shortest term.

-- Few are rejected, and few of these were decided upon again.
CREATE INDEX ON review (violation_id) WHERE verdict = 'rejected';

-- First what is over its term, which an index by kind and time gives; then, of what is not, what
-- was rejected. The held ones are few: a hash of them is asked, not a function.
CREATE OR REPLACE VIEW retention_due AS
WITH held AS MATERIALIZED (
    SELECT violation_id FROM (SELECT DISTINCT ON (h.violation_id) h.violation_id, h.is_held
                              FROM legal_hold h ORDER BY h.violation_id, h.id DESC) newest
    WHERE is_held
), rejected AS MATERIALIZED (
    SELECT i.id, i.occurred_at FROM review r JOIN violation_id i ON i.id = r.violation_id
    WHERE r.verdict = 'rejected' AND i.erased_at IS NULL
    AND i.occurred_at < now() - (SELECT min(least(keep_rejected, keep)) FROM retention)
    AND NOT EXISTS (SELECT FROM review later WHERE later.violation_id = r.violation_id
                    AND later.id > r.id)
)
SELECT v.id, v.occurred_at, v.kind, v.camera_id, v.node, v.sequence, v.prev_sha256, v.public_key, r.keep
FROM retention r JOIN violation v ON v.kind = r.kind AND v.occurred_at < now() - r.keep
WHERE v.occurred_at < now() - (SELECT min(keep) FROM retention) -- no month is opened that is too young
  AND v.id NOT IN (SELECT violation_id FROM held)
UNION ALL
SELECT v.id, v.occurred_at, v.kind, v.camera_id, v.node, v.sequence, v.prev_sha256, v.public_key,
       least(r.keep_rejected, r.keep) AS keep
FROM rejected j
-- OFFSET 0: each by its key, in its month alone
CROSS JOIN LATERAL (SELECT * FROM violation w WHERE w.id = j.id AND w.occurred_at = j.occurred_at
                    OFFSET 0) v
JOIN retention r ON r.kind = v.kind
WHERE v.occurred_at < now() - r.keep_rejected AND v.occurred_at >= now() - r.keep
  AND v.id NOT IN (SELECT violation_id FROM held);

-- As before, but not sorted: sorting all that is due for each n of them would cost more than erasing
-- them. Row by row through the indexes, for the same reason: a hash of the whole table is no way to
-- find n rows, and the planner cannot know what `now() - keep` leaves.
CREATE OR REPLACE FUNCTION citybrain_erase_due(n integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
    SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off SET jit = off AS $$
DECLARE
    due  record;
    made integer := 0;
BEGIN
    FOR due IN SELECT * FROM retention_due LIMIT n LOOP
        PERFORM FROM violation_id WHERE id = due.id FOR UPDATE;
        -- a statement of its own: it sees a hold that was placed while the lock was waited for
        CONTINUE WHEN citybrain_is_held(due.id);
        DELETE FROM evidence_media WHERE violation_id = due.id;
        DELETE FROM violation WHERE id = due.id AND occurred_at = due.occurred_at;
        UPDATE violation_id SET erased_at = clock_timestamp(), node = due.node,
            sequence = due.sequence, prev_sha256 = due.prev_sha256, public_key = due.public_key
            WHERE id = due.id;
        PERFORM citybrain_log_access('erase', due.id, format('%s of %s, kept %s', due.kind,
                                                            due.camera_id, due.keep));
        made := made + 1;
    END LOOP;
    RETURN made;
END $$;

COMMENT ON COLUMN retention_due.id IS 'The violation';
COMMENT ON COLUMN retention_due.occurred_at IS 'When it occurred';
COMMENT ON COLUMN retention_due.kind IS 'Its kind, which says how long it is kept';
COMMENT ON COLUMN retention_due.camera_id IS 'Its camera';
COMMENT ON COLUMN retention_due.node IS 'The edge that sealed it; this and the columns below stay in violation_id';
COMMENT ON COLUMN retention_due.sequence IS 'Its number in the node''s chain';
COMMENT ON COLUMN retention_due.prev_sha256 IS 'Hash of the record before it';
COMMENT ON COLUMN retention_due.public_key IS 'Key that signed it';
