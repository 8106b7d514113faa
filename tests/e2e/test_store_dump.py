"""Dumped while packages stream in, restored on another server: whole, and it goes on from there."""
import json
import os
import shutil
import subprocess

import psycopg
import pytest

import harness
from rig import Outbox, Rig, make

PROGRAMS = harness.POSTGRES_BIN


@pytest.fixture
def elsewhere(tmp_path_factory):
    server = harness.Postgres(harness.VAR / f"test-restored-{os.getpid()}", is_fresh=True).start()
    yield server
    server.remove()


def run(program, *args):
    subprocess.run([PROGRAMS / program, *map(str, args)], check=True, timeout=300)


def dump(conninfo, folder, media):
    """As docs/operations.md says: roles, rows, then media, so that no row lacks its file."""
    folder.mkdir()
    run("pg_dumpall", "--roles-only", "-d", conninfo, "-f", folder / "roles.sql")
    run("pg_dump", "--format=custom", "-d", conninfo, "-f", folder / "citybrain.dump")
    shutil.copytree(media, folder / "media", ignore=shutil.ignore_patterns("tmp"))


def restore(folder, server):
    # "role postgres exists already" is all that it has to say
    subprocess.run([PROGRAMS / "psql", "-qX", "-d", server.conninfo("postgres"), "-f",
                    folder / "roles.sql"], check=True, stderr=subprocess.PIPE)
    server.create_database()
    run("pg_restore", "--exit-on-error", "-d", server.conninfo(), folder / "citybrain.dump")


def test_restored_elsewhere(store, elsewhere, tmp_path, sockets):
    login = store.login("li", "citybrain_analyst")
    with psycopg.connect(store.db) as db:
        db.execute("INSERT INTO district_access (login, district) VALUES (%s, '福田')",
                   [f"li_{store.name}"])
        db.execute("INSERT INTO review (violation_id, verdict, plate) VALUES (%s, 'confirmed',"
                   " '粤b·12345')", [store.ids[0]])
    endpoint, outbox = f"ipc://{sockets}/store", Outbox(tmp_path / "outbox")
    ids = make(outbox.folder, 40, bytes=20000)
    programs = [Rig(tmp_path / "store.log", "store", "--store", endpoint, "--db", store.db, "--media",
                    store.media),
                Rig(tmp_path / "edge.log", "edge", outbox.folder, "--store", endpoint)]
    harness.wait_for("some packages", lambda: len(outbox.ids("acked")) >= 3)
    acknowledged = outbox.ids("acked")
    dump(store.db, tmp_path / "dump", store.media)
    harness.wait_for("an empty outbox", lambda: not outbox.ids("out"))
    assert [p.stop() for p in programs] == [0, 0]

    restore(tmp_path / "dump", elsewhere)
    media = tmp_path / "dump/media"
    done = harness.citybrain("verify", "--db", elsewhere.conninfo(), "--media", media, "--json")
    records = [json.loads(line) for line in done.stdout.splitlines()]
    summary = records[-1]
    packages = {r["path"] for r in records if r["type"] == "package"}
    # the rig starts a chain of its own with each outbox: only the packages are to be whole
    assert summary["whole"] == summary["packages"] == len(packages), done.stdout
    assert acknowledged | set(store.ids) <= packages <= set(ids) | set(store.ids)

    # rights, districts and decisions came along, and nothing can be altered there either
    seen = login.replace(str(store.postgres.socket_dir), str(elsewhere.socket_dir)).replace(
        f"dbname={store.name}", "dbname=citybrain")
    with psycopg.connect(seen, autocommit=True) as db:
        assert db.execute("SELECT plate, review FROM violation_history WHERE id = %s",
                          [store.ids[0]]).fetchall() == [("粤B12345", "confirmed")]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            db.execute("SELECT record_json FROM violation")
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append only"):
        elsewhere.query("DELETE FROM review RETURNING 1")

    # what came after the dump is delivered again; what is there stays as it is
    for name in outbox.ids("acked"):
        (outbox.folder / "acked" / name).rename(outbox.folder / "out" / name)
    programs = [Rig(tmp_path / "store2.log", "store", "--store", endpoint, "--db",
                    elsewhere.conninfo(), "--media", media),
                Rig(tmp_path / "edge2.log", "edge", outbox.folder, "--store", endpoint)]
    harness.wait_for("an empty outbox", lambda: not outbox.ids("out"))
    assert [p.stop() for p in programs] == [0, 0]
    stored = {str(r[0]) for r in elsewhere.query("SELECT id FROM violation")}
    assert stored == set(ids) | set(store.ids)
    done = harness.citybrain("migrate", "--db", elsewhere.conninfo())
    assert done.returncode == 0 and done.stdout.startswith("0 applied"), done.stdout + done.stderr
