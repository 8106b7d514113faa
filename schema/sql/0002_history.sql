-- What analysts read: no table, only these views.

CREATE VIEW violation_history AS
SELECT v.id, v.occurred_at, v.camera_id, v.camera_name, v.road, v.district, v.lat, v.lon,
       v.bearing_deg, v.kind, v.severity, v.road_user, v.direction, v.track,
       v.speed_kmh, v.speed_uncertainty_kmh, v.charged_kmh, v.limit_kmh,
       v.lafmax_db, v.lafmax_7m5_db, v.limit_db, v.noise_class, v.confidence, v.azimuth_deg,
       v.certificate, v.software, v.node, v.sequence, v.sealed_at, v.stored_at,
       (SELECT count(*) FROM evidence_media m WHERE m.violation_id = v.id) AS n_media,
       coalesce(r.verdict, 'open') AS review, r.reviewed_at
FROM violation v
LEFT JOIN LATERAL (SELECT verdict, reviewed_at FROM review
                   WHERE violation_id = v.id ORDER BY id DESC LIMIT 1) r ON true;

COMMENT ON VIEW violation_history IS 'Every violation with the newest review; times are UTC instants';
COMMENT ON COLUMN violation_history.id IS 'UUIDv7 of the signed record: the same in alerts and packages';
COMMENT ON COLUMN violation_history.occurred_at IS 'Capture time at the middle of the zone or the peak of the sound';
COMMENT ON COLUMN violation_history.kind IS 'speeding or modified_exhaust';
COMMENT ON COLUMN violation_history.severity IS 'minor, moderate, serious, extreme';
COMMENT ON COLUMN violation_history.speed_kmh IS 'Measured mean speed over the zone, km/h';
COMMENT ON COLUMN violation_history.speed_uncertainty_kmh IS 'Half-width of the 95 % interval, km/h';
COMMENT ON COLUMN violation_history.charged_kmh IS 'Measured less the larger of tolerance and uncertainty, km/h';
COMMENT ON COLUMN violation_history.limit_kmh IS 'Limit in force, km/h';
COMMENT ON COLUMN violation_history.lafmax_db IS 'Maximum A-weighted Fast level at the microphone, dB';
COMMENT ON COLUMN violation_history.lafmax_7m5_db IS 'The same normalised to 7.5 m; NULL when no vehicle gives the distance';
COMMENT ON COLUMN violation_history.limit_db IS 'Limit of LAFmax in force, dB';
COMMENT ON COLUMN violation_history.track IS 'Vehicle at the camera; NULL when the event names none';
COMMENT ON COLUMN violation_history.stored_at IS 'When the record came into this database';
COMMENT ON COLUMN violation_history.n_media IS 'Stills, clips and sample files';
COMMENT ON COLUMN violation_history.review IS 'Newest decision: open, confirmed, rejected, unclear';

CREATE VIEW traffic_history AS
SELECT camera_id, minute_at, sum(n_passages) AS n_passages, sum(n_measured) AS n_measured,
       sum(n_violations) AS n_violations,
       sum(mean_speed_kmh * n_measured) / nullif(sum(n_measured) FILTER (WHERE mean_speed_kmh IS NOT NULL), 0)
           AS mean_speed_kmh,
       max(p85_speed_kmh) AS p85_speed_kmh,
       10 * log(avg(power(10::double precision, laeq_db / 10))) AS laeq_db,
       max(lafmax_db) AS lafmax_db
FROM traffic_minute GROUP BY camera_id, minute_at;
COMMENT ON VIEW traffic_history IS
    'One row a camera and minute; the parts of a minute cut by a restart are joined';
