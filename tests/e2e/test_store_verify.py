"""`citybrain verify --db`: a whole store is whole, and whatever was altered in it is named."""

import pytest

import harness
from filled import N


def test_whole_store_is_whole(store):
    code, packages, records = store.verify()
    assert code == 0 and set(packages) == set(store.ids)
    key = packages[store.ids[0]]["public_key"]
    [chain] = [r for r in records if r["type"] == "chain"]
    assert (chain["first"], chain["last"], chain["whole"]) == (1, N, True)
    assert records[-1] == {"type": "summary", "packages": N, "whole": N, "delivered": 0,
                           "erased": 0, "chain_breaks": 0, "key_given": False}
    assert store.verify("--key", key)[0] == 0
    code, packages, _ = store.verify("--key", "ab" * 32)
    assert code == 1 and all(p["faults"][0]["kind"] == "key" for p in packages.values())
    assert store.postgres.query("SELECT count(*) FROM access_log WHERE action = 'verify'",
                                database=store.name) == [(3,)]


def test_part_of_a_store(store):
    at = store.postgres.query("SELECT id::text, to_char(occurred_at AT TIME ZONE 'UTC',"
                              " 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), camera_id FROM violation"
                              " ORDER BY occurred_at", database=store.name)
    code, packages, records = store.verify("--from", at[1][1], "--to", at[4][1])
    assert code == 0 and set(packages) == {row[0] for row in at[1:4]}
    assert records[-1]["chain_breaks"] is None
    assert len(store.verify("--camera", at[0][2])[1]) == N
    done = harness.citybrain("verify", "--db", store.db, "--media", store.media, "--camera", "no")
    assert done.returncode == 1 and "no such violation" in done.stderr


def test_altered_and_missing_media_are_named(store):
    name, sha256 = store.postgres.query(
        "SELECT name, sha256 FROM evidence_media WHERE violation_id = %s ORDER BY name",
        store.ids[2], database=store.name)[0]
    path = store.media / sha256[:2] / sha256[2:]
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    store.expect(("altered", name, "SHA-256"))
    path.write_bytes(data[:-1])
    store.expect(("altered", name, "bytes"))
    path.unlink()
    store.expect(("missing", name, "is not there"))


@pytest.mark.parametrize("column, value, words", [
    ("speed_kmh", "63.5", "is '63.5' in its row, the record says '73.2'"),
    ("kind", "'modified_exhaust'", "the record says 'speeding'"),
    ("charged_kmh", "NULL", "is 'nothing' in its row"),
    ("occurred_at", "occurred_at + interval '1 second'", "in its row"),
    ("camera_id", "'elsewhere'", "is 'elsewhere'"),
    ("record_sha256", f"'{'ab' * 32}'", "abab"),
])
def test_altered_value_is_named(store, column, value, words):
    store.alter(f"UPDATE violation SET {column} = {value} WHERE id = %(id)s")
    store.expect(("row", column, words))


def test_district_that_would_show_it_to_others_is_named(store):
    store.alter("UPDATE violation_id SET district = '南山' WHERE id = %(id)s")
    store.expect(("row", "violation_id.district", "is '南山' in its row"))


def test_altered_record_is_named(store):
    store.alter("UPDATE violation SET record_json = replace(record_json::text, '福田', '南山')::json"
                " WHERE id = %(id)s")
    records = store.expect(("signature", "record.sig", "was altered"),
                           ("row", "district", "福田"), ("row", "record_sha256", "the record says"),
                           ("row", "violation_id.record_sha256", "the record says"),
                           ("row", "violation_id.district", "the record says"),
                           chain=["sequence 4"])
    assert records[-1]["chain_breaks"] == 1


def test_altered_signature_is_named(store):
    store.alter("UPDATE violation SET signature = repeat('0', 128) WHERE id = %(id)s")
    store.expect(("signature", "record.sig", "was altered"))


def test_altered_media_row_is_named(store):
    name = "evidence_media clip.mp4"
    store.alter("UPDATE evidence_media SET n_bytes = 1 WHERE violation_id = %(id)s AND"
                " name = 'clip.mp4'")
    store.expect(("row", name, "clip video/mp4 1 "))
    store.alter("DELETE FROM evidence_media WHERE violation_id = %(id)s AND name = 'clip.mp4'")
    store.expect(("row", name, "is 'nothing'"))
    store.alter("INSERT INTO evidence_media VALUES (%(id)s, 'extra.jpg', 'still', 'image/jpeg', 5,"
                " repeat('a', 64))")
    store.expect(("row", "evidence_media extra.jpg", "says 'nothing'"), ("row", name, "'nothing'"))


def test_deleted_row_is_named(store):
    store.alter("DELETE FROM violation WHERE id = %(id)s")
    store.expect(("record", "record.json", "is gone from the database"), chain=["sequence 4"])
    store.alter("DELETE FROM evidence_media WHERE violation_id = %(id)s",
                "DELETE FROM violation_id WHERE id = %(id)s")
    records = store.expect(chain=["sequence 4"])
    [fault] = [r["fault"] for r in records if r["type"] == "chain_break"]
    assert "1 between are missing" in fault["text"]


def test_deleted_beginning_is_named(store):
    store.ids.insert(2, store.ids.pop(0))
    for table, key in (("violation", "id"), ("evidence_media", "violation_id"),
                       ("violation_id", "id")):
        store.alter(f"DELETE FROM {table} WHERE {key} = %(id)s")
    store.expect(chain=["sequence 2"])


def test_reviewer_may_verify_and_analyst_may_not(store):
    everywhere = "citybrain_all_districts"
    reviewer = store.login("reviewer", "citybrain_reviewer", everywhere)
    analyst = store.login("analyst", "citybrain_analyst", everywhere)
    for db, code in ((reviewer, 0), (analyst, 1)):
        done = harness.citybrain("verify", "--db", db, "--media", store.media)
        assert done.returncode == code, done.stderr
    assert "permission denied" in done.stderr


def test_who_sees_a_district_only_proves_no_whole_store(store):
    """What is hidden from a login must not look like what is lost."""
    db = store.login("local", "citybrain_reviewer")
    done = harness.citybrain("verify", "--db", db, "--media", store.media)
    assert done.returncode == 1 and "citybrain_all_districts" in done.stderr
    assert "BROKEN" not in done.stdout and "NOT WHOLE" not in done.stdout


@pytest.mark.parametrize("words, expected", [
    (["--db", "x"], "--media DIR"), (["--media", "/tmp"], "belong to --db"),
    (["--db", "x", "--media", "/tmp", "/tmp"], "either PATH or --db"),
    (["--db", "x", "--media", "/tmp", "--from", "noon"], "--from noon: expected a time"),
    (["--db", "x", "--media", "/tmp", "--camera", "c", "--chain"], "only a whole store"),
])
def test_wrong_words_are_refused(words, expected):
    done = harness.citybrain("verify", *words)
    assert done.returncode == 2 and expected in done.stderr


def test_database_that_is_away(store, tmp_path):
    done = harness.citybrain("verify", "--db", f"host={tmp_path} dbname=x", "--media", store.media)
    assert done.returncode == 1 and "PostgreSQL" in done.stderr
    done = harness.citybrain("verify", "--db", store.db, "--media", tmp_path / "nowhere")
    assert done.returncode == 1 and "nowhere" in done.stderr
