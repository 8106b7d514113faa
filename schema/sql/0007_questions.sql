-- The questions analysts ask, on millions of rows: indexes, a view whose parts cost nothing unless
-- they are asked for, and vehicles that came more than once.

CREATE INDEX ON violation (kind, occurred_at DESC);
CREATE INDEX ON violation (severity, occurred_at DESC);
CREATE INDEX ON violation (road, occurred_at DESC);
CREATE INDEX ON violation (speed_kmh, occurred_at DESC) WHERE speed_kmh IS NOT NULL;
CREATE INDEX ON violation (lafmax_db, occurred_at DESC) WHERE lafmax_db IS NOT NULL;

-- No program reads plates here. A reviewer who reads one on the close-up notes it with the decision,
-- and a vehicle that comes again is known by it.
ALTER TABLE review ADD COLUMN plate text CHECK (
    length(plate) BETWEEN 3 AND 12 AND plate = upper(plate) AND plate !~ '[[:space:][:punct:][:cntrl:]]');
COMMENT ON COLUMN review.plate IS
    'Registration plate as the reviewer read it, capitals and digits without spaces; NULL: not read';
CREATE INDEX ON review (plate, violation_id) WHERE plate IS NOT NULL;
GRANT INSERT (plate) ON review TO citybrain_reviewer;

-- People write 粤B·12345 and 粤b 12345 for the same vehicle.
CREATE FUNCTION citybrain_plate(written text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT upper(regexp_replace(written, '[[:space:][:punct:]·]', '', 'g'))
$$;
COMMENT ON FUNCTION citybrain_plate(text) IS 'A plate as it is stored: capitals and digits alone';
CREATE FUNCTION citybrain_write_plate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.plate := nullif(citybrain_plate(NEW.plate), '');
    RETURN NEW;
END $$;
COMMENT ON FUNCTION citybrain_write_plate() IS 'Trigger of review: stores a plate in its one form';
CREATE TRIGGER plate BEFORE INSERT ON review FOR EACH ROW WHEN (NEW.plate IS NOT NULL)
    EXECUTE FUNCTION citybrain_write_plate();

-- Which district an id is of: what follows a violation (media, decisions, holds) is shown by one look
-- at this table, not by looking for the violation in every month.
ALTER TABLE violation_id ADD COLUMN district text;
UPDATE violation_id i SET district = v.district FROM violation v
WHERE v.id = i.id AND v.occurred_at = i.occurred_at AND v.district IS NOT NULL;
COMMENT ON COLUMN violation_id.district IS 'As in violation; it stays when the evidence is erased';

DROP POLICY districts ON violation_id;
CREATE POLICY districts ON violation_id FOR SELECT TO citybrain_analyst
    USING ((SELECT citybrain_sees_all()) OR district = ANY ((SELECT citybrain_districts())::text[]));
ALTER POLICY districts ON evidence_media
    USING ((SELECT citybrain_sees_all()) OR EXISTS (SELECT FROM violation_id i WHERE i.id = violation_id));
ALTER POLICY districts ON review
    USING ((SELECT citybrain_sees_all()) OR EXISTS (SELECT FROM violation_id i WHERE i.id = violation_id));
ALTER POLICY deciding ON review
    WITH CHECK ((SELECT citybrain_sees_all()) OR EXISTS (SELECT FROM violation_id i WHERE i.id = violation_id));
ALTER POLICY districts ON legal_hold
    USING ((SELECT citybrain_sees_all()) OR EXISTS (SELECT FROM violation_id i WHERE i.id = violation_id));
ALTER POLICY holding ON legal_hold
    WITH CHECK ((SELECT citybrain_sees_all()) OR EXISTS (SELECT FROM violation_id i WHERE i.id = violation_id));

-- The view reads as who asks, whom row security binds. It was a fence (security_barrier) before: all
-- that a login may see was gathered and sorted, sub-selects and all, before the newest 100 were taken.
-- Now order and limit reach the indexes, sub-selects are made of the rows that are given, and one that
-- nobody asks for is not made. Row security itself keeps conditions of the asker's own from hidden rows.
-- The other vehicles of an incident are near in time: they are looked for in a month or two, not in all.
GRANT SELECT (id, occurred_at, camera_id, camera_name, road, district, lat, lon, bearing_deg, kind,
    severity, road_user, direction, track, speed_kmh, speed_uncertainty_kmh, charged_kmh, limit_kmh,
    lafmax_db, lafmax_7m5_db, limit_db, noise_class, confidence, azimuth_deg, certificate, software,
    node, sequence, sealed_at, stored_at, lafmax_uncertainty_db, background_correction_db, charged_db,
    incident_id) ON violation TO citybrain_analyst;
GRANT SELECT (violation_id) ON evidence_media TO citybrain_analyst;
GRANT SELECT (id, violation_id, verdict, reviewed_at, plate) ON review TO citybrain_analyst;
GRANT SELECT (id, occurred_at) ON violation_id TO citybrain_analyst;

CREATE OR REPLACE VIEW violation_history WITH (security_invoker) AS
SELECT v.id, v.occurred_at, v.camera_id, v.camera_name, v.road, v.district, v.lat, v.lon,
       v.bearing_deg, v.kind, v.severity, v.road_user, v.direction, v.track,
       v.speed_kmh, v.speed_uncertainty_kmh, v.charged_kmh, v.limit_kmh,
       v.lafmax_db, v.lafmax_7m5_db, v.limit_db, v.noise_class, v.confidence, v.azimuth_deg,
       v.certificate, v.software, v.node, v.sequence, v.sealed_at, v.stored_at,
       (SELECT count(*) FROM evidence_media m WHERE m.violation_id = v.id) AS n_media,
       coalesce((SELECT r.verdict FROM review r WHERE r.violation_id = v.id
                 ORDER BY r.id DESC LIMIT 1), 'new') AS review,
       (SELECT r.reviewed_at FROM review r WHERE r.violation_id = v.id
        ORDER BY r.id DESC LIMIT 1) AS reviewed_at,
       v.lafmax_uncertainty_db, v.background_correction_db, v.charged_db,
       v.incident_id,
       (SELECT count(DISTINCT i.track) FROM violation i WHERE i.incident_id = v.incident_id
           AND i.occurred_at BETWEEN v.occurred_at - interval '1 hour'
                                 AND v.occurred_at + interval '1 hour') AS incident_vehicles,
       (SELECT r.plate FROM review r WHERE r.violation_id = v.id AND r.plate IS NOT NULL
        ORDER BY r.id DESC LIMIT 1) AS plate
FROM violation v;
COMMENT ON COLUMN violation_history.incident_vehicles IS
    'Different vehicles of the incident within an hour; 1: the violation stands alone';
COMMENT ON COLUMN violation_history.plate IS
    'Registration plate that a reviewer read last; NULL: none was read';

-- The newest plate of a violation counts, as its newest verdict does.
CREATE VIEW vehicle_history WITH (security_invoker) AS
SELECT r.plate, v.id, v.occurred_at, v.camera_id, v.road, v.district, v.kind, v.severity,
       v.speed_kmh, v.limit_kmh, v.lafmax_db
FROM review r
JOIN violation_id i ON i.id = r.violation_id
JOIN violation v ON v.id = i.id AND v.occurred_at = i.occurred_at
WHERE r.plate IS NOT NULL
  AND NOT EXISTS (SELECT FROM review n WHERE n.violation_id = r.violation_id AND n.id > r.id
                  AND n.plate IS NOT NULL);
COMMENT ON VIEW vehicle_history IS
    'Violations whose vehicle''s plate a reviewer has read: one row each, by plate';

CREATE VIEW repeated_vehicle WITH (security_invoker) AS
SELECT plate, count(*) AS n_violations, min(occurred_at) AS first_at, max(occurred_at) AS last_at,
       count(DISTINCT camera_id) AS n_cameras, array_agg(DISTINCT kind) AS kinds
FROM vehicle_history GROUP BY plate HAVING count(*) > 1;
COMMENT ON VIEW repeated_vehicle IS
    'Vehicles with more than one violation in the districts that the login sees';

REVOKE ALL ON vehicle_history, repeated_vehicle FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION citybrain_write_plate() FROM PUBLIC;
GRANT SELECT ON vehicle_history, repeated_vehicle TO citybrain_analyst;
GRANT EXECUTE ON FUNCTION citybrain_plate(text) TO citybrain_analyst;

-- Compiling a plan of many months takes seconds, which none of these questions does.
DO $$ BEGIN
    EXECUTE format('ALTER DATABASE %I SET jit = off', current_database());
END $$;

-- What had no words yet.
COMMENT ON FUNCTION citybrain_refuse_change() IS 'Trigger of tables to which rows are only added';
COMMENT ON FUNCTION citybrain_log_access(text, uuid, text) IS
    'Adds a line to access_log in the name of the login: action, violation or NULL, detail';
COMMENT ON FUNCTION citybrain_check_review() IS 'Trigger of review: only steps of review_step';
COMMENT ON FUNCTION citybrain_sees_all() IS 'Whether the login is a member of citybrain_all_districts';
COMMENT ON FUNCTION citybrain_districts() IS 'The districts that district_access gives the login';
COMMENT ON FUNCTION citybrain_is_held(uuid) IS 'Whether the newest row of legal_hold holds a violation';
COMMENT ON FUNCTION citybrain_check_hold() IS 'Trigger of legal_hold: nothing erased is held';
COMMENT ON FUNCTION citybrain_sign_retention() IS 'Trigger of retention: notes who changed it, and when';
COMMENT ON TABLE violation_default IS
    'Violations of months without a partition; they move when citybrain_make_partition makes it';
COMMENT ON COLUMN violation_history.camera_id IS 'id of the camera in city.yaml';
COMMENT ON COLUMN violation_history.camera_name IS 'name of the camera, for people';
COMMENT ON COLUMN violation_history.road IS 'Road as configured at the camera';
COMMENT ON COLUMN violation_history.district IS 'District: who sees the row is decided by it';
COMMENT ON COLUMN violation_history.lat IS 'Latitude of the camera, degrees (WGS 84 unless configured otherwise)';
COMMENT ON COLUMN violation_history.lon IS 'Longitude of the camera, degrees';
COMMENT ON COLUMN violation_history.bearing_deg IS 'Where the camera looks, degrees clockwise from north';
COMMENT ON COLUMN violation_history.road_user IS 'Class: car, truck, bus, motorcycle, bicycle, pedestrian, unknown';
COMMENT ON COLUMN violation_history.direction IS 'Of the vehicle as seen from the camera: toward, away';
COMMENT ON COLUMN violation_history.limit_db IS 'Limit of LAFmax in force, dB';
COMMENT ON COLUMN violation_history.noise_class IS 'What the sound was taken for';
COMMENT ON COLUMN violation_history.confidence IS 'That it was of this class, 0 to 1';
COMMENT ON COLUMN violation_history.azimuth_deg IS 'Where the sound came from, degrees clockwise from the road''s direction';
COMMENT ON COLUMN violation_history.certificate IS 'Certificate of the calibration';
COMMENT ON COLUMN violation_history.software IS 'Version that measured';
COMMENT ON COLUMN violation_history.node IS 'Edge that sealed the record';
COMMENT ON COLUMN violation_history.sequence IS 'Number of the record in its node''s chain, from 1';
COMMENT ON COLUMN violation_history.sealed_at IS 'When the record was signed';
COMMENT ON COLUMN violation_history.reviewed_at IS 'When the newest decision was made; NULL: none yet';
COMMENT ON COLUMN traffic_history.camera_id IS 'id of the camera in city.yaml';
COMMENT ON COLUMN traffic_history.minute_at IS 'Beginning of the minute';
COMMENT ON COLUMN traffic_history.n_passages IS 'Road users that crossed the zone';
COMMENT ON COLUMN traffic_history.n_measured IS 'Of these, how many have a speed';
COMMENT ON COLUMN traffic_history.n_violations IS 'Of these, how many were charged';
COMMENT ON COLUMN traffic_history.mean_speed_kmh IS 'Mean speed; NULL of fewer than three vehicles';
COMMENT ON COLUMN traffic_history.p85_speed_kmh IS '85th percentile; of a minute in parts the larger of the parts''';
COMMENT ON COLUMN traffic_history.laeq_db IS 'Equivalent A-weighted level, dB';
COMMENT ON COLUMN traffic_history.lafmax_db IS 'Maximum A-weighted Fast level, dB';
COMMENT ON COLUMN vehicle_history.plate IS 'Registration plate as the reviewer read it';
COMMENT ON COLUMN vehicle_history.id IS 'The violation, as in violation_history; so the columns below';
COMMENT ON COLUMN vehicle_history.occurred_at IS 'When it occurred';
COMMENT ON COLUMN vehicle_history.camera_id IS 'At which camera';
COMMENT ON COLUMN vehicle_history.road IS 'On which road';
COMMENT ON COLUMN vehicle_history.district IS 'In which district';
COMMENT ON COLUMN vehicle_history.kind IS 'speeding, modified_exhaust or chase_racing';
COMMENT ON COLUMN vehicle_history.severity IS 'minor, moderate, serious, extreme';
COMMENT ON COLUMN vehicle_history.speed_kmh IS 'Measured speed, km/h';
COMMENT ON COLUMN vehicle_history.limit_kmh IS 'Limit in force, km/h';
COMMENT ON COLUMN vehicle_history.lafmax_db IS 'Maximum level, dB';
COMMENT ON COLUMN repeated_vehicle.plate IS 'Registration plate';
COMMENT ON COLUMN repeated_vehicle.n_violations IS 'Violations of all times that are still kept';
COMMENT ON COLUMN repeated_vehicle.first_at IS 'The first of them';
COMMENT ON COLUMN repeated_vehicle.last_at IS 'The last of them';
COMMENT ON COLUMN repeated_vehicle.n_cameras IS 'At how many cameras';
COMMENT ON COLUMN repeated_vehicle.kinds IS 'Of which kinds';
COMMENT ON COLUMN retention_due.keep IS 'How long it was to be kept';
