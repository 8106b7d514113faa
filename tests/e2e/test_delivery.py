"""From several edges to one store, while stores and PostgreSQL come and go."""
import itertools

import pytest

import harness
from rig import Outbox, Rig, make
from test_operations import node  # noqa: F401 (fixture)

N_EDGES, N_EACH = 4, 50
numbers = itertools.count()


@pytest.fixture
def deal(tmp_path):
    """Folders of several edges, each with its share of one rig's packages."""
    ids = make(tmp_path / "edge0", N_EDGES * N_EACH, bytes=60000)
    outboxes = [Outbox(tmp_path / "edge0")]
    for i in range(1, N_EDGES):
        make(tmp_path / f"edge{i}", 0)
        outboxes.append(Outbox(tmp_path / f"edge{i}"))
        for name in ids[i::N_EDGES]:
            (tmp_path / "edge0/out" / name).rename(tmp_path / f"edge{i}/out" / name)
    return ids, outboxes


def test_several_edges_and_stores_that_come_and_go(tmp_path, sockets, postgres, deal):
    """A store is killed and another takes its place, PostgreSQL is away in between: each package once."""
    ids, outboxes = deal
    name = f"delivery{next(numbers)}"
    postgres.create_database(name)
    db, endpoint = postgres.conninfo(name), f"ipc://{sockets}/store"
    assert harness.citybrain("migrate", "--db", db).returncode == 0

    def store(i):
        return Rig(tmp_path / f"store{i}.log", "store", "--store", endpoint, "--db", db, "--media",
                   tmp_path / "media")

    def n_acked():
        return sum(len(o.ids("acked")) for o in outboxes)
    edges = [Rig(tmp_path / f"edge{i}.log", "edge", o.folder, "--store", endpoint)
             for i, o in enumerate(outboxes)]
    running = store(0)
    harness.wait_for("some of each edge", lambda: all(o.ids("acked") for o in outboxes), 60)
    running.kill()
    n = n_acked()
    running = store(1)
    harness.wait_for("some more", lambda: n_acked() > n or n == len(ids), 60)
    postgres.stop()
    try:
        running.wait_for_text("PostgreSQL is away")
    finally:
        postgres.start()
    harness.wait_for("all of them", lambda: n_acked() == len(ids), 120)
    stored = [str(row[0]) for row in postgres.query("SELECT id FROM violation ORDER BY id",
                                                    database=name)]
    assert stored == sorted(ids)
    assert all(o.ids("aside") == set() for o in outboxes)
    for program in [*edges, running]:
        assert program.stop() == 0, program.text()


def test_a_long_outage_is_over_when_postgres_is_back(node, postgres):
    """The edge's back-off has grown to 16 s by then; the store's word ends it."""
    postgres.stop()
    try:
        store, edge = node.start("store"), node.start("edge")
        harness.wait_for("five tries in vain", lambda: edge.text().count("trying again") >= 5, 60)
        n = edge.text().count("trying again")
    finally:
        postgres.start()
    store.wait_for_text("ready again, 1 edges that waited are told", 60)
    harness.wait_for("delivery", lambda: node.stored() == 3, 60)
    assert edge.text().count("trying again") <= n + 1
    assert edge.stop() == 0 and store.stop() == 0
