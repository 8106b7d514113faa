"""Alerts as an independent client sees them: python3-zmq, not citybrain's own code."""
import json
import socket
import subprocess
import time

import pytest
import zmq

import harness
from rig import Rig, keys, make

TOPIC_SPEEDING = "alert.福田.speeding."


@pytest.fixture
def edge(tmp_path, sockets):
    """An edge that announces and replays, without a store; ended when the test is."""
    class Edge:
        folder = tmp_path / "outbox"
        alerts, replay = f"ipc://{sockets}/alerts", f"ipc://{sockets}/replay"
        program = None

        def start(self, *more):
            self.program = Rig(tmp_path / "edge.log", "edge", self.folder, "--alerts", self.alerts,
                               "--replay", self.replay, *more)
            return self
    edge = Edge()
    yield edge
    if edge.program:
        edge.program.stop()


@pytest.fixture
def context():
    context = zmq.Context()
    context.linger = 0
    yield context
    context.destroy(linger=0)


def subscribe(context, endpoint, topic="", **options):
    s = context.socket(zmq.SUB)
    for key, value in options.items():
        setattr(s, key, value)
    s.connect(endpoint)
    s.subscribe(topic)
    return s


def next_alert(s, timeout_s=20):
    """(topic, sequence, object) of the next alert; heartbeats are skipped."""
    until = time.monotonic() + timeout_s
    while s.poll(max(0, until - time.monotonic()) * 1000):
        topic, sequence, text = s.recv_multipart()
        assert len(sequence) == 8
        if topic.startswith(b"alert."):
            return topic.decode(), int.from_bytes(sequence, "big"), json.loads(text)
    raise TimeoutError("no alert")


def listening(s, timeout_s=20):
    """Once a heartbeat is through, so is the subscription."""
    assert s.poll(timeout_s * 1000)
    return s


def ask(context, endpoint, request):
    """The replay's head and its alerts as (topic, sequence, object)."""
    s = context.socket(zmq.REQ)
    s.connect(endpoint)
    s.send(request if isinstance(request, bytes) else json.dumps(request).encode())
    assert s.poll(20000), "no answer"
    head, *rest = s.recv_multipart()
    s.close(linger=0)
    assert len(rest) % 3 == 0
    return json.loads(head), [(rest[i].decode(), int.from_bytes(rest[i + 1], "big"),
                               json.loads(rest[i + 2])) for i in range(0, len(rest), 3)]


def test_alert_as_it_is_announced(edge, context):
    edge.start()
    s = listening(subscribe(context, edge.alerts))
    [name] = make(edge.folder, 1)
    topic, sequence, alert = next_alert(s)
    assert topic == TOPIC_SPEEDING + alert["severity"] and sequence == 1
    assert alert["id"] == name and alert["sequence"] == 1 and alert["type"] == "alert"
    assert alert["district"] == "福田" and alert["measured"] == pytest.approx(73.2, abs=0.05)


def test_alerts_come_in_order_without_gaps(edge, context):
    edge.start()
    s = listening(subscribe(context, edge.alerts))
    ids = make(edge.folder, 50)
    got = [next_alert(s) for _ in ids]
    assert [g[1] for g in got] == list(range(1, 51))
    assert [g[2]["id"] for g in got] == ids


def test_topic_chooses(edge, context):
    edge.start()
    s = subscribe(context, edge.alerts, TOPIC_SPEEDING)
    listening(subscribe(context, edge.alerts))
    time.sleep(0.3)  # the subscription has no answer to wait for
    make(edge.folder, 4)
    assert [next_alert(s)[1] for _ in range(2)] == [1, 3]


def test_heartbeat_tells_the_last_sequence(edge, context):
    make(edge.folder, 3)
    edge.start()
    s = subscribe(context, edge.alerts, "heartbeat.edge-1")
    for _ in range(20):
        assert s.poll(20000)
        _, sequence, text = s.recv_multipart()
        if json.loads(text)["sequence"] == 3:
            break
    assert int.from_bytes(sequence, "big") == 3 and json.loads(text)["type"] == "heartbeat"


def test_restart_announces_nothing_twice(edge, context):
    def log():
        path = edge.folder / "announced.log"
        return [int(n) for n in path.read_text().split()] if path.exists() else []
    make(edge.folder, 5)
    edge.start()
    harness.wait_for("all announced", lambda: len(log()) == 5)
    edge.program.kill()
    edge.start()
    s = listening(subscribe(context, edge.alerts))
    make(edge.folder, 1)
    assert next_alert(s)[1] == 6
    harness.wait_for("the note of it", lambda: 6 in log())
    assert log() == [1, 2, 3, 4, 5, 6]


def test_replay(edge, context):
    ids = make(edge.folder, 12)
    edge.start()
    harness.wait_for("all announced", lambda: ask(context, edge.replay, {"from": 12})[1])
    head, alerts = ask(context, edge.replay, {"from": 4, "to": 6})
    assert head == {"from": 4, "count": 3, "more": False, "next": 7}
    assert [(a[1], a[2]["id"]) for a in alerts] == [(n, ids[n - 1]) for n in (4, 5, 6)]
    assert alerts[0][0].startswith("alert.福田.modified_exhaust.")
    assert [a[1] for a in ask(context, edge.replay, (11).to_bytes(8, "big"))[1]] == [11, 12]
    assert ask(context, edge.replay, {"from": 100})[0]["count"] == 0


def test_replay_in_pages(edge, context):
    make(edge.folder, 620, bytes=1)
    edge.start()
    harness.wait_for("all announced", lambda: ask(context, edge.replay, {"from": 620})[1])
    head, first = ask(context, edge.replay, {"from": 1})
    assert head["more"] and head["count"] == len(first) == 500
    head, rest = ask(context, edge.replay, {"from": head["next"]})
    assert not head["more"]
    assert [a[1] for a in first + rest] == list(range(1, 621))


@pytest.mark.parametrize("request_", [b"", b"x", b"{}", b"[1]", b'{"from":-1}', b'{"from":"a"}',
                                      b'{"from":1,"to":1.5}', b"{" * 900])
def test_bad_replay_request_is_told(edge, context, request_):
    make(edge.folder, 1)
    edge.start()
    head, alerts = ask(context, edge.replay, request_)
    assert "expected" in head["error"] and alerts == []
    assert ask(context, edge.replay, {"from": 1})[0]["from"] == 1


# CURVE

@pytest.fixture
def secured(edge, tmp_path):
    """The edge on tcp with keys; (public, secret) of one client that is allowed."""
    edge_public, _ = keys(tmp_path / "edge.key")
    client = keys(tmp_path / "client.key")
    (tmp_path / "allowed").write_text(client[0] + " command-centre\n")
    (tmp_path / "edge.pub").write_text(edge_public + "\n")
    for name in ("alerts", "replay"):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            setattr(edge, name, f"tcp://127.0.0.1:{s.getsockname()[1]}")
    edge.start("--keys", tmp_path / "edge.key", "--allow", tmp_path / "allowed")
    return edge_public.encode(), [k.encode() for k in client]


def curve(server, client):
    return {"curve_serverkey": server, "curve_publickey": client[0], "curve_secretkey": client[1]}


def test_client_on_the_list_reads(edge, context, secured):
    s = listening(subscribe(context, edge.alerts, **curve(*secured)))
    make(edge.folder, 2)
    assert [next_alert(s)[1] for _ in range(2)] == [1, 2]


@pytest.mark.parametrize("stranger", ["other keys", "no keys", "wrong server key"])
def test_stranger_gets_nothing(edge, context, secured, stranger):
    server, client = secured
    options = {"other keys": curve(server, zmq.curve_keypair()),
               "no keys": {},
               "wrong server key": curve(zmq.curve_keypair()[0], client)}[stranger]
    s = subscribe(context, edge.alerts, **options)
    friend = listening(subscribe(context, edge.alerts, **curve(server, client)))
    make(edge.folder, 3)
    assert [next_alert(friend)[1] for _ in range(3)] == [1, 2, 3]
    assert not s.poll(1000)
    asker = context.socket(zmq.DEALER)
    for key, value in options.items():
        setattr(asker, key, value)
    asker.connect(edge.replay)
    asker.send_multipart([b"", b'{"from":1}'])
    assert not asker.poll(1000)


# citybrain tail

def tail(*words):
    return subprocess.Popen([harness.CITYBRAIN, "tail", *map(str, words)], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_tail_from_the_beginning_then_live(edge):
    ids = make(edge.folder, 7)
    edge.start()
    p = tail("--endpoint", edge.alerts, "--replay", edge.replay, "--from", 1, "--count", 10,
             "--json", "--timeout", 30)
    got = [json.loads(p.stdout.readline()) for _ in range(7)]
    ids += make(edge.folder, 3)
    rest, err = p.communicate(timeout=60)
    assert p.returncode == 0, err
    got += [json.loads(line) for line in rest.splitlines()]
    assert [g["id"] for g in got] == ids


def test_tail_asks_for_what_it_missed(edge):
    """The edge goes away, announces while nobody can hear, and comes back."""
    make(edge.folder, 2)
    edge.start()
    p = tail("--endpoint", edge.alerts, "--replay", edge.replay, "--from", 1, "--count", 8,
             "--json", "--timeout", 40)
    got = [json.loads(p.stdout.readline())["sequence"] for _ in range(2)]
    edge.program.kill()
    make(edge.folder, 4)
    (edge.folder / "announced").write_text("6")  # to somebody else
    edge.start()
    make(edge.folder, 2)
    out, err = p.communicate(timeout=60)
    got += [json.loads(line)["sequence"] for line in out.splitlines()]
    assert (p.returncode, got) == (0, list(range(1, 9))), err


def test_tail_table_is_aligned(edge):
    make(edge.folder, 2)
    edge.start()
    done = harness.citybrain("tail", "--endpoint", edge.alerts, "--replay", edge.replay, "--from",
                             "1", "--count", "2", "--timeout", "30")
    assert done.returncode == 0, done.stderr
    widths = {sum(2 if ord(c) >= 0x2e80 else 1 for c in line) for line in done.stdout.splitlines()}
    assert len(widths) == 1, done.stdout
    assert "福田" in done.stdout and "73.2 ± " in done.stdout and "dB(A)" in done.stdout


def test_tail_over_tcp(edge, secured, tmp_path):
    make(edge.folder, 3)
    done = harness.citybrain("tail", "--endpoint", edge.alerts, "--replay", edge.replay, "--from",
                             "1", "--count", "3", "--timeout", "30", "--json", "--keys",
                             tmp_path / "client.key", "--server-key", tmp_path / "edge.pub")
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 3, done.stderr


@pytest.mark.parametrize("words, expected", [
    (["--endpoint", "tcp://127.0.0.1:1"], "tcp is refused without keys"),
    (["--endpoint", "http://x"], "expected inproc://NAME, ipc://PATH or tcp://HOST:PORT"),
    (["--from", "1", "--endpoint", "ipc:///tmp/x"], "--from needs --replay"),
    (["--count", "none"], "--count: a whole number"),
    (["--keys", "/nonexistent"], "/nonexistent"),
])
def test_tail_says_what_it_expects(words, expected):
    done = harness.citybrain("tail", *words)
    assert done.returncode == 2 and expected in done.stderr, done.stderr


def test_tail_timeout(tmp_path, sockets):
    done = harness.citybrain("tail", "--endpoint", f"ipc://{sockets}/nobody", "--timeout", "0.5",
                             "--count", "1")
    assert done.returncode == 1
