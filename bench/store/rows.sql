-- :n violations of the year before now, of 500 cameras in 10 districts, as edges would have sent them;
-- two thirds of them decided upon, one in a hundred of these with a plate that some vehicles share.
-- Media of the newest tenth. The record itself is left out: it lies apart from the row (TOAST), and no
-- question reads it. Hashes and signatures have their length and no meaning.
SET session_replication_role = replica; -- no foreign keys are asked, each row is right by itself
SET synchronous_commit = off;
SET work_mem = '256MB';
SET maintenance_work_mem = '1GB';
SELECT setseed(0.5);

CREATE TEMP TABLE index_kept AS
SELECT c.relname AS name, replace(pg_get_indexdef(i.indexrelid), ' ON ONLY ', ' ON ') AS sql FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = 'violation'::regclass AND NOT i.indisprimary;
DO $$ DECLARE n text; BEGIN
    FOR n IN SELECT name FROM index_kept LOOP EXECUTE format('DROP INDEX %I', n); END LOOP;
    -- what is checked of each row when it comes is half the time of making it, and of no account here
    FOR n IN SELECT conname FROM pg_constraint WHERE conrelid = 'violation'::regclass AND contype = 'c'
    LOOP EXECUTE format('ALTER TABLE violation DROP CONSTRAINT %I', n); END LOOP;
    -- nor is the log that a crash would need
    FOR n IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'violation'::regclass
    LOOP EXECUTE format('ALTER TABLE %s SET UNLOGGED', n); END LOOP;
    ALTER TABLE review SET UNLOGGED;
    ALTER TABLE evidence_media SET UNLOGGED;
    ALTER TABLE violation_id DROP CONSTRAINT violation_id_record_sha256_check;
    ALTER TABLE evidence_media DROP CONSTRAINT evidence_media_sha256_check;
END $$;

CREATE TEMP TABLE made AS
SELECT n, at, (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7'
               || substr(h, 1, 3) || '8' || substr(h, 4, 15))::uuid AS id, h, camera,
       road, roll, sort, fast
FROM (SELECT n, now() - interval '1 day' * 365 * (1 - n::float8 / :n) AS at,
             md5(n::text) AS h, 1 + (random() * 499.999)::int AS camera,
             random() AS roll, random() AS sort, random() AS fast
      FROM generate_series(1, :n) n) a
CROSS JOIN LATERAL (SELECT 1 + camera / 5 AS road) b;

INSERT INTO violation_id (id, occurred_at, record_sha256, stored_at, district)
SELECT id, at, h || h, at, 'district ' || camera % 10 FROM made;
INSERT INTO violation (id, occurred_at, sealed_at, stored_at, node, sequence, camera_id, camera_name,
    road, district, lat, lon, bearing_deg, kind, severity, track, road_user, direction, speed_kmh,
    speed_uncertainty_kmh, charged_kmh, limit_kmh, lafmax_db, lafmax_7m5_db, limit_db, noise_class,
    confidence, azimuth_deg, certificate, software, config_sha256, public_key, prev_sha256,
    record_sha256, record_json, signature, lafmax_uncertainty_db, background_correction_db,
    charged_db, incident_id)
SELECT id, at, at + interval '1 s', at + interval '2 s', 'edge-' || camera / 10, n, 'cam-' || camera,
    'Camera ' || camera, 'road ' || road, 'district ' || camera % 10, 22.5 + camera * 0.0002,
    114.0 + camera * 0.0004, camera % 360,
    CASE WHEN sort < 0.9 THEN 'speeding' WHEN sort < 0.99 THEN 'modified_exhaust' ELSE 'chase_racing' END,
    CASE WHEN roll < 0.7 THEN 'minor' WHEN roll < 0.9 THEN 'moderate' WHEN roll < 0.98 THEN 'serious'
         ELSE 'extreme' END,
    n % 100000, CASE WHEN roll < 0.8 THEN 'car' ELSE 'motorcycle' END, 'away',
    CASE WHEN sort < 0.9 OR sort >= 0.99 THEN 66 + 60 * fast ^ 4 END, 0.9,
    CASE WHEN sort < 0.9 OR sort >= 0.99 THEN 63 + 60 * fast ^ 4 END, 60,
    CASE WHEN sort >= 0.9 AND sort < 0.99 THEN 86 + 20 * fast ^ 3 END, NULL,
    CASE WHEN sort >= 0.9 AND sort < 0.99 THEN 85 END,
    CASE WHEN sort >= 0.9 AND sort < 0.99 THEN 'modified_exhaust' END, 0.97, NULL, 'SZ-2026-0117',
    'citybrain 0.2.0 (bench)', h || h, h || h, h || h, h || h, '{}', h || h || h || h,
    NULL, NULL, NULL, 'cam-' || camera || '.' || (extract(epoch FROM at) * 1000)::bigint || '.' || n
FROM made;

INSERT INTO review (violation_id, verdict, reason, reviewer, reviewed_at, plate)
SELECT id, CASE WHEN fast < 0.95 THEN 'confirmed' ELSE 'rejected' END, 'bench', 'li',
       at + interval '1 day',
       CASE WHEN n % 100 = 0 THEN 'A' || lpad((roll * :n / 2000)::int::text, 6, '0') END
FROM made WHERE n % 3 <> 0 AND at < now() - interval '2 days' ORDER BY n;
INSERT INTO evidence_media (violation_id, name, role, media_type, n_bytes, sha256)
SELECT id, k || '.jpg', 'still', 'image/jpeg', 200000, md5(n::text || k) || h
FROM made, generate_series(1, 4) k WHERE n > :n * 0.9;

DO $$ DECLARE s text; BEGIN
    FOR s IN SELECT sql FROM index_kept LOOP EXECUTE s; END LOOP;
END $$;
VACUUM ANALYZE violation, violation_id, review, evidence_media;
