import os
import pathlib
import shutil
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import clips  # noqa: E402
import edge as edges  # noqa: E402
import filled as stores  # noqa: E402
import gateway as gates  # noqa: E402
import harness  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "xdist_group(name): tests that share something costly")


@pytest.fixture(scope="session")
def postgres(tmp_path_factory):
    """One server for all tests; each makes a database of its own."""
    server = harness.Postgres(harness.VAR / f"test-pg-{os.getpid()}")
    server.start()
    yield server
    server.remove()


@pytest.fixture(scope="session")
def clip(tmp_path_factory):
    """clip(name): the file of that name in clips.py, made once."""
    folder = tmp_path_factory.mktemp("clips")
    return lambda name: clips.make(name, folder)


@pytest.fixture
def sockets():
    """A folder with a short path, for ipc endpoints."""
    folder = harness.short_folder()
    yield folder
    for entry in folder.iterdir():
        entry.unlink()
    folder.rmdir()


@pytest.fixture(scope="session")
def filled_store(tmp_path_factory, postgres):
    """A store that holds six records of one chain, to be copied."""
    sockets = harness.short_folder()
    yield stores.Store.filled(tmp_path_factory.mktemp("store"), sockets, postgres)
    shutil.rmtree(sockets)


@pytest.fixture
def store(tmp_path, filled_store):
    """A copy of it of one's own, to be altered."""
    return filled_store.copy(tmp_path)


@pytest.fixture(scope="session")
def peopled_store(tmp_path_factory, filled_store):
    """The same with a user of each role; the first two violations lie in 南山, the others in 福田."""
    store = filled_store.copy(tmp_path_factory.mktemp("peopled"))
    store.alter("UPDATE violation SET district = '南山' WHERE sequence <= 2",
                "UPDATE violation_id SET district = '南山' WHERE id IN"
                " (SELECT id FROM violation WHERE sequence <= 2)",
                "UPDATE event e SET district = i.district FROM violation_id i WHERE i.id = e.violation_id")
    for login, (role, districts) in gates.LOGINS.items():
        gates.add_user(store.db, login, role, districts)
    return store


@pytest.fixture
def edge(tmp_path):
    """One that is not started yet: keys and alerts first, where they are to be there before it."""
    made = edges.Edge(tmp_path)
    yield made
    if made.program:
        made.program.stop()
