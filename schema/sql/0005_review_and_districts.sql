-- What may become of a violation, and whose districts a login sees.

-- new -> confirmed | rejected | unclear; unclear -> confirmed | rejected; confirmed -> issued |
-- rejected; rejected -> confirmed (a second look); issued -> withdrawn. Each step is a row.
ALTER TABLE review DROP CONSTRAINT review_verdict_check;
ALTER TABLE review ADD CONSTRAINT review_verdict_check
    CHECK (verdict IN ('confirmed', 'rejected', 'unclear', 'issued', 'withdrawn'));
-- Who is told "rejected" or "withdrawn" has a right to know why.
ALTER TABLE review ADD CONSTRAINT review_reason_check
    CHECK (verdict NOT IN ('rejected', 'withdrawn') OR btrim(reason) <> '') NOT VALID;

CREATE TABLE review_step (
    before text NOT NULL,
    after  text NOT NULL,
    PRIMARY KEY (before, after)
);
COMMENT ON TABLE review_step IS 'Which decision may follow which; new: none was made yet';
INSERT INTO review_step VALUES
    ('new', 'confirmed'), ('new', 'rejected'), ('new', 'unclear'),
    ('unclear', 'confirmed'), ('unclear', 'rejected'),
    ('confirmed', 'issued'), ('confirmed', 'rejected'),
    ('rejected', 'confirmed'),
    ('issued', 'withdrawn');

CREATE FUNCTION citybrain_review_state(violation_id uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce((SELECT r.verdict FROM review r WHERE r.violation_id = $1
                     ORDER BY r.id DESC LIMIT 1), 'new')
$$;
COMMENT ON FUNCTION citybrain_review_state(uuid) IS 'The newest decision of a violation, or new';

-- Two reviewers at once: the lock makes the second see what the first decided.
CREATE FUNCTION citybrain_check_review() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    state text;
BEGIN
    PERFORM FROM violation_id WHERE id = NEW.violation_id FOR UPDATE;
    state := citybrain_review_state(NEW.violation_id);
    IF NOT EXISTS (SELECT FROM review_step s WHERE s.before = state AND s.after = NEW.verdict) THEN
        RAISE EXCEPTION 'a violation that is % cannot become %', state, NEW.verdict
            USING ERRCODE = 'check_violation',
                  HINT = 'expected one of: ' || coalesce((SELECT string_agg(s.after, ', ' ORDER BY s.after)
                         FROM review_step s WHERE s.before = state), 'nothing more');
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER steps BEFORE INSERT ON review
    FOR EACH ROW EXECUTE FUNCTION citybrain_check_review();

-- A login sees the districts that stand here; a member of citybrain_all_districts sees all.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'citybrain_all_districts') THEN
        CREATE ROLE citybrain_all_districts NOLOGIN;
    END IF;
END $$;

CREATE TABLE district_access (
    login      text NOT NULL,
    district   text NOT NULL,
    granted_by text NOT NULL DEFAULT session_user,
    granted_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (login, district)
);
COMMENT ON TABLE district_access IS
    'Districts whose violations a login may read; none: no violation at all';

-- `session_user`, not current_user: views and functions of the owner ask for whoever logged in.
CREATE FUNCTION citybrain_sees_all() RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT pg_has_role(session_user, 'citybrain_all_districts', 'MEMBER')
$$;
CREATE FUNCTION citybrain_districts() RETURNS text[]
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce(array_agg(district), '{}') FROM district_access WHERE login = session_user
$$;

-- The sub-selects are asked once a query, not once a row.
ALTER TABLE violation ENABLE ROW LEVEL SECURITY;
CREATE POLICY districts ON violation FOR SELECT
    USING ((SELECT citybrain_sees_all()) OR district = ANY ((SELECT citybrain_districts())::text[]));
CREATE POLICY adding ON violation FOR INSERT TO citybrain_writer WITH CHECK (true);

-- Media, ids and decisions follow their violation.
ALTER TABLE evidence_media ENABLE ROW LEVEL SECURITY;
CREATE POLICY districts ON evidence_media FOR SELECT
    USING ((SELECT citybrain_sees_all()) OR EXISTS (SELECT FROM violation v WHERE v.id = violation_id));
CREATE POLICY adding ON evidence_media FOR INSERT TO citybrain_writer WITH CHECK (true);
ALTER TABLE violation_id ENABLE ROW LEVEL SECURITY;
CREATE POLICY districts ON violation_id FOR SELECT TO citybrain_reviewer
    USING ((SELECT citybrain_sees_all()) OR EXISTS (SELECT FROM violation v WHERE v.id = violation_id.id));
CREATE POLICY claiming ON violation_id FOR SELECT TO citybrain_writer USING (true);
CREATE POLICY adding ON violation_id FOR INSERT TO citybrain_writer WITH CHECK (true);
ALTER TABLE review ENABLE ROW LEVEL SECURITY;
CREATE POLICY districts ON review FOR SELECT
    USING ((SELECT citybrain_sees_all()) OR EXISTS (SELECT FROM violation v WHERE v.id = violation_id));
CREATE POLICY deciding ON review FOR INSERT
    WITH CHECK ((SELECT citybrain_sees_all()) OR EXISTS (SELECT FROM violation v WHERE v.id = violation_id));

-- The view reads as its owner, whom row security does not bind: it asks for itself.
CREATE OR REPLACE VIEW violation_history WITH (security_barrier) AS
SELECT v.id, v.occurred_at, v.camera_id, v.camera_name, v.road, v.district, v.lat, v.lon,
       v.bearing_deg, v.kind, v.severity, v.road_user, v.direction, v.track,
       v.speed_kmh, v.speed_uncertainty_kmh, v.charged_kmh, v.limit_kmh,
       v.lafmax_db, v.lafmax_7m5_db, v.limit_db, v.noise_class, v.confidence, v.azimuth_deg,
       v.certificate, v.software, v.node, v.sequence, v.sealed_at, v.stored_at,
       (SELECT count(*) FROM evidence_media m WHERE m.violation_id = v.id) AS n_media,
       coalesce(r.verdict, 'new') AS review, r.reviewed_at,
       v.lafmax_uncertainty_db, v.background_correction_db, v.charged_db,
       v.incident_id,
       (SELECT count(DISTINCT i.track) FROM violation i WHERE i.incident_id = v.incident_id)
           AS incident_vehicles
FROM violation v
LEFT JOIN LATERAL (SELECT verdict, reviewed_at FROM review
                   WHERE violation_id = v.id ORDER BY id DESC LIMIT 1) r ON true
WHERE (SELECT citybrain_sees_all()) OR v.district = ANY ((SELECT citybrain_districts())::text[]);

COMMENT ON COLUMN violation_history.review IS
    'Newest decision: new, unclear, confirmed, rejected, issued, withdrawn';

REVOKE ALL ON review_step, district_access FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION citybrain_review_state(uuid), citybrain_check_review(),
    citybrain_sees_all(), citybrain_districts() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION citybrain_sees_all(), citybrain_districts()
    TO citybrain_analyst, citybrain_writer;
GRANT EXECUTE ON FUNCTION citybrain_review_state(uuid) TO citybrain_reviewer;
GRANT SELECT ON review_step TO citybrain_analyst;
GRANT SELECT, INSERT (login, district), DELETE ON district_access TO citybrain_admin;
