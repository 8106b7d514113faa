"""Who gets which alerts: keys, districts, and what no key opens. python3-zmq and bare sockets against
the edge's tcp endpoints."""
import json
import socket
import threading
import time

import pytest
import zmq

import harness
from rig import Rig

FUTIAN, NANSHAN = "福田", "南山"


@pytest.fixture
def context():
    context = zmq.Context()
    context.linger = 0
    yield context
    context.destroy(linger=0)


class Reader:
    """A SUB, and all that it was ever sent, topic by topic."""

    def __init__(self, context, edge, options, *topics):
        self.sub = context.socket(zmq.SUB)
        for key, value in options.items():
            setattr(self.sub, key, value)
        self.sub.connect(edge.alerts)
        for topic in topics or ("",):
            self.sub.subscribe(topic)
        self.got = []

    def read(self, timeout_s=0.0):
        while self.sub.poll(timeout_s * 1000):
            topic, sequence, text = self.sub.recv_multipart()
            self.got.append((topic.decode(), int.from_bytes(sequence, "big"), json.loads(text)))
            timeout_s = 0.05
        return self.got

    def sequences(self, timeout_s=0.0):
        return [g[1] for g in self.read(timeout_s) if g[0].startswith("alert.")]

    def listening(self, n=1):
        """Once a beat is through, so is the subscription."""
        harness.wait_for("a beat", lambda: sum(not g[0].startswith("alert.")
                                               for g in self.read(0.1)) >= n)
        return self

    def wait(self, sequences):
        harness.wait_for(f"alerts {sequences}", lambda: self.sequences(0.1) == sequences)
        return self

    def topics(self):
        return {g[0].split(".")[0] + "." + g[0].split(".")[1] for g in self.got}


def ask(context, endpoint, options, request, timeout_s=20):
    s = context.socket(zmq.REQ)
    for key, value in options.items():
        setattr(s, key, value)
    s.connect(endpoint)
    s.send_json(request)
    answer = s.recv_multipart() if s.poll(timeout_s * 1000) else None
    s.close(linger=0)
    if answer is None:
        return None
    head, *rest = answer
    return json.loads(head), [int.from_bytes(rest[i + 1], "big") for i in range(0, len(rest), 3)]


def test_a_key_gets_its_districts_and_no_others(edge, context):
    all_ = edge.let_in("centre")
    one = edge.let_in("futian", FUTIAN)
    two = edge.let_in("both", f"{NANSHAN}, {FUTIAN}")
    edge.start()
    centre = Reader(context, edge, all_).listening()
    futian = Reader(context, edge, one).listening()
    both = Reader(context, edge, two).listening(2)
    edge.announce(FUTIAN, NANSHAN, NANSHAN, FUTIAN, "罗湖", FUTIAN)
    centre.wait([1, 2, 3, 4, 5, 6])
    futian.wait([1, 4, 6])
    both.wait([1, 2, 3, 4, 6])
    futian.read(0.5)
    assert futian.topics() == {f"alert.{FUTIAN}", f"pulse.{FUTIAN}"}
    assert {g[2]["district"] for g in futian.got} == {FUTIAN}
    assert both.topics() == {f"{a}.{b}" for a in ("alert", "pulse") for b in (FUTIAN, NANSHAN)}


@pytest.mark.parametrize("topics, expected", [
    (["alert."], [1, 4]), (["alert"], [1, 4]), ([f"alert.{FUTIAN}"], [1, 4]),
    ([f"alert.{FUTIAN}.speeding."], [1, 4]), ([f"alert.{FUTIAN}.modified"], []),
    ([f"alert.{NANSHAN}."], []), ([f"alert.{FUTIAN}", f"alert.{NANSHAN}"], [1, 4]),
    (["x", "heartbeat.", "alert.南"], []),
    ([b"alert.\xe7".decode("latin-1")], []),  # not even the first byte of a name
])
def test_whatever_it_asks_for(edge, context, topics, expected):
    all_, one = edge.let_in("centre"), edge.let_in("futian", FUTIAN)
    edge.start()
    centre = Reader(context, edge, all_).listening()
    futian = Reader(context, edge, one, *topics, f"pulse.{FUTIAN}").listening()
    edge.announce(FUTIAN, NANSHAN, NANSHAN, FUTIAN)
    centre.wait([1, 2, 3, 4])
    futian.wait(expected)
    futian.sub.unsubscribe(topics[0])
    edge.announce(NANSHAN)
    centre.wait([1, 2, 3, 4, 5])
    assert futian.sequences(0.5) == expected


def test_a_narrow_wish_taken_back_leaves_the_wide_one(edge, context):
    one = edge.let_in("futian", FUTIAN)
    edge.start()
    futian = Reader(context, edge, one, "", "alert.", f"alert.{FUTIAN}.speeding").listening()
    for topic in ("alert.", f"alert.{FUTIAN}.speeding"):
        futian.sub.unsubscribe(topic)
    time.sleep(0.3)  # it has no answer to wait for
    edge.announce(FUTIAN, NANSHAN, FUTIAN)
    futian.wait([1, 3])


def test_replay_gives_a_key_its_districts_and_how_far_they_go(edge, context):
    all_, one = edge.let_in("centre"), edge.let_in("futian", FUTIAN)
    edge.start()
    edge.announce(FUTIAN, NANSHAN, FUTIAN, NANSHAN, NANSHAN)
    harness.wait_for("all announced",
                     lambda: ask(context, edge.replay, all_, {"from": 1})[1] == [1, 2, 3, 4, 5])
    head, got = ask(context, edge.replay, one, {"from": 1})
    assert got == [1, 3] and head == {"from": 1, "count": 2, "more": False, "next": 6,
                                      "districts": [FUTIAN]}
    assert ask(context, edge.replay, one, {"from": 2, "to": 2}) == (
        {"from": 2, "count": 0, "more": False, "next": 3, "districts": [FUTIAN]}, [])
    assert ask(context, edge.replay, one, {"from": 9})[0]["next"] == 9
    assert "districts" not in ask(context, edge.replay, all_, {"from": 1})[0]


def test_replay_looks_through_a_bounded_number(edge, context):
    """A reader whose district is quiet does not hold up the edge: it is told to ask on."""
    one = edge.let_in("futian", FUTIAN)
    edge.announce(*[NANSHAN] * 6000, FUTIAN)
    (edge.outbox / "announced").write_text("6001")
    edge.start()
    head, got = ask(context, edge.replay, one, {"from": 1})
    assert (got, head["more"], head["next"]) == ([], True, 5001)
    head, got = ask(context, edge.replay, one, {"from": head["next"]})
    assert (got, head["more"], head["next"]) == ([6001], False, 6002)


def test_a_pulse_tells_what_a_limited_reader_should_have(edge, context):
    one = edge.let_in("futian", FUTIAN)
    edge.start()
    edge.announce(FUTIAN, NANSHAN, FUTIAN, NANSHAN, NANSHAN)
    futian = Reader(context, edge, one, "pulse.")
    harness.wait_for("the pulse of alert 3", lambda: (
        g := futian.read(0.2)) and g[-1][1] == 3)
    topic, sequence, beat = futian.got[-1]
    assert topic == f"pulse.{FUTIAN}.edge-1" and beat["type"] == "pulse"
    assert beat["district"] == FUTIAN and beat["sequence"] == sequence == 3


def test_tail_with_a_limited_key_misses_nothing(edge, tmp_path):
    """It is away while its district has alerts; what is not its own is no gap."""
    edge.let_in("futian", FUTIAN)
    edge.start()
    edge.announce(FUTIAN, NANSHAN, FUTIAN)
    (tmp_path / "edge.pub").write_text(edge.public + "\n")
    words = ["tail", "--endpoint", edge.alerts, "--replay", edge.replay, "--from", "1", "--json",
             "--count", "5", "--timeout", "30", "--keys", tmp_path / "futian.key", "--server-key",
             tmp_path / "edge.pub"]
    result = []
    t = threading.Thread(target=lambda: result.append(harness.citybrain(*words)))
    t.start()
    log = edge.outbox / "announced.log"
    harness.wait_for("three announced", lambda: log.exists() and "3" in log.read_text().split())
    edge.program.kill()
    edge.announce(NANSHAN, FUTIAN, NANSHAN)
    (edge.outbox / "announced").write_text("6")  # to somebody else
    edge.start()
    time.sleep(1)
    edge.announce(NANSHAN, FUTIAN, FUTIAN)
    t.join(60)
    assert result[0].returncode == 0, result[0].stderr
    got = [json.loads(line)["sequence"] for line in result[0].stdout.splitlines()]
    assert got == [1, 3, 5, 8, 9] and "missed" not in result[0].stderr


def test_no_key_and_strange_keys_get_nothing(edge, context):
    all_ = edge.let_in("centre", FUTIAN)
    edge.start()
    public, secret = (k.decode() for k in zmq.curve_keypair())
    strangers = [Reader(context, edge, {}), Reader(context, edge, edge.client(public, secret))]
    centre = Reader(context, edge, all_).listening()
    edge.announce(FUTIAN, FUTIAN)
    centre.wait([1, 2])
    for s in strangers:
        assert s.read(0.7) == []
    assert ask(context, edge.replay, {}, {"from": 1}, 1) is None
    assert ask(context, edge.replay, edge.client(public, secret), {"from": 1}, 1) is None


def test_a_reader_who_breaks_the_protocol_wins_no_rights(edge, context):
    """libzmq 4.3.4 loses count of whose subscription it is after a message that is none."""
    all_, one = edge.let_in("centre"), edge.let_in("futian", FUTIAN)
    edge.start()
    hostile = context.socket(zmq.XSUB)
    for key, value in one.items():
        setattr(hostile, key, value)
    hostile.connect(edge.alerts)
    hostile.send(b"\x01pulse.")
    assert hostile.poll(20000), "its own pulse"
    end, centres = time.monotonic() + 2, []
    while time.monotonic() < end:
        hostile.send(b"\x05no subscription")
        centres.append(Reader(context, edge, all_, ""))
        hostile.send(b"\x01alert." + bytes([len(centres) % 250]))
        time.sleep(0.01)
        if len(centres) > 20:
            centres.pop(0).sub.close(linger=0)
    hostile.send(b"\x01")
    last = Reader(context, edge, all_).listening()
    edge.announce(NANSHAN, FUTIAN, NANSHAN)
    last.wait([1, 2, 3])
    got = set()
    while hostile.poll(500):
        got.add(hostile.recv_multipart()[0].decode().split(".")[1])
    assert got <= {FUTIAN}
    assert edge.program.text().count("what is no subscription") == 1  # it does not come in again
    assert ask(context, edge.replay, one, {"from": 1}, 1) is None


# A handshake that somebody has recorded

class Tap:
    """A TCP proxy that keeps what each side sent."""

    def __init__(self, port):
        self.to, self.sent, self.answered = port, b"", b""
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        client, _ = self.listener.accept()
        server = socket.create_connection(("127.0.0.1", self.to))
        threading.Thread(target=self.pump, args=(server, client, "answered"), daemon=True).start()
        self.pump(client, server, "sent")

    def pump(self, source, sink, name):
        try:
            while data := source.recv(65536):
                setattr(self, name, getattr(self, name) + data)
                sink.sendall(data)
        except OSError:
            pass
        for s in (source, sink):
            s.close()


def read_until_silent(s, silence_s):
    """(bytes, whether the other side has closed)"""
    got = b""
    s.settimeout(silence_s)
    try:
        while data := s.recv(65536):
            got += data
        return got, True
    except ConnectionResetError:
        return got, True
    except TimeoutError:
        return got, False


@pytest.mark.parametrize("is_at_once", [True, False])
def test_a_replayed_handshake_gets_nothing(edge, context, is_at_once):
    all_ = edge.let_in("centre")
    edge.start()
    tap = Tap(edge.port)
    s = context.socket(zmq.SUB)
    for key, value in all_.items():
        setattr(s, key, value)
    s.connect(f"tcp://127.0.0.1:{tap.port}")
    s.subscribe("")
    assert s.poll(20000), "the true client hears"
    recorded, answered = tap.sent, tap.answered
    # greeting 64, HELLO 202, INITIATE; the server's greeting 64, WELCOME 170, READY, a message
    assert len(recorded) > 64 + 202 + 259 and len(answered) > 64 + 170 + 30
    assert b"\x05HELLO" in recorded and b"\x08INITIATE" in recorded and b"\x05READY" in answered
    if not is_at_once:
        s.close(linger=0)
    thief = socket.create_connection(("127.0.0.1", edge.port))
    thief.sendall(recorded)
    edge.announce(FUTIAN, FUTIAN)
    got, is_closed = read_until_silent(thief, 8)
    assert is_closed, "it is shown the door"
    assert b"\x05READY" not in got and b"MESSAGE" not in got and len(got) <= 64 + 170 + 40
    if is_at_once:
        harness.wait_for("the true client's alerts", lambda: (
            s.recv_multipart()[0].startswith(b"alert.")))
