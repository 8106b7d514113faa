"""The programs of docs/integration.md, as they stand there, against a real edge and a real gateway."""
import json
import os
import re
import signal
import subprocess
import threading

import pytest
import zmq

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
    return built(request.param, tmp_path_factory.mktemp(request.param))


def sequences_in(path):
    """Of the lines that are whole: a program that is writing may have half of one there."""
    whole = path.read_text(errors="replace").rpartition("\n")[0]
    return [json.loads(line)["sequence"] for line in whole.splitlines()]


def built(language, folder):
    """@return the words that start the document's program"""
    source = folder / ("alerts.py" if language == "python" else "alerts.c")
    source.write_text(program(language))
    if language == "python":
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
        return sequences_in(self.out)

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


class SlowQueue:
    """An edge that the test speaks for: its heartbeats come as late as the test wants them to."""

    def __init__(self, sockets):
        self.alerts, self.replay = f"ipc://{sockets}/alerts", f"ipc://{sockets}/replay"
        self.kept, self.asked = [1, 2, 3, 4, 5], []
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.context = zmq.Context()
        self.pub, self.rep = self.context.socket(zmq.XPUB), self.context.socket(zmq.REP)
        self.pub.bind(self.alerts)
        self.rep.bind(self.replay)
        self.answers = threading.Thread(target=self.answer)
        self.answers.start()

    @staticmethod
    def frames(topic, sequence):
        text = json.dumps({"type": "alert", "sequence": sequence})
        return [topic.encode(), sequence.to_bytes(8, "big"), text.encode()]

    def say(self, topic, sequence):
        self.pub.send_multipart(self.frames(topic, sequence))

    def answer(self):
        try:
            while True:
                request = json.loads(self.rep.recv())
                first, last = request["from"], request.get("to", 1 << 60)
                found = [n for n in self.kept if first <= n <= last]
                head = {"from": first, "count": len(found), "more": False,
                        "next": found[-1] + 1 if found else first}
                alerts = [f for n in found for f in self.frames("alert.福田.speeding.minor", n)]
                self.may_answer.wait()
                self.rep.send_multipart([json.dumps(head).encode(), *alerts])
                self.asked.append(first)
        except zmq.ContextTerminated:
            self.rep.close(linger=0)

    def stop(self):
        self.may_answer.set()
        self.pub.close(linger=0)
        self.context.term()
        self.answers.join()


@pytest.fixture
def slow_queue(sockets):
    slow_queue = SlowQueue(sockets)
    yield slow_queue
    slow_queue.stop()


@pytest.fixture(params=["python", "c", "tail"])
def heard(request, slow_queue, tmp_path):
    """A reader that has caught up with five alerts. @return what it has given so far, when called"""
    words = [harness.CITYBRAIN, "tail", "--endpoint", slow_queue.alerts, "--replay",
             slow_queue.replay, "--from", "1", "--json"]
    if request.param != "tail":
        words = [*built(request.param, tmp_path), slow_queue.alerts, slow_queue.replay,
                 tmp_path / "next"]
    with open(tmp_path / "out", "wb") as out:
        program_ = harness.Program(words, tmp_path / "err", stdout=out)

    def heard():
        assert program_.is_running(), program_.text()
        return sequences_in(tmp_path / "out")
    try:
        slow_queue.pub.recv()  # its subscription
        harness.wait_for("the five", lambda: heard() == [1, 2, 3, 4, 5])
        yield heard
    finally:
        program_.kill()


def test_a_heartbeat_that_waited_begins_nothing_anew(slow_queue, heard):
    slow_queue.say("heartbeat.edge-1", 2)
    slow_queue.say("heartbeat.edge-1", 3)
    harness.wait_for("a question about the last one", lambda: 5 in slow_queue.asked)
    slow_queue.kept.append(6)
    slow_queue.say("alert.福田.speeding.minor", 6)
    harness.wait_for("the sixth", lambda: 6 in heard())
    assert heard() == [1, 2, 3, 4, 5, 6]


def test_a_heartbeat_of_another_count_begins_at_one(slow_queue, heard):
    slow_queue.kept = [1, 2]

    def has_begun():
        slow_queue.say("heartbeat.edge-1", 2)  # again and again, as an edge does
        return heard() == [1, 2, 3, 4, 5, 1, 2]
    harness.wait_for("the new first two", has_begun)
    slow_queue.kept.append(3)
    slow_queue.say("alert.福田.speeding.minor", 3)
    harness.wait_for("the new third", lambda: heard() == [1, 2, 3, 4, 5, 1, 2, 3])


@pytest.mark.parametrize("heard", ["tail"], indirect=True)
def test_a_late_answer_is_not_the_next_questions(slow_queue, heard):
    slow_queue.may_answer.clear()
    slow_queue.say("alert.福田.speeding.minor", 8)
    harness.wait_for("the eighth, no answer", lambda: heard() == [1, 2, 3, 4, 5, 8])
    slow_queue.kept += [8, 9, 10]
    slow_queue.say("alert.福田.speeding.minor", 10)
    slow_queue.may_answer.set()  # "nothing" of 6 and 7 first: it does not say that there is no 9
    harness.wait_for("the ninth", lambda: heard() == [1, 2, 3, 4, 5, 8, 9, 10])


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
        lines = (tmp_path / "stream").read_text(errors="replace").rpartition("\n\n")[0].splitlines()
        alerts = [json.loads(lines[i + 1].removeprefix("data: "))
                  for i, line in enumerate(lines[:-1]) if line == "event: alert"]
        return {a["id"] for a in alerts}
    try:
        harness.wait_for("all violations", lambda: ids() == set(map(str, gate.store.ids)))
    finally:
        os.killpg(shell.pid, signal.SIGKILL)  # the shell and its curl
