-- Rights, not logins: an administrator grants these roles to logins (docs/operations.md).
-- Roles belong to the whole cluster, so another citybrain database may have made them already.

DO $$
DECLARE
    r text;
BEGIN
    FOREACH r IN ARRAY ARRAY['citybrain_writer', 'citybrain_analyst', 'citybrain_reviewer',
                             'citybrain_admin'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = r) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', r);
        END IF;
    END LOOP;
END $$;

REVOKE ALL ON violation_id, violation, violation_default, evidence_media, review, traffic_minute,
    access_log, violation_history, traffic_history FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION citybrain_log_access(text, uuid, text),
    citybrain_make_partition(date), citybrain_make_partitions(integer) FROM PUBLIC;

GRANT USAGE ON SCHEMA public TO citybrain_writer, citybrain_analyst, citybrain_reviewer,
    citybrain_admin;

-- The store's login adds rows and does no more. It may see whether it has stored an id, and
-- what that record's hash was: a second delivery is then answered without a second row.
GRANT INSERT ON violation_id, violation, evidence_media, traffic_minute TO citybrain_writer;
GRANT SELECT (id, record_sha256) ON violation_id TO citybrain_writer;

GRANT SELECT ON violation_history, traffic_history TO citybrain_analyst;
GRANT EXECUTE ON FUNCTION citybrain_log_access(text, uuid, text) TO citybrain_analyst;

-- A reviewer sees the evidence itself and adds decisions; the decision's author is the login.
GRANT citybrain_analyst TO citybrain_reviewer;
GRANT SELECT ON violation_id, violation, evidence_media, review TO citybrain_reviewer;
GRANT INSERT (violation_id, verdict, reason) ON review TO citybrain_reviewer;

-- An administrator keeps months and reads the access log; evidence and log stay as they are.
GRANT citybrain_analyst TO citybrain_admin;
GRANT SELECT ON access_log, traffic_minute TO citybrain_admin;
GRANT EXECUTE ON FUNCTION citybrain_make_partition(date), citybrain_make_partitions(integer)
    TO citybrain_admin;
ALTER FUNCTION citybrain_make_partition(date) SECURITY DEFINER SET search_path = public, pg_temp;
ALTER FUNCTION citybrain_make_partitions(integer) SECURITY DEFINER SET search_path = public, pg_temp;
