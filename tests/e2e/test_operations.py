"""What an operator does to running nodes: stop them, watch them, read their logs, mend their outbox.
An edge and a store in processes of their own; the packages are the rig's, as a crash would leave them."""
import json
import os
import shutil
import signal
import socket
import subprocess

import psycopg
import pytest

import harness
from rig import make
from test_health import Technician

N = 3


class Node:
    """Configuration, folders and processes of one edge and one store."""

    def __init__(self, folder, sockets, postgres):
        self.folder, self.programs = folder, []
        self.data, self.trusted = folder / "edge", folder / "trusted"
        postgres.create_database(folder.name)
        self.db = postgres.conninfo(folder.name)
        assert harness.citybrain("migrate", "--db", self.db).returncode == 0
        record = self.take_in(make(folder / "rig", N))
        self.trusted.write_text(record["public_key"] + " the rig\n")
        self.alerts = f"ipc://{sockets}/alerts"
        self.config = harness.write_config(
            folder / "city.yaml",
            [{"id": "c1", "url": str(folder / "nowhere.wav"),
              "microphone": {"sensitivity_dbfs_at_94db": -26.0}}],
            node={"id": record["node"], "data_dir": str(self.data)},
            bus={"evidence": f"ipc://{sockets}/evidence", "alerts": self.alerts,
                 "replay": f"ipc://{sockets}/replay"},
            store={"database": self.db, "media_dir": str(folder / "media"),
                   "trusted_keys": str(self.trusted)})
        done = harness.citybrain("keygen", "--out", self.data / "node")
        assert done.returncode == 0, done.stderr

    def take_in(self, ids):
        """The rig's packages into the node's own folder. @return one record"""
        (self.data / "sealed").mkdir(parents=True, exist_ok=True)
        for name in ids:
            package = self.folder / "rig/out" / name
            record = json.loads((package / "record.json").read_text())
            package.rename(self.data / "sealed" / f"{record['sequence']:012}-{name}")
        return record

    def start(self, role, *words, **environment):
        log = self.folder / f"{role}{len(self.programs)}.log"
        self.programs.append(harness.Program(
            [harness.CITYBRAIND, "--config", self.config, "--role", role, *words], log,
            env={**os.environ, **environment}))
        self.programs[-1].wait_for_text(" runs: ")
        return self.programs[-1]

    def outbox(self, *words):
        done = harness.citybrain("outbox", "--data", self.data, *words)
        return done.returncode, done.stdout + done.stderr

    def stored(self):
        with psycopg.connect(self.db) as db:
            return db.execute("SELECT count(*) FROM violation").fetchone()[0]


@pytest.fixture
def node(tmp_path, sockets, postgres):
    made = Node(tmp_path, sockets, postgres)
    yield made
    for program in made.programs:
        program.send(signal.SIGCONT)
        program.kill()


def test_sigterm_delivers_what_waits(node):
    store = node.start("store")
    store.send(signal.SIGSTOP)
    edge = node.start("edge")
    assert node.outbox()[1].startswith(f"{N} waiting, the oldest for ")
    edge.send(signal.SIGTERM)
    edge.wait_for_text(f"delivers what waits: {N} packages")
    store.send(signal.SIGCONT)
    assert edge.process.wait(30) == 0
    assert node.stored() == N
    code, words = node.outbox()
    assert code == 0 and words.startswith("0 waiting; 0 set aside; 3 delivered"), words
    assert "are not delivered" not in edge.text()
    assert store.stop() == 0


def test_drain_ends_when_the_store_stays_away(node):
    edge = node.start("edge")
    edge.send(signal.SIGTERM)
    assert edge.process.wait(60) == 0
    assert f"{N} packages are not delivered, they wait for the next start" in edge.text()
    code, words = node.outbox("--list")
    assert code == 0 and words.count("waiting    sequence") == N, words
    node.start("edge")
    node.start("store")
    harness.wait_for("delivery after the next start", lambda: node.stored() == N)


def test_second_signal_ends_at_once(node):
    edge = node.start("edge")
    edge.send(signal.SIGTERM)
    edge.wait_for_text("delivers what waits")
    edge.send(signal.SIGTERM)
    assert edge.process.wait(30) == -signal.SIGTERM
    assert "are not delivered" not in edge.text()  # it did not wait for the end of its time


def reload(program, expected):
    at = program.log.stat().st_size
    program.send(signal.SIGHUP)
    program.wait_for_text(expected, 30, at)
    return program.log.read_bytes()[at:].decode()


def test_set_aside_is_shown_and_retried_beside_the_daemons(node):
    """Trusted keys are read again on SIGHUP, one struck out as well as one added."""
    trusted = node.trusted.read_text()
    store = node.start("store")
    node.trusted.write_text("ab" * 32 + "\n")
    reload(store, "was read again")
    for wrong, words in (("not a key\n", "trusted:1: expected an Ed25519 public key"),
                         ("# none\n", "holds no key")):
        node.trusted.write_text(wrong)
        assert words in reload(store, "is refused")
    hears = Technician(node.alerts)
    edge = node.start("edge")
    harness.wait_for("packages set aside", lambda: "; 3 set aside;" in node.outbox()[1])
    assert "3 packages are set aside" in hears.wait(None, "set_aside", "raised")["text"]
    code, words = node.outbox()
    assert code == 1 and words.count("signed by an untrusted key") == N, words
    node.trusted.write_text(trusted)
    reload(store, "was read again")
    code, words = node.outbox("--retry")
    assert code == 0 and words.startswith("3 set aside before wait again\n"), words
    harness.wait_for("delivery after the retry", lambda: node.stored() == N, 60)
    harness.wait_for("the acknowledgement", lambda: "; 3 delivered" in node.outbox()[1])
    hears.wait(None, "set_aside", "cleared")
    hears.close()
    assert edge.is_running()


def test_damaged_folder_is_told_and_the_rest_delivered(node):
    hurt = sorted((node.data / "sealed").iterdir())[1]
    (hurt / "record.json").unlink()
    hears = Technician(node.alerts)
    edge = node.start("edge")
    store = node.start("store")
    assert "1 sealed folders are damaged" in hears.wait(None, "damaged", "raised")["text"]
    hears.close()
    harness.wait_for("the others", lambda: node.stored() == N - 1, 60)
    assert hurt.name in edge.text() and hurt.is_dir()
    assert store.stop() == 0


def test_outbox_of_a_mistyped_folder(tmp_path):
    done = harness.citybrain("outbox", "--data", tmp_path)
    assert done.returncode == 1 and f"{tmp_path}/outbox.db: " in done.stderr
    assert not list(tmp_path.iterdir())
    assert harness.citybrain("outbox").returncode == 2


@pytest.mark.parametrize("is_abstract", [False, True])
def test_service_manager_is_told(node, tmp_path, is_abstract):
    name = f"@citybrain-{os.getpid()}" if is_abstract else str(tmp_path / "n")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(name.replace("@", "\0"))
        manager.settimeout(30)
        store = node.start("store", NOTIFY_SOCKET=name, WATCHDOG_USEC="200000")
        assert manager.recv(100) == b"READY=1"
        assert manager.recv(100) == b"WATCHDOG=1"
        assert manager.recv(100) == b"WATCHDOG=1"
        store.send(signal.SIGTERM)
        while (word := manager.recv(100)) == b"WATCHDOG=1":
            pass
        assert word == b"STOPPING=1"
        assert store.process.wait(30) == 0


def test_log_as_json(node):
    edge = node.start("edge", "--log-format", "json", "--log", "debug")
    harness.wait_for("a word on the camera", lambda: '"c1"' in edge.text())
    edge.send(signal.SIGTERM)
    assert edge.process.wait(60) == 0
    lines = [json.loads(line) for line in edge.text().splitlines()]
    assert all({"time", "level", "topic", "text"} <= set(line) for line in lines)
    assert any(line["level"] == "info" and line["topic"] == "citybraind" for line in lines)
    assert any(line.get("id") == "c1" and line["level"] in ("warn", "error") for line in lines)
    done = harness.Program([harness.CITYBRAIND, "--config", node.config, "--log-format", "xml"],
                           node.folder / "wrong.log")
    assert done.process.wait(30) == 2 and "expected text or json" in done.text()


UNITS = harness.ROOT / "packaging/systemd"


def systemd_accepts(unit, tmp_path, *programs):
    """systemd-analyze's own word, where there is one; the programs are not installed here."""
    if not shutil.which("systemd-analyze"):
        return
    for path in UNITS.glob(f"{unit.stem}.*"):
        text = path.read_text()
        for program in programs:
            text = text.replace(program, "/bin/true")
        (tmp_path / path.name).write_text(text)
    done = subprocess.run(["systemd-analyze", "verify", tmp_path / unit.name], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("unit", sorted(UNITS.glob("*.timer")), ids=lambda path: path.name)
def test_systemd_timer_starts_its_service(unit, tmp_path):
    service = unit.with_suffix(".service").read_text()
    assert "Type=oneshot" in service and "\nOnCalendar=" in unit.read_text()
    [line] = [x for x in service.splitlines() if x.startswith("ExecStart=")]
    program, verb, *words = line.removeprefix("ExecStart=").split()
    assert program == "/usr/bin/citybrain"
    usage = harness.citybrain(verb, "--help").stdout
    assert all(w in usage for w in words if w.startswith("--")), words
    done = harness.citybrain(verb, *words, env={**os.environ, "CITYBRAIN_DB": "host=/nowhere"})
    assert done.returncode == 1 and "/nowhere" in done.stderr  # it got as far as its database
    systemd_accepts(unit, tmp_path, program)


@pytest.mark.parametrize("unit", [u for u in sorted(UNITS.glob("*.service"))
                                  if not u.with_suffix(".timer").exists()],
                         ids=lambda path: path.name)
def test_systemd_unit_is_in_order(unit, tmp_path):
    [line] = [x for x in unit.read_text().splitlines() if x.startswith("ExecStart=")]
    program, *words = line.removeprefix("ExecStart=").split()
    assert program == "/usr/bin/citybraind"
    usage = subprocess.run([harness.CITYBRAIND, "--help"], capture_output=True, text=True,
                           check=True).stdout
    assert all(w in usage for w in words if w.startswith("--")), words
    words[words.index("--config") + 1] = tmp_path / "nowhere.yaml"
    done = subprocess.run([harness.CITYBRAIND, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "nowhere.yaml" in done.stderr  # it got as far as its configuration
    systemd_accepts(unit, tmp_path, program)
