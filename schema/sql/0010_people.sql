-- People at pages: who they are, their sessions, what they are told of in which order, and whom they
-- send. Their rights are those of the roles of 0003; the gateway's login changes over to one of these
-- and says for whom it asks.

DO $$
DECLARE
    r text;
BEGIN
    FOREACH r IN ARRAY ARRAY['citybrain_command', 'citybrain_field', 'citybrain_technician'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = r) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', r);
        END IF;
    END LOOP;
    -- without inheritance: until it has changed over to one of them it has none of their rights
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'citybrain_gateway') THEN
        CREATE ROLE citybrain_gateway NOLOGIN NOINHERIT;
    END IF;
END $$;
GRANT citybrain_reviewer TO citybrain_command;
GRANT citybrain_command, citybrain_analyst, citybrain_field, citybrain_technician, citybrain_admin
    TO citybrain_gateway;
GRANT USAGE ON SCHEMA public TO citybrain_field, citybrain_technician, citybrain_gateway;

CREATE TABLE web_user (
    login         text PRIMARY KEY CHECK (login ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
    name          text NOT NULL CHECK (length(name) BETWEEN 1 AND 120),
    role          text NOT NULL CHECK (role IN ('command', 'analyst', 'field', 'technician', 'admin')),
    districts     text[],
    password_hash text NOT NULL,
    disabled_at   timestamptz,
    created_at    timestamptz NOT NULL DEFAULT now(),
    changed_at    timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE web_user IS 'Who may log in at the gateway; made by `citybrain user`';
COMMENT ON COLUMN web_user.districts IS 'What the user may see; NULL: all districts';
COMMENT ON COLUMN web_user.password_hash IS 'Argon2id, as libsodium writes it';

CREATE TABLE web_session (
    token_sha256 bytea PRIMARY KEY CHECK (length(token_sha256) = 32),
    login        text NOT NULL REFERENCES web_user (login) ON DELETE CASCADE,
    address      text NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen_at      timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX ON web_session (login);
COMMENT ON TABLE web_session IS
    'Sessions by the hash of their token: who reads the table cannot take one over';

CREATE TABLE login_attempt (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    login   text NOT NULL,
    address text NOT NULL
);
CREATE INDEX ON login_attempt (login, at);
CREATE INDEX ON login_attempt (address, at);
COMMENT ON TABLE login_attempt IS 'Logins that failed, or have not succeeded yet; kept for a day';

-- Whom a connection asks for. Only the gateway's may ask for a user of its own, and such a user is no
-- login of the database, whatever its name.
CREATE FUNCTION citybrain_who() RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT CASE WHEN coalesce(current_setting('citybrain.user', true), '') <> ''
                 AND pg_has_role(session_user, 'citybrain_gateway', 'MEMBER')
                THEN 'web:' || current_setting('citybrain.user', true) ELSE session_user::text END
$$;
COMMENT ON FUNCTION citybrain_who() IS
    'The login, or web: and the user for whom the gateway asks';
CREATE FUNCTION citybrain_web_login() RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT substr(citybrain_who(), 5) WHERE citybrain_who() LIKE 'web:%'
$$;
COMMENT ON FUNCTION citybrain_web_login() IS 'The user for whom the gateway asks; NULL: it is a login';

CREATE OR REPLACE FUNCTION citybrain_sees_all() RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT CASE WHEN citybrain_web_login() IS NULL
                THEN pg_has_role(session_user, 'citybrain_all_districts', 'MEMBER')
                ELSE EXISTS (SELECT FROM web_user u WHERE u.login = citybrain_web_login()
                             AND u.districts IS NULL AND u.disabled_at IS NULL) END
$$;
CREATE OR REPLACE FUNCTION citybrain_districts() RETURNS text[]
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT CASE WHEN citybrain_web_login() IS NULL
                THEN coalesce((SELECT array_agg(d.district) FROM district_access d
                               WHERE d.login = session_user), '{}')
                ELSE coalesce((SELECT u.districts FROM web_user u
                               WHERE u.login = citybrain_web_login() AND u.disabled_at IS NULL), '{}') END
$$;
CREATE OR REPLACE FUNCTION citybrain_log_access(action text, violation_id uuid, detail text) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    INSERT INTO access_log (who, action, violation_id, detail)
    VALUES (citybrain_who(), $1, $2, coalesce($3, ''))
$$;
ALTER TABLE review ALTER COLUMN reviewer SET DEFAULT citybrain_who();
ALTER TABLE legal_hold ALTER COLUMN who SET DEFAULT citybrain_who();

-- A password that changed, a role, a district or an end of it ends the sessions.
CREATE FUNCTION citybrain_end_sessions() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    NEW.changed_at := clock_timestamp();
    DELETE FROM web_session WHERE login = OLD.login;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION citybrain_end_sessions() IS 'Trigger of web_user: a change ends the sessions';
CREATE TRIGGER ending BEFORE UPDATE ON web_user
    FOR EACH ROW EXECUTE FUNCTION citybrain_end_sessions();

-- Notes an attempt, before the password is looked at, and says what to compare it with. wait_s > 0: too
-- many failed, so long nothing is looked at.
CREATE FUNCTION citybrain_login_begin(login text, address text, OUT password_hash text, OUT wait_s integer)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    since   timestamptz := clock_timestamp() - interval '15 minutes';
    free_at timestamptz;
BEGIN
    PERFORM pg_advisory_xact_lock(1667395182, hashtext($1));
    DELETE FROM login_attempt a WHERE a.at < clock_timestamp() - interval '1 day';
    SELECT greatest(
        (SELECT a.at FROM login_attempt a WHERE a.login = $1 AND a.at > since
         ORDER BY a.at DESC OFFSET 9 LIMIT 1),
        (SELECT a.at FROM login_attempt a WHERE a.address = $2 AND a.at > since
         ORDER BY a.at DESC OFFSET 39 LIMIT 1)) + interval '15 minutes' INTO free_at;
    wait_s := greatest(0, ceil(extract(epoch FROM free_at - clock_timestamp())))::integer;
    IF coalesce(wait_s, 0) > 0 THEN
        RETURN;
    END IF;
    wait_s := 0;
    INSERT INTO login_attempt (login, address) VALUES ($1, $2);
    SELECT u.password_hash INTO password_hash FROM web_user u
    WHERE u.login = $1 AND u.disabled_at IS NULL;
END $$;
COMMENT ON FUNCTION citybrain_login_begin(text, text) IS
    'The hash to compare a password with, or how long to wait; notes the attempt';

CREATE FUNCTION citybrain_login_end(login text, address text, token_sha256 bytea) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    DELETE FROM login_attempt a WHERE a.login = $1 AND a.address = $2;
    DELETE FROM web_session s WHERE s.seen_at < clock_timestamp() - interval '12 hours'
        OR s.created_at < clock_timestamp() - interval '7 days';
    INSERT INTO web_session (token_sha256, login, address) VALUES ($3, $1, $2);
    INSERT INTO access_log (who, action, detail) VALUES ('web:' || $1, 'login', 'from ' || $2);
END $$;
COMMENT ON FUNCTION citybrain_login_end(text, text, bytea) IS 'Begins a session, the password being right';

CREATE FUNCTION citybrain_logout(token_sha256 bytea) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    DELETE FROM web_session s WHERE s.token_sha256 = $1
$$;
COMMENT ON FUNCTION citybrain_logout(bytea) IS 'Ends a session';

-- For the rest of the transaction the connection asks for the session's user.
CREATE FUNCTION citybrain_enter(token_sha256 bytea, OUT login text, OUT name text, OUT role text,
                                OUT districts text[], OUT expires_at timestamptz)
    RETURNS SETOF record
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    s web_session;
BEGIN
    SELECT * INTO s FROM web_session w WHERE w.token_sha256 = $1
        AND w.seen_at > clock_timestamp() - interval '12 hours'
        AND w.created_at > clock_timestamp() - interval '7 days';
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT u.login, u.name, u.role, u.districts INTO login, name, role, districts
    FROM web_user u WHERE u.login = s.login AND u.disabled_at IS NULL;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF s.seen_at < clock_timestamp() - interval '1 minute' THEN
        UPDATE web_session w SET seen_at = clock_timestamp() WHERE w.token_sha256 = $1;
    END IF;
    expires_at := least(clock_timestamp() + interval '12 hours', s.created_at + interval '7 days');
    PERFORM set_config('citybrain.user', login, true);
    RETURN NEXT;
END $$;
COMMENT ON FUNCTION citybrain_enter(bytea) IS
    'Whose session it is; until the transaction ends the connection asks for that user';

-- Field units.
CREATE TABLE field_unit (
    unit        text PRIMARY KEY REFERENCES web_user (login) ON DELETE CASCADE,
    lat         double precision CHECK (lat BETWEEN -90 AND 90),
    lon         double precision CHECK (lon BETWEEN -180 AND 180),
    accuracy_m  double precision CHECK (accuracy_m >= 0),
    position_at timestamptz,
    roads       text[] NOT NULL DEFAULT '{}',
    cameras     text[] NOT NULL DEFAULT '{}',
    radius_m    double precision NOT NULL DEFAULT 1500 CHECK (radius_m BETWEEN 0 AND 20000)
);
COMMENT ON TABLE field_unit IS
    'Where a unit is, the newest position alone, and what it looks after; a user of the role field';

CREATE TABLE dispatch (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    violation_id uuid NOT NULL REFERENCES violation_id (id),
    unit         text NOT NULL REFERENCES web_user (login),
    note         text NOT NULL DEFAULT '' CHECK (length(note) <= 2000),
    sent_by      text NOT NULL DEFAULT citybrain_who(),
    sent_at      timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX ON dispatch (violation_id, id DESC);
CREATE INDEX ON dispatch (unit, id DESC);
COMMENT ON TABLE dispatch IS 'Which unit was sent to which violation, and by whom; append only';

CREATE TABLE dispatch_answer (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dispatch_id bigint NOT NULL REFERENCES dispatch (id),
    answer      text NOT NULL CHECK (answer IN ('accepted', 'on_site', 'done', 'declined')),
    note        text NOT NULL DEFAULT '' CHECK (length(note) <= 2000),
    at          timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX ON dispatch_answer (dispatch_id, id DESC);
COMMENT ON TABLE dispatch_answer IS 'What a unit answered; append only, the newest row counts';
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON dispatch
    FOR EACH STATEMENT EXECUTE FUNCTION citybrain_refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON dispatch_answer
    FOR EACH STATEMENT EXECUTE FUNCTION citybrain_refuse_change();

CREATE FUNCTION citybrain_dispatch_state(dispatch_id bigint) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce((SELECT a.answer FROM dispatch_answer a WHERE a.dispatch_id = $1
                     ORDER BY a.id DESC LIMIT 1), 'sent')
$$;
COMMENT ON FUNCTION citybrain_dispatch_state(bigint) IS 'The newest answer of a dispatch, or sent';

-- What people are told of, in one order. position rises in the order in which transactions became
-- visible (the lock is held until that): who has read up to one will find no smaller one later.
CREATE TABLE event (
    position     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at           timestamptz NOT NULL DEFAULT clock_timestamp(),
    kind         text NOT NULL CHECK (kind IN ('alert', 'review', 'dispatch', 'nearby', 'assigned')),
    violation_id uuid NOT NULL, -- no foreign key: its check would wait for who decides on the violation
    occurred_at  timestamptz NOT NULL,
    district     text,
    unit         text,
    review_id    bigint,
    dispatch_id  bigint
);
CREATE INDEX ON event (unit, position) WHERE unit IS NOT NULL;
CREATE INDEX ON event (violation_id);
COMMENT ON TABLE event IS
    'What the gateway tells people, in the order in which it became so; citybrain_prune_events ends it';
COMMENT ON COLUMN event.unit IS 'Of nearby and assigned: the field unit that alone is told';

CREATE TABLE event_spread (position bigint NOT NULL, pruned bigint NOT NULL);
INSERT INTO event_spread VALUES (0, 0);
COMMENT ON TABLE event_spread IS
    'Up to which event the units near by were told, and up to which events were forgotten: one row';

CREATE FUNCTION citybrain_event_head() RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT greatest((SELECT max(position) FROM event), (SELECT pruned FROM event_spread))
$$;
COMMENT ON FUNCTION citybrain_event_head() IS 'The position of the newest event, of whatever district';
CREATE FUNCTION citybrain_event_pruned() RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT pruned FROM event_spread
$$;
COMMENT ON FUNCTION citybrain_event_pruned() IS 'The position up to which events were forgotten';

CREATE FUNCTION citybrain_add_event(kind text, violation_id uuid, unit text, review_id bigint,
                                    dispatch_id bigint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(1667395183);
    INSERT INTO event (kind, violation_id, occurred_at, district, unit, review_id, dispatch_id)
    SELECT $1, i.id, i.occurred_at, i.district, $3, $4, $5 FROM violation_id i WHERE i.id = $2;
    PERFORM pg_notify('citybrain_event', '');
END $$;
COMMENT ON FUNCTION citybrain_add_event(text, uuid, text, bigint, bigint) IS
    'Appends to event, and wakes who listens; for triggers';

-- Deferred: the lock is taken when all else of the transaction is done, and held for its commit alone.
CREATE FUNCTION citybrain_tell_alert() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM citybrain_add_event('alert', NEW.id, NULL, NULL, NULL);
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER telling AFTER INSERT ON violation_id DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION citybrain_tell_alert();
CREATE FUNCTION citybrain_tell_review() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM citybrain_add_event('review', NEW.violation_id, NULL, NEW.id, NULL);
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER telling AFTER INSERT ON review DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION citybrain_tell_review();
CREATE FUNCTION citybrain_tell_dispatch() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    d dispatch;
BEGIN
    IF TG_TABLE_NAME = 'dispatch' THEN
        d := NEW;
    ELSE
        SELECT * INTO d FROM dispatch WHERE id = NEW.dispatch_id;
    END IF;
    PERFORM citybrain_add_event('dispatch', d.violation_id, NULL, NULL, d.id);
    PERFORM citybrain_add_event('assigned', d.violation_id, d.unit, NULL, d.id);
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER telling AFTER INSERT ON dispatch DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION citybrain_tell_dispatch();
CREATE CONSTRAINT TRIGGER telling AFTER INSERT ON dispatch_answer DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION citybrain_tell_dispatch();
COMMENT ON FUNCTION citybrain_tell_alert() IS 'Trigger of violation_id: an event for each';
COMMENT ON FUNCTION citybrain_tell_review() IS 'Trigger of review: an event for each';
COMMENT ON FUNCTION citybrain_tell_dispatch() IS
    'Trigger of dispatch and dispatch_answer: an event for all, and one for the unit';

CREATE FUNCTION citybrain_distance_m(lat1 double precision, lon1 double precision,
                                     lat2 double precision, lon2 double precision)
    RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT 2 * 6371000 * asin(least(1, sqrt(
        power(sin(radians(lat2 - lat1) / 2), 2) +
        cos(radians(lat1)) * cos(radians(lat2)) * power(sin(radians(lon2 - lon1) / 2), 2))))
$$;
COMMENT ON FUNCTION citybrain_distance_m(double precision, double precision, double precision,
    double precision) IS 'Distance on the sphere, m';

-- Tells the units near by of the alerts that came since the last time. One gateway does it at a time;
-- what comes meanwhile wakes it again.
CREATE FUNCTION citybrain_spread() RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    mark   bigint;
    newest bigint;
    told   record;
    n      integer := 0;
BEGIN
    SELECT position INTO mark FROM event_spread FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    SELECT max(position) INTO newest FROM event WHERE position > mark;
    IF newest IS NULL THEN
        RETURN 0;
    END IF;
    FOR told IN
        SELECT e.violation_id, f.unit
        FROM event e
        JOIN violation v ON v.id = e.violation_id AND v.occurred_at = e.occurred_at
        JOIN web_user u ON u.role = 'field' AND u.disabled_at IS NULL
            AND (u.districts IS NULL OR v.district = ANY (u.districts))
        JOIN field_unit f ON f.unit = u.login
        WHERE e.position > mark AND e.position <= newest AND e.kind = 'alert'
          AND (v.road = ANY (f.roads) OR v.camera_id = ANY (f.cameras)
               OR (f.position_at > clock_timestamp() - interval '10 minutes'
                   AND citybrain_distance_m(f.lat, f.lon, v.lat, v.lon) <= f.radius_m))
        ORDER BY e.position, f.unit
    LOOP
        PERFORM citybrain_add_event('nearby', told.violation_id, told.unit, NULL, NULL);
        n := n + 1;
    END LOOP;
    UPDATE event_spread SET position = newest;
    RETURN n;
END $$;
COMMENT ON FUNCTION citybrain_spread() IS
    'Adds an event nearby for each unit near a new alert; the gateway calls it. Returns how many';

CREATE FUNCTION citybrain_prune_events(keep interval) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    up_to bigint;
    n     bigint;
BEGIN
    SELECT max(e.position) INTO up_to FROM event e, event_spread s
    WHERE e.position <= s.position AND e.at < clock_timestamp() - greatest($1, interval '1 day');
    DELETE FROM event WHERE position <= up_to;
    GET DIAGNOSTICS n = ROW_COUNT;
    UPDATE event_spread SET pruned = up_to WHERE up_to > pruned;
    RETURN n;
END $$;
COMMENT ON FUNCTION citybrain_prune_events(interval) IS
    'Forgets events older than this, a day at least; the violations themselves stay';

-- What a unit was told of, for rights.
CREATE FUNCTION citybrain_is_told(violation_id uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM event e WHERE e.violation_id = $1 AND e.unit = citybrain_web_login())
$$;
COMMENT ON FUNCTION citybrain_is_told(uuid) IS 'Whether the field unit that asks was told of a violation';

-- Sent by the command centre: only a unit that may see it, and not twice at once.
CREATE FUNCTION citybrain_check_dispatch() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    place text;
BEGIN
    SELECT district INTO place FROM violation_id WHERE id = NEW.violation_id FOR UPDATE;
    IF NOT EXISTS (SELECT FROM web_user u WHERE u.login = NEW.unit AND u.role = 'field'
                   AND u.disabled_at IS NULL AND (u.districts IS NULL OR place = ANY (u.districts))) THEN
        RAISE EXCEPTION 'no unit % for this district', NEW.unit USING ERRCODE = 'CB422', COLUMN = 'unit';
    END IF;
    IF EXISTS (SELECT FROM dispatch d WHERE d.violation_id = NEW.violation_id AND d.unit = NEW.unit
               AND citybrain_dispatch_state(d.id) NOT IN ('done', 'declined')) THEN
        RAISE EXCEPTION '% is on its way already', NEW.unit USING ERRCODE = 'CB409';
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION citybrain_check_dispatch() IS
    'Trigger of dispatch: a field unit of that district, which is not under way already';
CREATE TRIGGER checked BEFORE INSERT ON dispatch
    FOR EACH ROW EXECUTE FUNCTION citybrain_check_dispatch();

-- A unit's answer, of its newest dispatch to that violation; accepting what it was only told of makes
-- one. The same answer again changes nothing. Returns the dispatch.
CREATE FUNCTION citybrain_answer(violation uuid, answer text, note text, OUT dispatch_id bigint,
                                 OUT is_new boolean)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    me    text := citybrain_web_login();
    state text;
BEGIN
    IF me IS NULL OR NOT citybrain_is_told($1) THEN
        RAISE EXCEPTION 'no such violation' USING ERRCODE = 'CB404';
    END IF;
    PERFORM FROM violation_id i WHERE i.id = $1 FOR UPDATE;
    SELECT d.id INTO dispatch_id FROM dispatch d WHERE d.violation_id = $1 AND d.unit = me
    ORDER BY d.id DESC LIMIT 1;
    state := citybrain_dispatch_state(dispatch_id);
    is_new := dispatch_id IS NULL OR state <> $2;
    IF NOT is_new THEN
        RETURN;
    END IF;
    IF dispatch_id IS NULL OR (state IN ('done', 'declined') AND $2 = 'accepted') THEN
        IF $2 <> 'accepted' THEN
            RAISE EXCEPTION 'was not accepted, so that it cannot be %', $2 USING ERRCODE = 'CB409';
        END IF;
        INSERT INTO dispatch (violation_id, unit) VALUES ($1, me) RETURNING id INTO dispatch_id;
    ELSIF (state, $2) NOT IN (('sent', 'accepted'), ('sent', 'declined'), ('accepted', 'on_site'),
                              ('accepted', 'declined'), ('on_site', 'done'), ('on_site', 'declined')) THEN
        RAISE EXCEPTION 'a dispatch that is % cannot become %', state, $2 USING ERRCODE = 'CB409';
    END IF;
    INSERT INTO dispatch_answer (dispatch_id, answer, note)
    VALUES (citybrain_answer.dispatch_id, $2, coalesce($3, ''));
END $$;
COMMENT ON FUNCTION citybrain_answer(uuid, text, text) IS
    'Notes what the field unit that asks answered; is_new: it was not its answer already';

-- Cameras as their edges tell of them; the newest word alone.
CREATE TABLE camera_health (
    camera_id     text PRIMARY KEY,
    node          text NOT NULL,
    name          text NOT NULL,
    road          text,
    district      text,
    lat           double precision,
    lon           double precision,
    bearing_deg   double precision,
    limit_kmh     double precision,
    limit_db      double precision,
    state         text NOT NULL CHECK (state IN ('live', 'away', 'ended')),
    fps           double precision,
    last_frame_at timestamptz,
    drift_px      double precision,
    level_db      double precision,
    n_dropped     bigint NOT NULL DEFAULT 0,
    updated_at    timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE camera_health IS 'Each camera''s place and newest state, as its edge tells every few seconds';

CREATE TABLE web_search (
    login    text NOT NULL DEFAULT citybrain_web_login() REFERENCES web_user (login) ON DELETE CASCADE,
    name     text NOT NULL CHECK (length(name) BETWEEN 1 AND 64),
    query    json NOT NULL,
    saved_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (login, name)
);
COMMENT ON TABLE web_search IS 'Searches that users have saved: their own alone';

-- Who sees what.
REVOKE ALL ON web_user, web_session, login_attempt, field_unit, dispatch, dispatch_answer, event,
    event_spread, camera_health, web_search FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION citybrain_event_head(), citybrain_event_pruned(), citybrain_end_sessions(), citybrain_login_begin(text, text),
    citybrain_login_end(text, text, bytea), citybrain_logout(bytea), citybrain_enter(bytea),
    citybrain_dispatch_state(bigint), citybrain_add_event(text, uuid, text, bigint, bigint),
    citybrain_tell_alert(), citybrain_tell_review(), citybrain_tell_dispatch(), citybrain_spread(),
    citybrain_prune_events(interval), citybrain_is_told(uuid), citybrain_check_dispatch(),
    citybrain_answer(uuid, text, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION citybrain_login_begin(text, text), citybrain_login_end(text, text, bytea),
    citybrain_logout(bytea), citybrain_enter(bytea), citybrain_spread(), citybrain_prune_events(interval),
    citybrain_sees_all(), citybrain_districts(), citybrain_event_head(), citybrain_event_pruned(),
    citybrain_dispatch_state(bigint) TO citybrain_gateway;
GRANT EXECUTE ON FUNCTION citybrain_event_head(), citybrain_event_pruned()
    TO citybrain_analyst, citybrain_field, citybrain_technician;

-- The gateway reads each new event once and passes it to whose district it is of.
GRANT SELECT ON event, violation, evidence_media, review, dispatch, dispatch_answer, camera_health
    TO citybrain_gateway;
GRANT SELECT (id, occurred_at, district) ON violation_id TO citybrain_gateway;
GRANT SELECT (login, name, role, districts, disabled_at) ON web_user TO citybrain_gateway;
GRANT SELECT ON web_session TO citybrain_gateway;

GRANT INSERT, SELECT ON camera_health TO citybrain_writer;
GRANT UPDATE ON camera_health TO citybrain_writer;

GRANT SELECT ON event, dispatch, dispatch_answer TO citybrain_analyst, citybrain_field;
GRANT SELECT ON camera_health TO citybrain_analyst, citybrain_field, citybrain_technician;
GRANT SELECT (login, name, role, districts, disabled_at) ON web_user
    TO citybrain_analyst, citybrain_field;
GRANT SELECT ON field_unit TO citybrain_reviewer, citybrain_admin, citybrain_field;
GRANT INSERT (unit, lat, lon, accuracy_m, position_at, roads, cameras, radius_m),
    UPDATE (lat, lon, accuracy_m, position_at, roads, cameras, radius_m) ON field_unit TO citybrain_field;
GRANT INSERT (violation_id, unit, note) ON dispatch TO citybrain_command;
GRANT EXECUTE ON FUNCTION citybrain_dispatch_state(bigint) TO citybrain_analyst, citybrain_field;
GRANT EXECUTE ON FUNCTION citybrain_answer(uuid, text, text), citybrain_is_told(uuid),
    citybrain_sees_all(), citybrain_districts(), citybrain_log_access(text, uuid, text),
    citybrain_review_state(uuid) TO citybrain_field;
GRANT EXECUTE ON FUNCTION citybrain_sees_all(), citybrain_districts() TO citybrain_technician;
GRANT SELECT ON violation, violation_id, evidence_media TO citybrain_field;
GRANT SELECT (id, violation_id, verdict, reviewed_at, plate) ON review TO citybrain_field;
GRANT SELECT, INSERT (name, query, saved_at), UPDATE (query, saved_at), DELETE ON web_search
    TO citybrain_analyst;
GRANT SELECT (login, name, role, districts, disabled_at, created_at, changed_at),
    INSERT (login, name, role, districts, password_hash),
    UPDATE (name, role, districts, password_hash, disabled_at) ON web_user TO citybrain_admin;

-- The field sees what it was told of, and that in its districts alone.
CREATE POLICY told ON violation AS RESTRICTIVE FOR SELECT TO citybrain_field
    USING (citybrain_is_told(id));
CREATE POLICY told ON violation_id AS RESTRICTIVE FOR SELECT TO citybrain_field
    USING (citybrain_is_told(id));
CREATE POLICY field ON violation_id FOR SELECT TO citybrain_field
    USING ((SELECT citybrain_sees_all()) OR district = ANY ((SELECT citybrain_districts())::text[]));
-- The gateway itself, for what it passes on.
CREATE POLICY passing ON violation FOR SELECT TO citybrain_gateway USING (true);
CREATE POLICY passing ON violation_id FOR SELECT TO citybrain_gateway USING (true);
CREATE POLICY passing ON evidence_media FOR SELECT TO citybrain_gateway USING (true);
CREATE POLICY passing ON review FOR SELECT TO citybrain_gateway USING (true);

ALTER TABLE event ENABLE ROW LEVEL SECURITY;
CREATE POLICY passing ON event FOR SELECT TO citybrain_gateway USING (true);
CREATE POLICY districts ON event FOR SELECT TO citybrain_analyst
    USING (unit IS NULL AND
           ((SELECT citybrain_sees_all()) OR district = ANY ((SELECT citybrain_districts())::text[])));
CREATE POLICY own ON event FOR SELECT TO citybrain_field
    USING (unit = (SELECT citybrain_web_login()) AND
           ((SELECT citybrain_sees_all()) OR district = ANY ((SELECT citybrain_districts())::text[])));
ALTER TABLE dispatch ENABLE ROW LEVEL SECURITY;
CREATE POLICY passing ON dispatch FOR SELECT TO citybrain_gateway USING (true);
CREATE POLICY districts ON dispatch FOR SELECT TO citybrain_analyst
    USING ((SELECT citybrain_sees_all()) OR EXISTS (SELECT FROM violation_id i WHERE i.id = violation_id));
CREATE POLICY sending ON dispatch FOR INSERT TO citybrain_command
    WITH CHECK ((SELECT citybrain_sees_all()) OR EXISTS (SELECT FROM violation_id i WHERE i.id = violation_id));
CREATE POLICY own ON dispatch FOR SELECT TO citybrain_field
    USING (unit = (SELECT citybrain_web_login()));
ALTER TABLE dispatch_answer ENABLE ROW LEVEL SECURITY;
CREATE POLICY passing ON dispatch_answer FOR SELECT TO citybrain_gateway USING (true);
CREATE POLICY following ON dispatch_answer FOR SELECT TO citybrain_analyst, citybrain_field
    USING (EXISTS (SELECT FROM dispatch d WHERE d.id = dispatch_id));
ALTER TABLE field_unit ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON field_unit TO citybrain_field
    USING (unit = (SELECT citybrain_web_login())) WITH CHECK (unit = (SELECT citybrain_web_login()));
CREATE POLICY districts ON field_unit FOR SELECT TO citybrain_reviewer, citybrain_admin
    USING ((SELECT citybrain_sees_all()) OR EXISTS (
        SELECT FROM web_user u WHERE u.login = unit
        AND (u.districts IS NULL OR u.districts && (SELECT citybrain_districts())::text[])));
ALTER TABLE camera_health ENABLE ROW LEVEL SECURITY;
CREATE POLICY passing ON camera_health FOR SELECT TO citybrain_gateway USING (true);
CREATE POLICY districts ON camera_health FOR SELECT
    USING ((SELECT citybrain_sees_all()) OR district = ANY ((SELECT citybrain_districts())::text[]));
CREATE POLICY telling ON camera_health TO citybrain_writer USING (true) WITH CHECK (true);
ALTER TABLE web_search ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON web_search USING (login = (SELECT citybrain_web_login()))
    WITH CHECK (login = (SELECT citybrain_web_login()));
