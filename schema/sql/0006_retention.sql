-- How long evidence is kept, what is held longer, and what is left of what was erased.

CREATE TABLE retention (
    kind          text PRIMARY KEY,
    keep          interval NOT NULL CHECK (keep >= interval '1 day'),
    keep_rejected interval NOT NULL CHECK (keep_rejected >= interval '1 day'),
    changed_by    text NOT NULL DEFAULT session_user,
    changed_at    timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE retention IS
    'Evidence of a kind is erased this long after it occurred; of a kind without a row: never';
COMMENT ON COLUMN retention.keep_rejected IS
    'The shorter time for what a reviewer rejected: nobody''s picture stays who did nothing wrong';
INSERT INTO retention (kind, keep, keep_rejected) VALUES
    ('speeding', '3 years', '30 days'), ('modified_exhaust', '3 years', '30 days'),
    ('chase_racing', '3 years', '30 days');

CREATE TABLE legal_hold (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    violation_id uuid NOT NULL REFERENCES violation_id (id),
    is_held      boolean NOT NULL DEFAULT true,
    reason       text NOT NULL CHECK (btrim(reason) <> ''),
    who          text NOT NULL DEFAULT session_user,
    at           timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON legal_hold (violation_id, id DESC);
COMMENT ON TABLE legal_hold IS
    'Evidence that a court or an appeal needs is not erased; append only, the newest row counts';
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON legal_hold
    FOR EACH STATEMENT EXECUTE FUNCTION citybrain_refuse_change();

-- What is left: the id (a second delivery brings nothing back) and the place in its node's chain.
ALTER TABLE violation_id ADD COLUMN erased_at timestamptz, ADD COLUMN node text,
    ADD COLUMN sequence bigint, ADD COLUMN prev_sha256 text, ADD COLUMN public_key text;
COMMENT ON COLUMN violation_id.erased_at IS
    'When retention erased the evidence; the columns behind it keep its node''s chain provable';

CREATE FUNCTION citybrain_is_held(violation_id uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce((SELECT h.is_held FROM legal_hold h WHERE h.violation_id = $1
                     ORDER BY h.id DESC LIMIT 1), false)
$$;

-- Takes the row that erasing locks too: a hold either comes before, or is told that it is too late.
CREATE FUNCTION citybrain_check_hold() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    gone timestamptz;
BEGIN
    SELECT erased_at INTO gone FROM violation_id WHERE id = NEW.violation_id FOR UPDATE;
    IF gone IS NOT NULL THEN
        RAISE EXCEPTION 'the evidence of % was erased at %', NEW.violation_id, gone
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER not_erased BEFORE INSERT ON legal_hold
    FOR EACH ROW EXECUTE FUNCTION citybrain_check_hold();

CREATE VIEW retention_due AS
SELECT v.id, v.occurred_at, v.kind, v.camera_id, v.node, v.sequence, v.prev_sha256, v.public_key,
       CASE WHEN citybrain_review_state(v.id) = 'rejected' THEN least(r.keep_rejected, r.keep)
            ELSE r.keep END AS keep
FROM violation v JOIN retention r ON r.kind = v.kind
WHERE v.occurred_at < now() - least(r.keep_rejected, r.keep)
  AND (v.occurred_at < now() - r.keep OR citybrain_review_state(v.id) = 'rejected')
  AND NOT citybrain_is_held(v.id);
COMMENT ON VIEW retention_due IS 'What the next `citybrain retain` erases';

-- Erases up to n violations that are due; each is noted in access_log. Returns how many.
CREATE FUNCTION citybrain_erase_due(n integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    due  record;
    made integer := 0;
BEGIN
    FOR due IN SELECT * FROM retention_due ORDER BY occurred_at LIMIT n LOOP
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
COMMENT ON FUNCTION citybrain_erase_due(integer) IS
    'Erases evidence whose time is over, at most n violations; `citybrain retain` calls it';

-- Of every district, whoever asks: what a login cannot see is still in use.
CREATE FUNCTION citybrain_media_in_use(prefix text) RETURNS SETOF text
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT DISTINCT sha256 FROM evidence_media WHERE sha256 >= $1 AND sha256 < $1 || 'g'
$$;
COMMENT ON FUNCTION citybrain_media_in_use(text) IS
    'Media that evidence refers to, of those whose SHA-256 begins so';

-- Who changed how long is kept, and when, is not for the changer to say.
CREATE FUNCTION citybrain_sign_retention() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.changed_by := session_user;
    NEW.changed_at := clock_timestamp();
    PERFORM citybrain_log_access('retention', NULL, format('%s: %s, rejected %s', NEW.kind,
                                                           NEW.keep, NEW.keep_rejected));
    RETURN NEW;
END $$;
CREATE TRIGGER signed BEFORE INSERT OR UPDATE ON retention
    FOR EACH ROW EXECUTE FUNCTION citybrain_sign_retention();

REVOKE ALL ON retention, legal_hold, retention_due FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION citybrain_is_held(uuid), citybrain_check_hold(),
    citybrain_sign_retention(), citybrain_media_in_use(text), citybrain_erase_due(integer)
    FROM PUBLIC;
GRANT SELECT ON retention TO citybrain_analyst;
GRANT SELECT, INSERT (violation_id, is_held, reason) ON legal_hold TO citybrain_reviewer;
ALTER TABLE legal_hold ENABLE ROW LEVEL SECURITY;
CREATE POLICY districts ON legal_hold FOR SELECT
    USING ((SELECT citybrain_sees_all()) OR EXISTS (SELECT FROM violation v WHERE v.id = violation_id));
CREATE POLICY holding ON legal_hold FOR INSERT
    WITH CHECK ((SELECT citybrain_sees_all()) OR EXISTS (SELECT FROM violation v WHERE v.id = violation_id));
GRANT SELECT ON retention_due TO citybrain_admin;
GRANT SELECT, INSERT (kind, keep, keep_rejected), UPDATE (keep, keep_rejected) ON retention
    TO citybrain_admin;
GRANT EXECUTE ON FUNCTION citybrain_erase_due(integer), citybrain_media_in_use(text)
    TO citybrain_admin;
