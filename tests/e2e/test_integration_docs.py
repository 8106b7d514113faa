"""The programs of docs/integration.md, as they stand there, against a real edge and a real gateway."""
import json
import os
import re
import signal
import subprocess

import pytest

import gateway as desk
import harness

FUTIAN, NANSHAN = "福田", "南山"
TEXT = (harness.ROOT / "docs/integration.md").read_text()
WARNINGS = ("-std=c17 -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Werror").split()


def program(language):
    """The one block of this language."""
    [block] = re.findall(rf"```{language}\n(.*?)```", TEXT, re.S)
    return block


@pytest.fixture(scope="module", params=["python", "c"])
def reader(request, tmp_path_factory):
    """@return the words that start the document's program"""
    folder = tmp_path_factory.mktemp(request.param)
    source = folder / ("alerts.py" if request.param == "python" else "alerts.c")
    source.write_text(program(request.param))
    if request.param == "python":
        return [harness.PYTHON, source]
    subprocess.run(["gcc", *WARNINGS, "-D_DEFAULT_SOURCE", "-o", folder / "alerts", source, "-lzmq",
                    "-ljansson"], check=True)
    return [folder / "alerts"]


class Follower:
    """The document's program with its position; it may be killed and started again."""

    def __init__(self, reader, edge, name):
        folder = edge.folder
        (folder / "edge.pub").write_text(edge.public + "\n")
        self.out, self.position = folder / f"{name}.out", folder / f"{name}.next"
        self.argv = [*reader, edge.alerts, edge.replay, self.position, folder / f"{name}.key",
                     folder / "edge.pub"]
        self.log = folder / f"{name}.err"
        self.start()

    def start(self):
        with open(self.out, "ab") as out:
            self.program = harness.Program(self.argv, self.log, stdout=out)

    def sequences(self):
        return [json.loads(line)["sequence"] for line in self.out.read_text().splitlines()]

    def wait(self, sequences):
        def is_there():
            assert self.program.is_running(), self.program.text()
            return len(self.sequences()) >= len(sequences)
        harness.wait_for(f"alerts {sequences}", is_there)
        assert self.sequences() == sequences


@pytest.fixture
def follow(reader, edge):
    followers = []

    def start(name):
        followers.append(Follower(reader, edge, name))
        return followers[-1]
    yield start
    for f in followers:
        f.program.kill()


def test_it_hears_each_once_and_asks_for_what_was_before(edge, follow):
    edge.let_in("centre")
    edge.announce(*[FUTIAN, NANSHAN] * 600)  # three pages of a replay
    edge.start()
    centre = follow("centre")
    centre.wait(list(range(1, 1201)))
    edge.announce(FUTIAN, NANSHAN)
    centre.wait(list(range(1, 1203)))
    harness.wait_for("the position", lambda: centre.position.read_text() == "1203\n")


def test_what_came_while_it_was_away_comes_when_it_is_back(edge, follow):
    edge.let_in("centre")
    edge.start()
    centre = follow("centre")
    edge.announce(FUTIAN, FUTIAN)
    centre.wait([1, 2])
    harness.wait_for("the position", lambda: centre.position.read_text() == "3\n")
    centre.program.kill()
    edge.announce(NANSHAN, FUTIAN)
    centre.start()
    centre.wait([1, 2, 3, 4])


def test_what_came_while_the_edge_was_cut_off_comes(edge, follow):
    edge.let_in("centre")
    edge.start()
    centre = follow("centre")
    edge.announce(FUTIAN)
    centre.wait([1])
    edge.program.kill()
    edge.announce(FUTIAN, NANSHAN, FUTIAN)
    (edge.outbox / "announced").write_text("3")  # said before it died: only a replay brings them
    edge.start()
    centre.wait([1, 2, 3, 4])


def test_a_limited_key_gets_all_of_its_district(edge, follow):
    edge.let_in("futian", FUTIAN)
    edge.announce(*[NANSHAN] * 5001, FUTIAN)  # more than an edge looks through for one answer
    edge.start()
    futian = follow("futian")
    futian.wait([5002])
    edge.announce(NANSHAN, FUTIAN, NANSHAN)
    futian.wait([5002, 5004])


def test_an_edge_that_counts_anew_is_followed_anew(edge, follow):
    edge.let_in("centre")
    edge.start()
    centre = follow("centre")
    edge.announce(FUTIAN, FUTIAN, FUTIAN)
    centre.wait([1, 2, 3])
    edge.program.stop()
    for path in (edge.outbox / "alerts").iterdir():
        path.unlink()
    (edge.outbox / "announced").unlink()
    edge.n = 0
    edge.announce(NANSHAN)
    edge.start()
    centre.wait([1, 2, 3, 1])


@pytest.fixture
def gate(peopled_store, tmp_path):
    gate = desk.Gateway(peopled_store.copy(tmp_path), tmp_path).start()
    yield gate
    assert gate.stop() == 0, gate.log.read_text()[-3000:]


def test_the_stream_over_http(gate, tmp_path):
    """The lines of curl, in a shell, with the six violations of the store behind them."""
    env = {**os.environ, "GATEWAY": f"http://127.0.0.1:{gate.port}", "LOGIN": "chief", "LAST": "0",
           "PASSWORD": desk.PASSWORD}
    with open(tmp_path / "stream", "wb") as out:
        shell = harness.Program(["sh", "-ec", program("sh")], tmp_path / "curl.err", cwd=tmp_path,
                                env=env, stdout=out)

    def ids():
        lines = (tmp_path / "stream").read_text().splitlines()
        alerts = [json.loads(lines[i + 1].removeprefix("data: "))
                  for i, line in enumerate(lines[:-1]) if line == "event: alert"]
        return {a["id"] for a in alerts}
    try:
        harness.wait_for("all violations", lambda: ids() == set(map(str, gate.store.ids)))
    finally:
        os.killpg(shell.pid, signal.SIGKILL)  # the shell and its curl
