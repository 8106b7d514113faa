"""Readers of alerts who stand still: what that costs the edge, the others, and themselves."""
import json
import pathlib
import signal
import subprocess

import zmq

import harness
from test_alert_rights import Reader, context  # noqa: F401 (a fixture)

N = 20000
FILLER = "x" * 2600  # an alert as large as a long one: so that what piles up would show


def rss_mib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no VmRSS")


def test_a_reader_who_stands_still_is_cut_off_and_can_ask(edge, context):
    keys_ = edge.let_in("centre"), edge.let_in("sleeper")
    edge.sample["filler"] = FILLER
    edge.start()
    good = Reader(context, edge, keys_[0])
    good.sub.rcvhwm = 0
    slow = Reader(context, edge, {**keys_[1], "rcvhwm": 10, "rcvbuf": 65536}).listening()
    good.listening()
    edge.announce(*["福田"] * 500)
    good.wait(list(range(1, 501)))
    before = rss_mib(edge.program.pid)
    edge.announce(*["福田"] * (N - 500))
    harness.wait_for("the other reader's alerts",
                     lambda: len(good.sequences(0.2)) >= N, 240)
    grown = rss_mib(edge.program.pid) - before
    assert good.sequences() == list(range(1, N + 1)), "nobody else loses anything"
    # 2000 alerts of some 3.3 kB, their three frames' heads, and what malloc keeps
    assert grown < 32, f"the edge grew by {grown:.0f} MiB"

    # What it missed it can ask for. Its socket is not read here: libzmq 4.3.4 once aborted inside
    # recv on a SUB that had been parted while it stood still; a program that wakes is tried below.
    due, got, asked = 1, [], context.socket(zmq.REQ)
    for key, value in keys_[1].items():
        setattr(asked, key, value)
    asked.connect(edge.replay)
    while due <= N:
        asked.send_json({"from": due})
        assert asked.poll(30000)
        head, *rest = asked.recv_multipart()
        got += [int.from_bytes(s, "big") for s in rest[1::3]]
        due = json.loads(head)["next"]
    assert got == list(range(1, N + 1))
    slow.sub.close(0)


def test_a_frozen_program_wakes_and_has_all(edge, tmp_path):
    """SIGSTOP: not even its sockets are read; `citybrain tail` then asks for what it missed."""
    edge.let_in("centre")
    edge.sample["filler"] = FILLER
    edge.start()
    edge.announce("福田")
    (tmp_path / "edge.pub").write_text(edge.public + "\n")
    with open(tmp_path / "out", "wb") as out:
        tail = subprocess.Popen(
            [harness.CITYBRAIN, "tail", "--endpoint", edge.alerts, "--replay", edge.replay,
             "--from", "1", "--json", "--count", "12000", "--timeout", "90", "--keys",
             tmp_path / "centre.key", "--server-key", tmp_path / "edge.pub"], stdout=out,
            stderr=subprocess.PIPE)
    try:
        harness.wait_for("the first alert", lambda: b"\n" in (tmp_path / "out").read_bytes())
        tail.send_signal(signal.SIGSTOP)
        edge.announce(*["福田"] * 11999)
        log = edge.outbox / "announced"
        harness.wait_for("all announced", lambda: log.read_text() == "12000", 120)
        tail.send_signal(signal.SIGCONT)
        _, words = tail.communicate(timeout=120)
    finally:
        tail.kill()
    got = [json.loads(line)["sequence"] for line in (tmp_path / "out").read_bytes().splitlines()]
    assert tail.returncode == 0, words
    assert got == list(range(1, 12001))


def test_an_asker_who_does_not_read_costs_a_bounded_sum(edge, context):
    """A hundred requests for 500 alerts each, and not one answer read."""
    one, other = edge.let_in("greedy"), edge.let_in("centre")
    edge.sample["filler"] = FILLER
    edge.announce(*["福田"] * 600)
    (edge.outbox / "announced").write_text("600")
    edge.start()
    s = context.socket(zmq.DEALER)
    for key, value in {**one, "rcvhwm": 1, "rcvbuf": 65536, "sndhwm": 1000}.items():
        setattr(s, key, value)
    s.connect(edge.replay)
    before = rss_mib(edge.program.pid)
    for _ in range(100):
        s.send_multipart([b"", b'{"from": 1}'])
    asked = context.socket(zmq.REQ)
    for key, value in other.items():
        setattr(asked, key, value)
    asked.connect(edge.replay)
    for _ in range(5):  # others are served meanwhile
        asked.send_json({"from": 600})
        assert asked.poll(60000)
        assert json.loads(asked.recv_multipart()[0])["count"] == 1
    grown = rss_mib(edge.program.pid) - before
    assert grown < 48, f"the edge grew by {grown:.0f} MiB"  # unbounded: 100 answers of 1.7 MB
