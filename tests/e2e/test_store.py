"""What the store promises: exactly once, nothing lost, nothing believed that is not proven."""
import hashlib
import itertools
import json
import os
import signal
import socket
import subprocess
import urllib.error
import urllib.request

import psycopg
import pytest
import zmq

import harness
from rig import Outbox, Rig, keys, make

SQL = harness.ROOT / "schema/sql"
numbers = itertools.count()


@pytest.fixture
def database(postgres):
    """A migrated database of its own: (connection string, query function)."""
    name = f"store{next(numbers)}"
    postgres.create_database(name)
    conninfo = postgres.conninfo(name)
    done = harness.citybrain("migrate", "--db", conninfo)
    assert done.returncode == 0, done.stderr
    return conninfo, lambda sql, *args: postgres.query(sql, *args, database=name)


@pytest.fixture
def place(tmp_path, sockets):
    """Folders and endpoints of one edge and one store; what was started is ended."""
    class Place:
        endpoint = f"ipc://{sockets}/store"
        media = tmp_path / "media"
        outbox = Outbox(tmp_path / "outbox")
        started = []

        def edge(self, *more):
            return self.start("edge.log", "edge", self.outbox.folder, "--store", self.endpoint,
                              *more)

        def store(self, conninfo, *more):
            return self.start("store.log", "store", "--store", self.endpoint, "--db", conninfo,
                              "--media", self.media, *more)

        def start(self, log, *args):
            self.started.append(Rig(tmp_path / log, *args))
            return self.started[-1]
    place = Place()
    place.started = []
    yield place
    for program in place.started:
        assert program.stop() in (0, -signal.SIGKILL), program.text()


def wait_until_empty(outbox, timeout_s=60):
    harness.wait_for("an empty outbox", lambda: not outbox.ids("out"), timeout_s)


def stored(query):
    return [str(row[0]) for row in query("SELECT id FROM violation_history ORDER BY id")]


def test_package_is_stored_with_its_media(database, place):
    conninfo, query = database
    ids = make(place.outbox.folder, 2)
    place.store(conninfo)
    place.edge()
    wait_until_empty(place.outbox)
    assert stored(query) == sorted(ids)
    assert place.outbox.ids("acked") == set(ids)
    rows = query("SELECT kind, district, speed_kmh, lafmax_db, sequence, n_media, review"
                 " FROM violation_history ORDER BY sequence")
    assert [r[0] for r in rows] == ["speeding", "modified_exhaust"]
    assert [r[1] for r in rows] == ["福田", "福田"]
    assert rows[0][2] == pytest.approx(73.2, abs=0.05) and rows[1][3] == pytest.approx(97.3, abs=1)
    assert all(r[5:] == (2, "new") for r in rows)
    [(incident, vehicles, charged, u95)] = query(
        "SELECT incident_id, incident_vehicles, charged_db, lafmax_uncertainty_db"
        " FROM violation_history WHERE kind = 'modified_exhaust'")
    # the first of the incident is not among these two: one of its vehicles is stored
    assert (incident.rsplit(".", 1)[1], vehicles) == ("16", 1)
    assert (charged, u95) == (95.8, 1.2)
    for sha256, n_bytes in query("SELECT sha256, n_bytes FROM evidence_media"):
        data = (place.media / sha256[:2] / sha256[2:]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == sha256 and len(data) == n_bytes
    assert not list((place.media / "tmp").iterdir())


def test_record_is_kept_to_the_byte(database, place):
    conninfo, query = database
    [name] = make(place.outbox.folder, 1)
    place.store(conninfo)
    place.edge()
    wait_until_empty(place.outbox)
    folder = place.outbox.folder / "acked" / name
    [(record, signature)] = query("SELECT record_json::text, signature FROM violation")
    assert record.encode() == (folder / "record.json").read_bytes()
    assert signature == (folder / "record.sig").read_text()


def test_second_delivery_changes_nothing(database, place):
    """An edge that lost its acknowledgements sends all again."""
    conninfo, query = database
    ids = make(place.outbox.folder, 5)
    place.store(conninfo)
    place.edge()
    for _ in range(3):
        wait_until_empty(place.outbox)
        before = query("SELECT * FROM violation_id ORDER BY id")
        for name in ids:
            (place.outbox.folder / "acked" / name).rename(place.outbox.folder / "out" / name)
    wait_until_empty(place.outbox)
    assert query("SELECT * FROM violation_id ORDER BY id") == before
    assert stored(query) == sorted(ids)
    assert query("SELECT count(*) FROM evidence_media") == [(10,)]


def test_postgres_away_while_packages_stream(tmp_path, place):
    """Stopped hard and started again, twice: nothing lost, nothing twice."""
    server = harness.Postgres(harness.VAR / f"test-pg-away-{os.getpid()}").start()
    try:
        server.create_database()
        assert harness.citybrain("migrate", "--db", server.conninfo()).returncode == 0
        place.store(server.conninfo())
        place.edge()
        ids = []
        for n_before in (3, 6):
            ids += make(place.outbox.folder, 20, bytes=100000)
            harness.wait_for("some packages stored",
                             lambda n=n_before: len(place.outbox.ids("acked")) >= n)
            server.server.stop(signal.SIGQUIT)  # as a crash: no checkpoint
            ids += make(place.outbox.folder, 5)
            place.started[0].wait_for_text("PostgreSQL is away")
            assert place.outbox.ids("out")
            server.start()
        wait_until_empty(place.outbox)
        assert sorted(ids) == [str(r[0]) for r in server.query("SELECT id FROM violation ORDER BY id")]
        assert server.query("SELECT count(*), count(DISTINCT violation_id) FROM evidence_media"
                            ) == [(2 * len(ids), len(ids))]
    finally:
        server.remove()


def test_store_killed_while_packages_stream(database, place):
    conninfo, query = database
    ids = make(place.outbox.folder, 60, bytes=50000)
    place.edge()
    for n in (5, 15, 30):
        store = place.store(conninfo)
        harness.wait_for(f"{n} acknowledged", lambda n=n: len(place.outbox.ids("acked")) >= n)
        store.kill()
        # what was acknowledged is there, whatever was cut off
        assert place.outbox.ids("acked") <= set(stored(query))
    place.store(conninfo)
    wait_until_empty(place.outbox)
    assert stored(query) == sorted(ids)


def test_edge_killed_while_packages_stream(database, place):
    conninfo, query = database
    ids = make(place.outbox.folder, 40, bytes=50000)
    place.store(conninfo)
    for n in (5, 15, 25):
        edge = place.edge()
        harness.wait_for(f"{n} acknowledged", lambda n=n: len(place.outbox.ids("acked")) >= n)
        edge.kill()
    place.edge()
    wait_until_empty(place.outbox)
    assert stored(query) == sorted(ids)


@pytest.mark.parametrize("poison, words", [
    ("signature", "signature does not fit"),
    ("file", "clip.mp4 has 7 bytes"),
    ("missing", "still-1.jpg is missing"),
    ("record", "record.json"),
])
def test_poisoned_package_is_set_aside(database, place, poison, words):
    """It is refused with the reason, and does not hold up what comes after it."""
    conninfo, query = database
    [bad] = make(place.outbox.folder, 1, poison=poison)
    good = make(place.outbox.folder, 3)
    place.store(conninfo)
    place.edge()
    wait_until_empty(place.outbox)
    assert place.outbox.ids("aside") == {bad} and words in place.outbox.reasons()[0]
    assert stored(query) == sorted(good)


def test_several_in_one_transaction_and_one_is_refused(database, place, tmp_path):
    """What waits together is committed together; what the database refuses of it goes alone."""
    conninfo, query = database
    with psycopg.connect(conninfo) as db:
        db.execute("ALTER TABLE violation ADD CONSTRAINT no_third CHECK (sequence <> 3)")
    outboxes = [Outbox(tmp_path / f"outbox{i}") for i in range(5)]
    ids = [make(o.folder, 8) for o in outboxes]
    with psycopg.connect(conninfo) as db:
        db.execute("LOCK TABLE violation_id IN ACCESS EXCLUSIVE MODE")
        store = place.store(conninfo)
        for i, o in enumerate(outboxes):
            edge = place.start(f"edge{i}.log", "edge", o.folder, "--store", place.endpoint)
            edge.wait_for_text("connected to the store")
        harness.wait_for("a store that waits", lambda: query(
            "SELECT 1 FROM pg_locks WHERE relation = 'violation_id'::regclass AND NOT granted"))
    for o in outboxes:
        wait_until_empty(o)
    assert [o.ids("aside") for o in outboxes] == [{names[2]} for names in ids]
    assert all("no_third" in reason for o in outboxes for reason in o.reasons())
    assert stored(query) == sorted(n for names in ids for n in names if n != names[2])
    # one transaction of several, and none that is left half
    sizes = [n for (n,) in query("SELECT count(*) FROM violation GROUP BY xmin::text")]
    assert max(sizes) >= 2, sizes
    assert query("SELECT count(*) FROM evidence_media") == [(2 * 5 * 7,)]
    assert query("SELECT count(*) FROM violation_id") == [(5 * 7,)]
    assert store.text().count("rejected:") == 5


def test_untrusted_key_is_refused(database, place, tmp_path):
    conninfo, query = database
    make(place.outbox.folder, 1)
    (tmp_path / "trusted").write_text("# nodes\n" + "ab" * 32 + " edge-9\n")
    place.store(conninfo, "--trust", tmp_path / "trusted")
    place.edge()
    wait_until_empty(place.outbox)
    assert "untrusted key" in place.outbox.reasons()[0]
    assert stored(query) == []


def test_database_without_tables_loses_nothing(postgres, place):
    """Somebody forgot `citybrain migrate`: the evidence waits."""
    postgres.create_database("empty")
    [name] = make(place.outbox.folder, 1)
    store = place.store(postgres.conninfo("empty"))
    edge = place.edge()
    edge.wait_for_text("violation_id")
    assert place.outbox.ids("out") == {name}
    assert harness.citybrain("migrate", "--db", postgres.conninfo("empty")).returncode == 0
    wait_until_empty(place.outbox)
    assert store.is_running()


def test_hostile_frames_do_no_harm(database, place):
    conninfo, query = database
    store = place.store(conninfo)
    context = zmq.Context()
    context.linger = 0
    stranger = context.socket(zmq.DEALER)
    stranger.linger = 0
    stranger.connect(place.endpoint)
    head, name = b"CB\x01\x01", b"01a207d9-3438-7be8-a653-0340a774c7c4"
    for frames in ([b""], [head], [head, name], [head, name, b"{}", b"x"], [b"\xff" * 4] * 100,
                   [head, name] + [b"a"] * 200, [head, name, b"{}", b"0" * 128, b"../../etc", b"x"],
                   [head, b"\xff" * 36, b"{}", b"0" * 128], [b"CB\x01\x02", b"\0" * 8, b"[{}]"],
                   [b"CB\x01\x02", b"\0" * 8, b"[" * 100000]):
        stranger.send_multipart(frames)
    # an honest edge after all that
    [good] = make(place.outbox.folder, 1)
    place.edge()
    wait_until_empty(place.outbox)
    assert store.is_running() and stored(query) == [good]
    # and the stranger was told, where it had named what it sent
    answers = []
    while stranger.poll(500):
        answers.append(stranger.recv_multipart())
    assert answers and all(a[0] == b"CB\x01\x42" for a in answers)
    context.destroy()


def test_minutes_are_stored_once(database, place):
    conninfo, query = database
    place.store(conninfo)
    row = {"camera": "c1", "minute_at": "2026-11-23T10:00:00Z", "from_s": 0, "n_passages": 9,
           "n_measured": 8, "n_violations": 1, "mean_speed_kmh": 51.5, "p85_speed_kmh": 60.25,
           "laeq_db": 68.2, "lafmax_db": 81.0}
    context = zmq.Context()
    context.linger = 0
    with context.socket(zmq.DEALER) as edge:
        edge.linger = 0
        edge.connect(place.endpoint)
        for number in (1, 2):
            edge.send_multipart([b"CB\x01\x02", number.to_bytes(8, "big"),
                                 json.dumps([row]).encode()])
            assert edge.poll(20000)
            assert edge.recv_multipart() == [b"CB\x01\x41", number.to_bytes(8, "big")]
        row |= {"minute_at": "2026-11-23T10:01:00Z", "n_measured": 2}
        edge.send_multipart([b"CB\x01\x02", bytes(8), json.dumps([row]).encode()])
        assert edge.poll(20000)
        head, _, reason = edge.recv_multipart()
        assert head == b"CB\x01\x42" and b"too few vehicles" in reason
    context.destroy()
    [(n, mean)] = query("SELECT n_passages, mean_speed_kmh FROM traffic_minute")
    assert n == 9 and mean == pytest.approx(51.5)


def test_gateway_serves_metrics(database, place):
    conninfo, _ = database
    make(place.outbox.folder, 3)
    store = place.store(conninfo, "--listen", "127.0.0.1:0")
    port = int(store.text().split("port ")[1].split()[0])
    place.edge()
    wait_until_empty(place.outbox)

    def get(path):
        return urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10).read().decode()
    assert get("/healthz") == "ok\n"
    lines = get("/metrics").splitlines()
    assert 'citybrain_store_packages_total{result="stored"} 3' in lines
    assert 'citybrain_receiver_answers_total{answer="acked"} 3' in lines
    with pytest.raises(urllib.error.HTTPError) as e:
        get("/../../etc/passwd")
    assert e.value.code == 404


# Who may connect

@pytest.fixture
def secured(tmp_path):
    """Keys of a store and an edge, and a free tcp endpoint."""
    class Secured:
        store_public, _ = keys(tmp_path / "store.key")
        edge_public, _ = keys(tmp_path / "edge.key")
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            endpoint = f"tcp://127.0.0.1:{s.getsockname()[1]}"
        store_words = ("--keys", tmp_path / "store.key", "--allow", tmp_path / "allowed")
        edge_words = ("--keys", tmp_path / "edge.key", "--server", tmp_path / "store.pub")
    (tmp_path / "allowed").write_text(f"# edges\n{Secured.edge_public} edge-1\n")
    (tmp_path / "store.pub").write_text(f"public {Secured.store_public}\n")
    return Secured


def test_packages_over_tcp_with_curve(database, place, secured):
    conninfo, query = database
    ids = make(place.outbox.folder, 3)
    place.endpoint = secured.endpoint
    place.store(conninfo, *secured.store_words)
    place.edge(*secured.edge_words)
    wait_until_empty(place.outbox)
    assert stored(query) == sorted(ids)


def test_stranger_delivers_nothing(database, place, secured, tmp_path):
    conninfo, query = database
    [name] = make(place.outbox.folder, 1)
    place.endpoint = secured.endpoint
    store = place.store(conninfo, *secured.store_words)
    keys(tmp_path / "stranger.key")
    edge = place.edge("--keys", tmp_path / "stranger.key", "--server", tmp_path / "store.pub")
    edge.wait_for_text("the store refuses the connection")
    store.wait_for_text("refused a stranger")
    assert place.outbox.ids("out") == {name} and stored(query) == []


def test_tcp_without_keys_is_refused(tmp_path, place, database):
    words = Rig.refused(tmp_path / "log", "store", "--store", "tcp://127.0.0.1:*", "--db",
                        database[0], "--media", place.media)
    assert "tcp is refused without keys" in words and "tcp://127.0.0.1:*" in words
    words = Rig.refused(tmp_path / "log2", "edge", tmp_path, "--alerts", "udp://x:1")
    assert "expected inproc://NAME, ipc://PATH or tcp://HOST:PORT" in words


def test_secret_that_others_can_read_is_refused(tmp_path):
    keys(tmp_path / "k")
    (tmp_path / "k").chmod(0o644)
    words = Rig.refused(tmp_path / "log", "edge", tmp_path, "--keys", tmp_path / "k")
    assert "others may open it" in words


# Migrations and rights

def test_migrate_again_changes_nothing(database):
    conninfo, query = database
    before = query("SELECT * FROM citybrain_migration ORDER BY number")
    done = harness.citybrain("migrate", "--db", conninfo, "--dir", SQL)
    assert done.returncode == 0 and done.stdout.startswith("0 applied"), done.stdout
    assert query("SELECT * FROM citybrain_migration ORDER BY number") == before


def test_edited_migration_is_refused(database, tmp_path):
    conninfo, _ = database
    for path in SQL.glob("*.sql"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    with open(tmp_path / "0002_history.sql", "a", encoding="utf-8") as f:
        f.write("-- a small change\n")
    done = harness.citybrain("migrate", "--db", conninfo, "--dir", tmp_path)
    assert done.returncode == 1
    assert "0002_history.sql" in done.stderr and "edited" in done.stderr


def test_broken_migration_leaves_nothing_behind(database, tmp_path):
    conninfo, query = database
    for path in SQL.glob("*.sql"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    n = len(list(SQL.glob("*.sql"))) + 1
    broken = tmp_path / f"{n:04d}_broken.sql"
    broken.write_text("CREATE TABLE half (x int);\nSELECT no_such_column;\n")
    done = harness.citybrain("migrate", "--db", conninfo, "--dir", tmp_path)
    assert done.returncode == 1 and broken.name in done.stderr and "no_such_column" in done.stderr
    assert query("SELECT to_regclass('half')") == [(None,)]
    broken.rename(tmp_path / f"{n + 1:04d}_later.sql")
    done = harness.citybrain("migrate", "--db", conninfo, "--dir", tmp_path)
    assert done.returncode == 1 and f"expected number {n:04d}" in done.stderr


def test_two_migrations_at_once(postgres):
    postgres.create_database("twice")
    conninfo = postgres.conninfo("twice")
    running = [subprocess.Popen([harness.CITYBRAIN, "migrate", "--db", conninfo],
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
               for _ in range(3)]
    out = [p.communicate(timeout=60)[0] for p in running]
    assert [p.returncode for p in running] == [0, 0, 0], out
    assert sum("\n0 applied" in "\n" + o for o in out) == 2


@pytest.fixture
def filled(database, place):
    """A database with three violations; query as a role: run(role, sql)."""
    conninfo, query = database
    make(place.outbox.folder, 3)
    place.store(conninfo)
    place.edge()
    wait_until_empty(place.outbox)

    def run(role, sql):
        with psycopg.connect(conninfo, autocommit=True) as db:
            db.execute(f"SET ROLE citybrain_{role}")
            done = db.execute(sql)
            return done.fetchall() if done.description else done.rowcount
    return run, query


WITHHELD = [
    ("writer", "SELECT * FROM violation"),
    ("writer", "SELECT * FROM violation_history"),
    ("writer", "SELECT occurred_at FROM violation_id"),
    ("writer", "UPDATE violation SET speed_kmh = 0"),
    ("writer", "DELETE FROM violation_id"),
    ("writer", "DELETE FROM evidence_media"),
    ("writer", "TRUNCATE traffic_minute"),
    ("writer", "INSERT INTO review (violation_id, verdict) SELECT id, 'confirmed' FROM violation_id"),
    ("analyst", "SELECT * FROM violation"),
    ("analyst", "SELECT * FROM evidence_media"),
    ("analyst", "SELECT * FROM access_log"),
    ("analyst", "INSERT INTO access_log (who, action) VALUES ('someone', 'else')"),
    ("analyst", "DELETE FROM violation_history"),
    ("reviewer", "UPDATE review SET verdict = 'rejected'"),
    ("reviewer", "INSERT INTO review (violation_id, verdict, reviewer)"
                 " SELECT id, 'confirmed', 'someone else' FROM violation_id"),
    ("reviewer", "DELETE FROM violation"),
    ("admin", "DELETE FROM violation"),
    ("admin", "DELETE FROM access_log"),
    ("admin", "UPDATE violation_history SET speed_kmh = 0"),
    ("admin", "DROP TABLE review"),
    ("admin", "SELECT citybrain_refuse_change()"),
]


def test_rights_that_are_withheld(filled):
    run, query = filled
    refusals = (psycopg.errors.InsufficientPrivilege, psycopg.errors.WrongObjectType,
                psycopg.errors.ObjectNotInPrerequisiteState, psycopg.errors.FeatureNotSupported)
    given = []
    for role, sql in WITHHELD:
        try:
            run(role, sql)
            given.append((role, sql))
        except refusals:
            pass
    assert given == []
    assert query("SELECT count(*), min(speed_kmh) > 0 FROM violation") == [(3, True)]


def test_rights_that_are_given(filled):
    run, query = filled
    assert len(run("analyst", "SELECT * FROM violation_history")) == 3
    assert run("analyst", "SELECT * FROM traffic_history") == []
    run("analyst", "SELECT citybrain_log_access('view', NULL, 'a test')")
    assert len(run("reviewer", "SELECT record_json, signature FROM violation")) == 3
    assert run("reviewer", "INSERT INTO review (violation_id, verdict, reason)"
                           " SELECT id, 'confirmed', 'clear' FROM violation LIMIT 1") == 1
    assert run("admin", "SELECT who, action FROM access_log") == [("postgres", "view")]
    assert run("admin", "SELECT citybrain_make_partition('2031-05-01')") == [(True,)]
    assert query("SELECT count(*) FROM violation_history WHERE review = 'confirmed'") == [(1,)]


@pytest.mark.parametrize("table", ["review", "access_log"])
def test_append_only_even_for_the_owner(filled, table):
    _, query = filled
    query("INSERT INTO review (violation_id, verdict) SELECT id, 'unclear' FROM violation_id"
          " RETURNING 1")
    query("SELECT citybrain_log_access('view', NULL, '')")
    for sql in (f"DELETE FROM {table} RETURNING 1", f"UPDATE {table} SET id = DEFAULT RETURNING 1"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append only"):
            query(sql)


def test_writer_role_is_enough_for_the_store(database, place):
    """The store's login may insert and no more: all of its work, second deliveries too."""
    conninfo, query = database
    with psycopg.connect(conninfo, autocommit=True) as db:
        db.execute("CREATE ROLE store_login LOGIN IN ROLE citybrain_writer")
    ids = make(place.outbox.folder, 3)
    place.store(conninfo.replace("user=postgres", "user=store_login"))
    place.edge()
    wait_until_empty(place.outbox)
    (place.outbox.folder / "acked" / ids[0]).rename(place.outbox.folder / "out" / ids[0])
    wait_until_empty(place.outbox)
    assert stored(query) == sorted(ids)


def test_late_month_takes_its_rows_from_the_default(filled, database):
    _, query = filled
    [(name,)] = query("SELECT id FROM violation WHERE sequence = 1")
    # the same record, of a camera whose clock is ten years ahead
    [(late,)] = query("INSERT INTO violation_id (id, occurred_at, record_sha256) SELECT"
                      " gen_random_uuid(), '2036-12-31 23:59:59.999+00', record_sha256"
                      " FROM violation_id WHERE id = %s RETURNING id", name)
    with psycopg.connect(database[0]) as db:
        db.execute("CREATE TEMP TABLE late AS SELECT * FROM violation WHERE id = %s", [name])
        db.execute("UPDATE late SET id = %s, occurred_at = '2036-12-31 23:59:59.999+00'", [late])
        db.execute("INSERT INTO violation SELECT * FROM late")
    assert query("SELECT id FROM violation_default") == [(late,)]
    assert query("SELECT citybrain_make_partition('2036-12-15')") == [(True,)]
    assert query("SELECT count(*) FROM violation_default") == [(0,)]
    assert query("SELECT id FROM violation_2036_12") == [(late,)]
    assert query("SELECT count(*) FROM violation_history") == [(4,)]
    assert query("SELECT citybrain_make_partition('2036-12-01')") == [(False,)]


# citybrain query

def test_query(filled, database):
    conninfo, query = database
    rows = [json.loads(line) for line in
            harness.citybrain("query", "--db", conninfo, "--format", "json").stdout.splitlines()]
    assert [r["kind"] for r in rows] == ["modified_exhaust", "speeding", "speeding"]
    assert [r["occurred_at"] for r in rows] == sorted((r["occurred_at"] for r in rows), reverse=True)
    assert rows[1]["speed_kmh"] == 73.2 and rows[0]["district"] == "福田"
    some = harness.citybrain("query", "--db", conninfo, "--kind", "speeding", "--min-speed", "70",
                             "--district", "福田", "--format", "csv", "--limit", "1")
    assert len(some.stdout.splitlines()) == 2
    assert harness.citybrain("query", "--db", conninfo, "--min-speed", "90", "--format",
                             "json").stdout == ""
    assert len(query("SELECT * FROM access_log WHERE action = 'query'")) == 3


def asked(conninfo, *words):
    done = harness.citybrain("query", "--db", conninfo, "--format", "json", *words)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_query_by_all_that_is_asked(filled, database):
    """Each condition takes what it should and leaves what it should; all of them together, too."""
    conninfo, query = database
    everything = asked(conninfo)
    loud, fast = everything[0], everything[1]
    query("INSERT INTO review (violation_id, verdict, plate) VALUES (%s, 'confirmed', '粤B12345')"
          " RETURNING 1", fast["id"])
    given = [("--kind", "speeding"), ("--camera", fast["camera"]), ("--road", fast["road"]),
             ("--district", fast["district"]), ("--severity", fast["severity"]),
             ("--class", fast["class"]), ("--direction", fast["direction"]),
             ("--review", "confirmed"), ("--from", fast["occurred_at"]), ("--min-speed", "73"),
             ("--max-speed", "73.5"), ("--plate", "粤b·12345")]
    for words in given:
        assert fast["id"] in {r["id"] for r in asked(conninfo, *words)}, words
    [one] = asked(conninfo, *(w for words in given for w in words))
    assert one | {"review": "new", "plate": None} == fast
    for words in [("--camera", "other"), ("--road", "other"), ("--class", "bus"),
                  ("--direction", "toward"), ("--plate", "粤B54321"), ("--incident", "c.1.1"),
                  ("--min-speed", "73.3"), ("--max-speed", "73.2"), ("--to", everything[2]["occurred_at"]),
                  ("--review", "issued"), ("--district", "' OR true --")]:
        assert fast["id"] not in {r["id"] for r in asked(conninfo, *words)}, words
    assert [r["id"] for r in asked(conninfo, "--min-level", "97", "--max-level", "98")] == [loud["id"]]
    assert asked(conninfo, "--max-level", "97") == []
    assert [r["id"] for r in asked(conninfo, "--incident", loud["incident"])] == [loud["id"]]


def test_query_page_by_page(filled, database):
    """Each row once, whatever the size of the pages, though two have the same time."""
    conninfo, query = database
    with psycopg.connect(conninfo, autocommit=True) as db:
        db.execute("SET session_replication_role = replica")
        db.execute("UPDATE violation SET occurred_at = (SELECT max(occurred_at) FROM violation)"
                   " WHERE sequence > 1")
    everything = [r["id"] for r in asked(conninfo)]
    for limit in (1, 2, 3):
        ids, words = [], []
        while page := asked(conninfo, "--limit", limit, *words):
            ids += [r["id"] for r in page]
            words = ["--after-row", f"{page[-1]['occurred_at']},{page[-1]['id']}"]
        assert ids == everything
    done = harness.citybrain("query", "--db", conninfo, "--limit", "2")
    assert done.stdout.splitlines()[-1].startswith("2 rows, what is older: --after-row 2")


def test_query_table_is_aligned(filled, database):
    done = harness.citybrain("query", "--db", database[0])
    head, *rows, count = done.stdout.splitlines()
    assert count == "3 rows"

    def columns(text):
        return sum(2 if ord(c) >= 0x2e80 else 1 for c in text)
    at = columns(head[:head.index("id", head.index("review"))])
    for row in rows:
        assert columns(row[:-36]) == at, done.stdout


@pytest.mark.parametrize("words, expected", [
    (["--min-speed", "fast"], "--min-speed: a number"),
    (["--from", "yesterday"], "--from: a time"),
    (["--kind", "parking"], "speeding, modified_exhaust or chase_racing"),
    (["--limit", "0"], "--limit: a whole number"),
    (["--format", "xml"], "table, csv or json"),
    (["--class", "tank"], "car, truck, bus"),
    (["--direction", "up"], "toward or away"),
    (["--after-row", "2026-11-23"], "occurred_at and id"),
    (["--max-level", "loud"], "--max-level: a number"),
])
def test_query_says_what_it_expects(words, expected):
    done = harness.citybrain("query", "--db", "dbname=x", *words)
    assert done.returncode == 2 and expected in done.stderr and words[1] in done.stderr


def test_query_without_a_database():
    done = harness.citybrain("query", "--db", "host=/nonexistent dbname=x")
    assert done.returncode == 1 and "PostgreSQL" in done.stderr
