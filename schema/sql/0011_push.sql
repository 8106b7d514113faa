-- Web Push (RFC 8030): where the browser of a unit's session wants to be told when its page is closed.

-- As 0010's, and which session it is, for what belongs to one.
CREATE OR REPLACE FUNCTION citybrain_enter(token_sha256 bytea, OUT login text, OUT name text, OUT role text,
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
    PERFORM set_config('citybrain.session', encode($1, 'hex'), true);
    RETURN NEXT;
END $$;

-- It ends with the session: nobody is told on a phone that has been handed on.
CREATE TABLE push_subscription (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    token_sha256 bytea NOT NULL UNIQUE REFERENCES web_session (token_sha256) ON DELETE CASCADE,
    login        text NOT NULL REFERENCES web_user (login) ON DELETE CASCADE,
    endpoint     text NOT NULL UNIQUE CHECK (length(endpoint) <= 1024),
    p256dh       text NOT NULL,
    auth         text NOT NULL,
    language     text NOT NULL CHECK (language IN ('zh', 'en')),
    position     bigint NOT NULL,
    due_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    n_failed     integer NOT NULL DEFAULT 0,
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX ON push_subscription (login);
COMMENT ON TABLE push_subscription IS
    'Where a field unit''s browser wants to be told when its page is closed: one a session, and no longer';
COMMENT ON COLUMN push_subscription.endpoint IS 'Resource of the push service (RFC 8030)';
COMMENT ON COLUMN push_subscription.p256dh IS 'The browser''s P-256 key, base64url (RFC 8291)';
COMMENT ON COLUMN push_subscription.auth IS 'Its secret of 16 bytes, base64url (RFC 8291)';
COMMENT ON COLUMN push_subscription.position IS 'The push service has taken what came up to this event';
COMMENT ON COLUMN push_subscription.due_at IS
    'Not before this: a gateway is sending, or the push service asked for time';

CREATE FUNCTION citybrain_push_put(endpoint text, p256dh text, auth text, language text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    token bytea := decode(current_setting('citybrain.session', true), 'hex');
    me    text := citybrain_web_login();
    told  bigint;
BEGIN
    -- the same browser in another session goes on where it was; another user of it begins anew
    SELECT max(s.position) INTO told FROM push_subscription s
    WHERE s.login = me AND (s.token_sha256 = token OR s.endpoint = $1);
    DELETE FROM push_subscription s WHERE s.endpoint = $1 AND s.token_sha256 <> token;
    INSERT INTO push_subscription AS s (token_sha256, login, endpoint, p256dh, auth, language, position)
    VALUES (token, me, $1, $2, $3, $4, coalesce(told, citybrain_event_head(), 0))
    ON CONFLICT (token_sha256) DO UPDATE SET endpoint = excluded.endpoint, p256dh = excluded.p256dh,
        auth = excluded.auth, language = excluded.language, due_at = clock_timestamp(), n_failed = 0;
END $$;
COMMENT ON FUNCTION citybrain_push_put(text, text, text, text) IS
    'The session that asks wants to be told there, of what comes from now on';

CREATE FUNCTION citybrain_push_delete() RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    DELETE FROM push_subscription s
    WHERE s.token_sha256 = decode(current_setting('citybrain.session', true), 'hex')
$$;
COMMENT ON FUNCTION citybrain_push_delete() IS 'The session that asks no longer wants to be told';

-- The oldest event that is due at each subscription, of at most so many; a minute long they are no
-- other gateway's. Not what the unit has answered already, and not what is older than it is worth.
CREATE FUNCTION citybrain_push_claim(most integer, nearby_s integer, assigned_s integer)
    RETURNS TABLE (id bigint, login text, endpoint text, p256dh text, auth text, language text,
                   "position" bigint, why text, violation_id uuid, occurred_at timestamptz, ttl_s integer)
    LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH due AS (
        SELECT s.id, e.position, e.kind, e.violation_id, e.occurred_at, e.ttl_s
        FROM push_subscription s
        JOIN web_session w ON w.token_sha256 = s.token_sha256
            AND w.seen_at > clock_timestamp() - interval '12 hours'
            AND w.created_at > clock_timestamp() - interval '7 days'
        JOIN web_user u ON u.login = s.login AND u.role = 'field' AND u.disabled_at IS NULL
        CROSS JOIN LATERAL (
            SELECT e.*, (k.within_s - extract(epoch FROM clock_timestamp() - e.at))::integer AS ttl_s
            FROM event e
            JOIN (VALUES ('nearby', $2), ('assigned', $3)) k(kind, within_s) USING (kind)
            WHERE e.unit = s.login AND e.position > s.position
              AND e.at > clock_timestamp() - make_interval(secs => k.within_s)
              AND (u.districts IS NULL OR e.district = ANY (u.districts))
              AND NOT EXISTS (SELECT FROM dispatch_answer a WHERE a.dispatch_id = e.dispatch_id)
              AND NOT (e.kind = 'nearby' AND EXISTS (SELECT FROM dispatch d
                  WHERE d.violation_id = e.violation_id AND d.unit = s.login))
            ORDER BY e.position LIMIT 1) e
        WHERE s.due_at <= clock_timestamp()
        ORDER BY e.position LIMIT $1
        FOR UPDATE OF s SKIP LOCKED)
    UPDATE push_subscription s SET due_at = clock_timestamp() + interval '1 minute'
    FROM due d WHERE s.id = d.id
    RETURNING s.id, s.login, s.endpoint, s.p256dh, s.auth, s.language, d.position, d.kind,
        d.violation_id, d.occurred_at, greatest(1, d.ttl_s)
$$;
COMMENT ON FUNCTION citybrain_push_claim(integer, integer, integer) IS
    'What is to be sent to push services now, one event a subscription; the gateway calls it';

-- retry_s NULL: taken; negative: the subscription is no more; else: not now, and how long it asked for.
CREATE FUNCTION citybrain_push_done(id bigint, "position" bigint, retry_s integer) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF $3 IS NULL THEN
        INSERT INTO access_log (who, action, violation_id, detail)
        SELECT 'web:' || s.login, 'push', e.violation_id, e.kind
        FROM push_subscription s, event e WHERE s.id = $1 AND e.position = $2;
        UPDATE push_subscription s SET position = greatest(s.position, $2), due_at = clock_timestamp(),
            n_failed = 0 WHERE s.id = $1;
    ELSIF $3 < 0 THEN
        DELETE FROM push_subscription s WHERE s.id = $1;
    ELSE
        UPDATE push_subscription s SET n_failed = s.n_failed + 1, due_at = clock_timestamp() +
            make_interval(secs => greatest($3, least(300, 2 * 2 ^ least(s.n_failed, 10)))) WHERE s.id = $1;
    END IF;
END $$;
COMMENT ON FUNCTION citybrain_push_done(bigint, bigint, integer) IS
    'What became of what was claimed: taken, or to be sent again later, or nobody is there any more';

REVOKE ALL ON push_subscription FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION citybrain_push_put(text, text, text, text), citybrain_push_delete(),
    citybrain_push_claim(integer, integer, integer), citybrain_push_done(bigint, bigint, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION citybrain_push_put(text, text, text, text), citybrain_push_delete()
    TO citybrain_field;
GRANT EXECUTE ON FUNCTION citybrain_push_claim(integer, integer, integer),
    citybrain_push_done(bigint, bigint, integer) TO citybrain_gateway;
