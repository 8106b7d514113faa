-- What a level of sound was charged with, and incidents: violations near to each other.

ALTER TABLE violation
    ADD COLUMN lafmax_uncertainty_db    double precision,
    ADD COLUMN background_correction_db double precision,
    ADD COLUMN charged_db               double precision,
    ADD COLUMN incident_id              text;
COMMENT ON COLUMN violation.incident_id IS
    'Incident that the violation belongs to; violations with the same one were near to each other';

ALTER TABLE violation DROP CONSTRAINT violation_kind_check;
ALTER TABLE violation ADD CONSTRAINT violation_kind_check
    CHECK (kind IN ('speeding', 'modified_exhaust', 'chase_racing'));

CREATE INDEX ON violation (incident_id);

-- incident_vehicles counts what is stored of the incident by now, so that the first violation,
-- whose record was signed before the others happened, tells the same as the last. Its vehicles
-- are the different tracks; the incident's own record (kind chase_racing) has none.
CREATE OR REPLACE VIEW violation_history AS
SELECT v.id, v.occurred_at, v.camera_id, v.camera_name, v.road, v.district, v.lat, v.lon,
       v.bearing_deg, v.kind, v.severity, v.road_user, v.direction, v.track,
       v.speed_kmh, v.speed_uncertainty_kmh, v.charged_kmh, v.limit_kmh,
       v.lafmax_db, v.lafmax_7m5_db, v.limit_db, v.noise_class, v.confidence, v.azimuth_deg,
       v.certificate, v.software, v.node, v.sequence, v.sealed_at, v.stored_at,
       (SELECT count(*) FROM evidence_media m WHERE m.violation_id = v.id) AS n_media,
       coalesce(r.verdict, 'open') AS review, r.reviewed_at,
       v.lafmax_uncertainty_db, v.background_correction_db, v.charged_db,
       v.incident_id,
       (SELECT count(DISTINCT i.track) FROM violation i WHERE i.incident_id = v.incident_id)
           AS incident_vehicles
FROM violation v
LEFT JOIN LATERAL (SELECT verdict, reviewed_at FROM review
                   WHERE violation_id = v.id ORDER BY id DESC LIMIT 1) r ON true;

COMMENT ON COLUMN violation_history.kind IS 'speeding, modified_exhaust or chase_racing';
COMMENT ON COLUMN violation_history.lafmax_uncertainty_db IS 'Half-width of the 95 % interval of lafmax_db, dB';
COMMENT ON COLUMN violation_history.background_correction_db IS 'Deducted for the background, as energies';
COMMENT ON COLUMN violation_history.charged_db IS 'Level less correction and the larger of tolerance and uncertainty, dB';
COMMENT ON COLUMN violation_history.incident_id IS 'The same for violations of vehicles near to each other; NULL when no vehicle is named';
COMMENT ON COLUMN violation_history.incident_vehicles IS 'Different vehicles of the incident; 1: the violation stands alone';
