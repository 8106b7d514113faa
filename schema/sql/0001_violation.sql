-- Violations, their media, reviews, aggregates and the log of who read what.
-- Applied by `citybrain migrate`, in one transaction; never edited once released: add a new file.

-- One row a violation, whatever its month: the primary key that makes storing exactly once.
-- A partitioned table can only be unique together with its partition key; this one is not
-- partitioned, so the same id can never come in twice under two times.
CREATE TABLE violation_id (
    id            uuid PRIMARY KEY,
    occurred_at   timestamptz NOT NULL,
    record_sha256 text NOT NULL CHECK (record_sha256 ~ '^[0-9a-f]{64}$'),
    stored_at     timestamptz NOT NULL DEFAULT now(),
    UNIQUE (id, occurred_at)
);
COMMENT ON TABLE violation_id IS
    'Every stored violation once, over all months: the key that makes delivery exactly once';

CREATE TABLE violation (
    id              uuid NOT NULL,
    occurred_at     timestamptz NOT NULL,
    sealed_at       timestamptz NOT NULL,
    stored_at       timestamptz NOT NULL DEFAULT now(),
    node            text NOT NULL,
    sequence        bigint NOT NULL CHECK (sequence > 0),
    camera_id       text NOT NULL,
    camera_name     text,
    road            text,
    district        text,
    lat             double precision CHECK (lat BETWEEN -90 AND 90),
    lon             double precision CHECK (lon BETWEEN -180 AND 180),
    bearing_deg     double precision,
    kind            text NOT NULL CHECK (kind IN ('speeding', 'modified_exhaust')),
    severity        text NOT NULL CHECK (severity IN ('minor', 'moderate', 'serious', 'extreme')),
    track           bigint,
    road_user       text,
    direction       text,
    speed_kmh             double precision,
    speed_uncertainty_kmh double precision,
    charged_kmh           double precision,
    limit_kmh             double precision,
    lafmax_db       double precision,
    lafmax_7m5_db   double precision,
    limit_db        double precision,
    noise_class     text,
    confidence      double precision CHECK (confidence BETWEEN 0 AND 1),
    azimuth_deg     double precision,
    certificate     text,
    software        text,
    config_sha256   text,
    public_key      text NOT NULL CHECK (public_key ~ '^[0-9a-f]{64}$'),
    prev_sha256     text NOT NULL CHECK (prev_sha256 ~ '^[0-9a-f]{64}$'),
    record_sha256   text NOT NULL CHECK (record_sha256 ~ '^[0-9a-f]{64}$'),
    record_json     json NOT NULL,
    signature       text NOT NULL CHECK (signature ~ '^[0-9a-f]{128}$'),
    PRIMARY KEY (id, occurred_at),
    FOREIGN KEY (id, occurred_at) REFERENCES violation_id (id, occurred_at)
) PARTITION BY RANGE (occurred_at);
COMMENT ON TABLE violation IS
    'One signed record a violation; partitioned by month (UTC) of occurred_at';
COMMENT ON COLUMN violation.record_json IS
    'The very bytes that were signed (type json keeps them; jsonb would not)';
COMMENT ON COLUMN violation.signature IS 'Ed25519 of record_json by public_key, hex';
COMMENT ON COLUMN violation.sequence IS 'Number of the record in its node''s chain, from 1';
COMMENT ON COLUMN violation.track IS 'The vehicle; NULL when the event names none';

CREATE INDEX ON violation (occurred_at DESC);
CREATE INDEX ON violation (camera_id, occurred_at DESC);
CREATE INDEX ON violation (district, occurred_at DESC);
CREATE INDEX ON violation (node, sequence);

-- Whatever has no month of its own yet (a camera's clock gone astray, nobody made the month).
CREATE TABLE violation_default PARTITION OF violation DEFAULT;

CREATE TABLE evidence_media (
    violation_id uuid NOT NULL REFERENCES violation_id (id),
    name         text NOT NULL,
    role         text NOT NULL,
    media_type   text NOT NULL,
    n_bytes      bigint NOT NULL CHECK (n_bytes >= 0),
    sha256       text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    PRIMARY KEY (violation_id, name)
);
CREATE INDEX ON evidence_media (sha256);
COMMENT ON TABLE evidence_media IS
    'Files of a violation; the bytes lie in the media folder under sha256[0:2]/sha256[2:]';

CREATE TABLE review (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    violation_id uuid NOT NULL REFERENCES violation_id (id),
    verdict      text NOT NULL CHECK (verdict IN ('confirmed', 'rejected', 'unclear')),
    reason       text NOT NULL DEFAULT '',
    reviewer     text NOT NULL DEFAULT session_user,
    reviewed_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON review (violation_id, id DESC);
COMMENT ON TABLE review IS 'What people decided; append only: the newest row of a violation counts';

CREATE TABLE traffic_minute (
    camera_id    text NOT NULL,
    minute_at    timestamptz NOT NULL CHECK (date_trunc('minute', minute_at) = minute_at),
    from_s       smallint NOT NULL DEFAULT 0 CHECK (from_s BETWEEN 0 AND 59),
    n_passages   integer NOT NULL CHECK (n_passages >= 0),
    n_measured   integer NOT NULL CHECK (n_measured BETWEEN 0 AND n_passages),
    n_violations integer NOT NULL CHECK (n_violations >= 0),
    mean_speed_kmh double precision,
    p85_speed_kmh  double precision,
    laeq_db      double precision,
    lafmax_db    double precision,
    stored_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (camera_id, minute_at, from_s),
    -- of fewer than three vehicles a mean would tell one vehicle's speed
    CHECK (n_measured >= 3 OR (mean_speed_kmh IS NULL AND p85_speed_kmh IS NULL))
);
CREATE INDEX ON traffic_minute (minute_at);
COMMENT ON TABLE traffic_minute IS
    'All that is kept of those who kept the rules: counts, speeds and sound per camera and minute';
COMMENT ON COLUMN traffic_minute.from_s IS
    'Second of the minute at which counting began; 0 but after a start within the minute';

CREATE TABLE access_log (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at           timestamptz NOT NULL DEFAULT clock_timestamp(),
    who          text NOT NULL,
    action       text NOT NULL,
    violation_id uuid,
    detail       text NOT NULL DEFAULT ''
);
CREATE INDEX ON access_log (violation_id, at);
COMMENT ON TABLE access_log IS 'Who read or decided what, and when; written by citybrain_log_access';

-- Append only, for the owner too: a row that is there stays as it is.
CREATE FUNCTION citybrain_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON review
    FOR EACH STATEMENT EXECUTE FUNCTION citybrain_refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON access_log
    FOR EACH STATEMENT EXECUTE FUNCTION citybrain_refuse_change();

-- `who` is the login, never a parameter: nobody writes the log in another's name.
CREATE FUNCTION citybrain_log_access(action text, violation_id uuid, detail text) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    INSERT INTO access_log (who, action, violation_id, detail)
    VALUES (session_user, $1, $2, coalesce($3, ''))
$$;

-- One month's partition, [month, month + 1) in UTC. Rows of that month which lie in the default
-- partition move. Returns whether it made one.
CREATE FUNCTION citybrain_make_partition(month date) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    first_day timestamp := date_trunc('month', month::timestamp);
    from_at   timestamptz := first_day AT TIME ZONE 'UTC';
    to_at     timestamptz := (first_day + interval '1 month') AT TIME ZONE 'UTC';
    part      text := 'violation_' || to_char(first_day, 'YYYY_MM');
BEGIN
    IF to_regclass('public.' || part) IS NOT NULL THEN
        RETURN false;
    END IF;
    LOCK TABLE violation IN SHARE ROW EXCLUSIVE MODE;
    EXECUTE format('CREATE TABLE public.%I (LIKE public.violation INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', part);
    EXECUTE format('WITH moved AS (DELETE FROM public.violation_default
                    WHERE occurred_at >= %L AND occurred_at < %L RETURNING *)
                    INSERT INTO public.%I SELECT * FROM moved', from_at, to_at, part);
    EXECUTE format('ALTER TABLE public.violation ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
                   part, from_at, to_at);
    RETURN true;
END $$;
COMMENT ON FUNCTION citybrain_make_partition(date) IS 'Makes the partition of one month (UTC)';

-- The month before, this one and n months ahead. Returns how many were made.
CREATE FUNCTION citybrain_make_partitions(n integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    this date := date_trunc('month', now() AT TIME ZONE 'UTC')::date;
    made integer := 0;
BEGIN
    FOR i IN -1..n LOOP
        IF citybrain_make_partition((this + make_interval(months => i))::date) THEN
            made := made + 1;
        END IF;
    END LOOP;
    RETURN made;
END $$;
COMMENT ON FUNCTION citybrain_make_partitions(integer) IS
    'Makes the partitions of last month, this month and n months ahead; `citybrain migrate` calls it';
