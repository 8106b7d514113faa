"""A synchronous standby takes over while packages stream in: nothing lost, nothing twice."""
import os

import psycopg
import pytest

import harness
from pair import Pair
from rig import Outbox, Rig, make


@pytest.fixture
def pair(tmp_path_factory):
    servers = Pair(harness.VAR / f"test-pair-{os.getpid()}")
    assert harness.citybrain("migrate", "--db", servers.conninfo()).returncode == 0
    yield servers
    servers.remove()


class Edges:
    """Several edges to one store, each with its outbox."""

    def __init__(self, folder, endpoint, n, n_packages):
        self.outboxes = [Outbox(folder / f"outbox{i}") for i in range(n)]
        self.ids = [name for o in self.outboxes for name in make(o.folder, n_packages, bytes=20000)]
        self.programs = [Rig(folder / f"edge{i}.log", "edge", o.folder, "--store", endpoint)
                         for i, o in enumerate(self.outboxes)]

    def acknowledged(self):
        return set().union(*(o.ids("acked") for o in self.outboxes))

    def waiting(self):
        return set().union(*(o.ids("out") for o in self.outboxes))


def test_promoted_standby_has_what_was_acknowledged(pair, tmp_path, sockets):
    endpoint = f"ipc://{sockets}/store"
    edges = Edges(tmp_path, endpoint, 3, 60)
    store = Rig(tmp_path / "store.log", "store", "--store", endpoint, "--db", pair.conninfo(),
                "--media", tmp_path / "media")
    harness.wait_for("a third stored", lambda: len(edges.acknowledged()) >= len(edges.ids) / 3)
    pair.fail_over()
    acknowledged = edges.acknowledged()
    assert len(acknowledged) < len(edges.ids), "the primary died too late to prove anything"
    stored = {str(r[0]) for r in pair.query("SELECT id FROM violation")}
    assert acknowledged <= stored
    harness.wait_for("empty outboxes", lambda: not edges.waiting(), 60)
    assert [p.stop() for p in (store, *edges.programs)] == [0] * 4
    rows = [str(r[0]) for r in pair.query("SELECT id FROM violation ORDER BY id")]
    assert rows == sorted(edges.ids)
    assert pair.query("SELECT count(*), count(DISTINCT (violation_id, name)) FROM evidence_media"
                      ) == [(2 * len(rows),) * 2]


def test_record_that_only_the_primary_has_is_not_acknowledged(pair, tmp_path, sockets):
    """
    Committed on the primary, the standby away, the primary restarted: the record is visible there
    and nowhere else. Delivered again it must still wait for the standby.
    """
    endpoint, outbox = f"ipc://{sockets}/store", Outbox(tmp_path / "outbox")
    [name] = make(outbox.folder, 1)
    pair.standby.stop()
    store = Rig(tmp_path / "store.log", "store", "--store", endpoint, "--db", pair.conninfo(),
                "--media", tmp_path / "media")
    edge = Rig(tmp_path / "edge.log", "edge", outbox.folder, "--store", endpoint)
    waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
    harness.wait_for("a commit that waits for the standby",
                     lambda: pair.primary.query(waiting, database="postgres"))
    pair.primary.kill()
    pair.primary.start()
    assert pair.primary.query("SELECT id::text FROM violation") == [(name,)]
    harness.wait_for("a second delivery that waits for the standby",
                     lambda: pair.primary.query(waiting, database="postgres"))
    assert outbox.ids("out") == {name}
    pair.standby.start()
    harness.wait_for("its acknowledgement", lambda: outbox.ids("acked") == {name})
    pair.fail_over()
    assert pair.query("SELECT id::text FROM violation") == [(name,)]
    assert [p.stop() for p in (store, edge)] == [0, 0]


def test_wait_that_somebody_cancels_is_no_acknowledgement(pair, tmp_path, sockets):
    """PostgreSQL then says COMMIT, with a warning that the standby may not have it."""
    endpoint, outbox = f"ipc://{sockets}/store", Outbox(tmp_path / "outbox")
    [name] = make(outbox.folder, 1)
    pair.standby.stop()
    store = Rig(tmp_path / "store.log", "store", "--store", endpoint, "--db", pair.conninfo(),
                "--media", tmp_path / "media")
    edge = Rig(tmp_path / "edge.log", "edge", outbox.folder, "--store", endpoint)
    with psycopg.connect(pair.primary.conninfo("postgres"), autocommit=True) as db:
        cancel = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
        harness.wait_for("a wait to cancel", lambda: db.execute(cancel).fetchall())
        harness.wait_for("another wait", lambda: db.execute(
            "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'").fetchall())
        # whatever came of it, it is not taken for delivered
        assert outbox.ids("out") == {name}
    store.wait_for_text("standby")
    pair.standby.start()
    harness.wait_for("its acknowledgement", lambda: outbox.ids("acked") == {name})
    assert [p.stop() for p in (store, edge)] == [0, 0]
