"""`citybrain verify --db`: a whole store is whole, and whatever was altered in it is named."""
import itertools
import json
import shutil

import psycopg
import pytest

import harness
from rig import Outbox, Rig, make

N = 6
numbers = itertools.count()


class Store:
    """A database and a media folder as a store has left them; six records of one chain."""

    def __init__(self, postgres, name, media, ids):
        self.postgres, self.name, self.media, self.ids = postgres, name, media, ids
        self.db = postgres.conninfo(name)

    @classmethod
    def filled(cls, folder, sockets, postgres):
        media, outbox = folder / "media", Outbox(folder / "outbox")
        postgres.create_database("audit")
        store = cls(postgres, "audit", media, make(outbox.folder, N))
        done = harness.citybrain("migrate", "--db", store.db)
        assert done.returncode == 0, done.stderr
        endpoint = f"ipc://{sockets}/store"
        programs = [Rig(folder / "store.log", "store", "--store", endpoint, "--db", store.db,
                        "--media", media),
                    Rig(folder / "edge.log", "edge", outbox.folder, "--store", endpoint)]
        harness.wait_for("an empty outbox", lambda: not outbox.ids("out"))
        assert [p.stop() for p in programs] == [0, 0]
        return store

    def copy(self, folder):
        name = f"audit{next(numbers)}"
        with psycopg.connect(self.postgres.conninfo("postgres"), autocommit=True) as db:
            db.execute(f"CREATE DATABASE {name} TEMPLATE {self.name}")
        shutil.copytree(self.media, folder / "media")
        return Store(self.postgres, name, folder / "media", list(self.ids))

    def verify(self, *more):
        """(exit code, packages by id, records by type)"""
        done = harness.citybrain("verify", "--db", self.db, "--media", self.media, "--json", *more)
        records = [json.loads(line) for line in done.stdout.splitlines()]
        packages = {r["path"]: r for r in records if r["type"] == "package"}
        return done.returncode, packages, records

    def alter(self, *statements):
        """As a superuser whom neither rights nor triggers hold up."""
        with psycopg.connect(self.db, autocommit=True) as db:
            db.execute("SET session_replication_role = replica")
            for sql in statements:
                done = db.execute(sql, {"id": self.ids[2]})
                assert done.rowcount >= 1, sql

    def expect(self, *faults, chain=()):
        """Exactly these faults of the third record, and these of the chain."""
        code, packages, records = self.verify()
        assert code == 1
        assert [p for p in packages if not packages[p]["whole"]] == ([self.ids[2]] if faults else [])
        found = packages[self.ids[2]]["faults"] if faults else []
        assert [(f["kind"], f["name"]) for f in found] == [f[:2] for f in faults]
        for f, (_, _, words) in zip(found, faults):
            assert words in f["text"], f
        breaks = [r["fault"] for r in records if r["type"] == "chain_break"]
        assert [f["name"] for f in breaks] == list(chain), breaks
        return records


@pytest.fixture(scope="module")
def filled(tmp_path_factory, postgres):
    sockets = harness.short_folder()
    yield Store.filled(tmp_path_factory.mktemp("store"), sockets, postgres)
    shutil.rmtree(sockets)


@pytest.fixture
def store(tmp_path, filled):
    return filled.copy(tmp_path)


def test_whole_store_is_whole(store):
    code, packages, records = store.verify()
    assert code == 0 and set(packages) == set(store.ids)
    key = packages[store.ids[0]]["public_key"]
    [chain] = [r for r in records if r["type"] == "chain"]
    assert (chain["first"], chain["last"], chain["whole"]) == (1, N, True)
    assert records[-1] == {"type": "summary", "packages": N, "whole": N, "delivered": 0,
                           "chain_breaks": 0, "key_given": False}
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


def test_altered_record_is_named(store):
    store.alter("UPDATE violation SET record_json = replace(record_json::text, '福田', '南山')::json"
                " WHERE id = %(id)s")
    records = store.expect(("signature", "record.sig", "was altered"),
                           ("row", "district", "福田"), ("row", "record_sha256", "the record says"),
                           ("row", "violation_id.record_sha256", "the record says"),
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
    for role, code in (("reviewer", 0), ("analyst", 1)):
        login = f"{role}_{store.name}"
        with psycopg.connect(store.db, autocommit=True) as db:
            db.execute(f"CREATE ROLE {login} LOGIN IN ROLE citybrain_{role}")
        done = harness.citybrain("verify", "--db", store.postgres.conninfo(store.name, login),
                                 "--media", store.media)
        assert done.returncode == code, done.stderr
    assert "permission denied" in done.stderr


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
