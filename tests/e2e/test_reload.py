"""SIGHUP: another configuration while cameras run. Real RTSP streams, PostgreSQL, python3-zmq."""
import copy
import json
import pathlib
import signal
import socket
import subprocess
import time

import pytest
import yaml
import zmq

import city as cities
import harness
from rig import keys
from test_city import due, metric, new_city, new_street, scene  # noqa: F401 (fixtures)


def n_frames(clip):
    done = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "v:0", "-count_packets",
                           "-show_entries", "stream=nb_read_packets", "-of", "csv=p=0", clip],
                          capture_output=True, text=True, timeout=60, check=True)
    return int(done.stdout.strip().strip(","))


class Reloading:
    """The city's configuration, to be changed, and how often it was read."""

    def __init__(self, city):
        self.city = city
        self.config = yaml.safe_load(city.config.read_text())

    def camera(self, id_):
        return next(c for c in self.config["cameras"] if c["id"] == id_)

    def write(self):
        self.city.config.write_text(yaml.safe_dump(self.config, allow_unicode=True, sort_keys=True))

    def reload(self, expected="the configuration was read again"):
        """@return what the log says of it"""
        at = self.city.daemon.log.stat().st_size
        self.city.daemon.program.send(signal.SIGHUP)
        self.city.daemon.program.wait_for_text(expected, 30, at)
        return self.city.daemon.log.read_bytes()[at:].decode()

    def frames(self, id_):
        return metric(self.city, "citybrain_camera_measured_frames_total", camera=id_)


def test_an_unchanged_camera_loses_nothing(scene, new_street, new_city):
    truth, entry, clip = scene
    once = new_street({"stays": clip}, is_once=True)
    loop = new_street({n: clip for n in ("changes", "goes", "comes")})

    def camera(name, street):
        return {**copy.deepcopy(entry), "id": name, "url": street.urls[name]}
    city = new_city([camera("stays", once), camera("changes", loop), camera("goes", loop)])
    r = Reloading(city)
    city.daemon.start()
    harness.wait_for("pictures of all", lambda: all((r.frames(c) or 0) > 25 for c in (
        "stays", "changes", "goes")), 60)

    r.camera("changes")["speed_limit_kmh"] = 70
    r.write()
    text = r.reload()
    assert "2 cameras run on, 0 new, 1 changed, 0 gone" in text, text
    harness.wait_for("the changed one's new count", lambda: 0 < (r.frames("changes") or 0), 60)

    gone = r.camera("goes")
    r.config["cameras"].remove(gone)
    r.config["cameras"].insert(0, camera("comes", loop))
    r.write()
    assert "2 cameras run on, 1 new, 0 changed, 1 gone" in r.reload()
    assert r.frames("goes") is None
    harness.wait_for("the new one's pictures", lambda: (r.frames("comes") or 0) > 0, 60)

    r.camera("comes")["speed_limit_kmh"] = "fast"
    r.write()
    text = r.reload("is refused")
    assert "city.yaml:" in text and "speed_limit_kmh" in text and "expected" in text, text
    n = r.frames("comes")
    harness.wait_for("the old one goes on", lambda: r.frames("comes") > n, 60)

    harness.wait_for("the recording's end", once.ended, 120)
    want = n_frames(clip)
    harness.wait_for("the last picture", lambda: r.frames("stays") >= want, 60)
    assert r.frames("stays") == want
    for what in ("dropped", "lost", "decode_errors"):
        assert metric(city, f"citybrain_camera_{what}_total", camera="stays") == 0
    rows = due(scene)
    harness.wait_for("all that is due", lambda: sum(
        v["camera_id"] == "stays" for v in city.stored()) >= len(rows), 90, 0.25)
    assert city.daemon.stop() == 0
    stored = [v for v in city.stored() if v["camera_id"] == "stays"]
    assert not cities.lay_stored(rows, stored)
    assert [len(x.stored) for x in rows] == [1] * len(rows)
    # what a stopped camera saw is evidence like all other, in one chain
    sequences = sorted(v["sequence"] for v in city.stored())
    assert sequences == list(range(1, len(sequences) + 1))
    done = harness.citybrain("verify", city.folder / "edge", "--chain", "--key",
                             city.folder / "node.pub")
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_a_stopped_camera_saw_is_sealed(scene, new_street, new_city):
    """Its speeder is in the picture's past when it is taken away; the record names the file that held."""
    truth, entry, clip = scene
    street = new_street({entry["id"]: clip})
    quiet = {**copy.deepcopy(entry), "id": "other", "url": str(street.urls[entry["id"]])}
    city = new_city([{**entry, "url": street.urls[entry["id"]]}, quiet])
    r = Reloading(city)
    city.daemon.start()
    harness.wait_for("violations", lambda: (metric(city, "citybrain_violations_total") or 0) >= 2,
                     60, 0.02)
    r.config["cameras"] = [r.camera("other")]
    r.camera("other")["speed_limit_kmh"] = 61
    r.write()
    text = r.reload()
    assert "0 cameras run on, 0 new, 1 changed, 1 gone" in text
    harness.wait_for("a violation of the changed one", lambda: any(
        float(v["limit_kmh"]) == 61 for v in city.stored()), 90, 0.25)
    assert city.daemon.stop() == 0
    assert len(city.stored()) == sum(p.is_dir() for p in city.sealed()) >= 3
    assert "has no evidence" not in city.daemon.text()
    by_limit = {}
    for v in city.stored():
        record = v["record_json"]
        record = record if isinstance(record, dict) else json.loads(record)
        by_limit.setdefault(float(v["limit_kmh"]), set()).add(record["config_sha256"])
    assert len(by_limit[60.0]) == len(by_limit[61.0]) == 1 and by_limit[60.0] != by_limit[61.0]


def test_many_reloads_leave_nothing_behind(scene, new_street, new_city):
    truth, entry, clip = scene
    street = new_street({n: clip for n in ("a", "b")})
    city = new_city([{**copy.deepcopy(entry), "id": n, "url": street.urls[n]} for n in ("a", "b")])
    r = Reloading(city)
    city.daemon.start()
    harness.wait_for("pictures", lambda: (r.frames("a") or 0) > 5, 60)
    n = r.frames("a")
    for i in range(12):
        r.camera("b")["speed_limit_kmh"] = 50 + i % 3
        r.write()
        assert "1 cameras run on, 0 new, 1 changed, 0 gone" in r.reload()
    harness.wait_for("one client a camera", lambda: street.command("clients").endswith(" 2"), 60, 0.2)
    harness.wait_for("pictures of both", lambda: r.frames("a") > n and (r.frames("b") or 0) > 5, 60)
    assert metric(city, "citybrain_camera_reconnects_total", camera="a") == 0
    threads = len(list((pathlib.Path("/proc") / str(city.daemon.program.pid) / "task").iterdir()))
    assert threads < 30, threads
    assert city.daemon.stop() == 0


@pytest.fixture
def edge(tmp_path, sockets):
    """An edge alone, without a camera that gives anything, on tcp."""
    class Edge:
        def __init__(self):
            self.public, _ = keys(tmp_path / "edge.curve")
            keys(tmp_path / "store.curve")
            self.clients = {n: keys(tmp_path / f"{n}.curve") for n in ("centre", "field")}
            ports = []
            for _ in range(2):
                with socket.socket() as s:
                    s.bind(("127.0.0.1", 0))
                    ports.append(s.getsockname()[1])
            self.alerts = f"tcp://127.0.0.1:{ports[0]}"
            self.parts = {
                "node": {"id": "edge-1", "data_dir": str(tmp_path / "edge")},
                "bus": {"evidence": f"ipc://{sockets}/evidence", "alerts": self.alerts,
                        "replay": f"tcp://127.0.0.1:{ports[1]}",
                        "curve_key": str(tmp_path / "edge.curve"),
                        "allowed_keys": str(tmp_path / "allowed")}}
            self.config = tmp_path / "city.yaml"
            (tmp_path / "edge").mkdir()
            assert harness.citybrain("keygen", "--out", tmp_path / "edge/node").returncode == 0
            self.program = None

        def allow(self, *lines):
            (tmp_path / "allowed").write_text("".join(f"{line}\n" for line in lines))

        def key(self, name):
            return self.clients[name][0]

        def write(self):
            harness.write_config(self.config, [
                {"id": "c1", "url": str(tmp_path / "nowhere.wav"), "district": "福田",
                 "microphone": {"sensitivity_dbfs_at_94db": -26.0}}], **self.parts)

        def start(self):
            self.write()
            self.program = harness.Program(
                [harness.CITYBRAIND, "--config", self.config, "--role", "edge"], tmp_path / "log")
            self.program.wait_for_text(" runs: ")

        def reload(self, expected):
            at = self.program.log.stat().st_size
            self.program.send(signal.SIGHUP)
            self.program.wait_for_text(expected, 30, at)
            return self.program.log.read_bytes()[at:].decode()

        def subscribe(self, context, name):
            s = context.socket(zmq.SUB)
            s.curve_serverkey = self.public.encode()
            s.curve_publickey, s.curve_secretkey = (k.encode() for k in self.clients[name])
            s.connect(self.alerts)
            s.subscribe("")
            return s
    edge = Edge()
    yield edge
    if edge.program:
        edge.program.kill()


def hears(s, timeout_s):
    """Whether a beat comes that is newer than this question."""
    while s.poll(0):
        s.recv_multipart()
    return bool(s.poll(timeout_s * 1000))


def test_health_goes_to_whose_district_it_is(edge):
    """The camera gives nothing and no store is there: both are told, to each key what it may know."""
    from test_health import Technician
    edge.allow(f"{edge.key('centre')} centre", f"{edge.key('field')} field districts=南山")
    edge.start()

    def technician(name):
        public, secret = (k.encode() for k in edge.clients[name])
        return Technician(edge.alerts, "", curve_serverkey=edge.public.encode(),
                          curve_publickey=public, curve_secretkey=secret)
    centre, field = technician("centre"), technician("field")
    centre.wait("c1", "lost", "raised")
    centre.wait(None, "store", "raised")
    assert field.sub.poll(20000) and field.read(1) == []
    edge.allow(f"{edge.key('centre')} centre", f"{edge.key('field')} field districts=福田")
    edge.reload("was read again")
    field.wait("c1", "lost", "raised")
    assert {m[1] for m in field.read(1)} == {"lost"}, "the edge's own is not of its district"
    for t in (centre, field):
        t.close()


def test_allowed_keys_are_read_again(edge):
    context = zmq.Context()
    edge.allow(f"{edge.key('centre')} centre")
    edge.start()
    centre, field = edge.subscribe(context, "centre"), edge.subscribe(context, "field")
    assert hears(centre, 20) and not hears(field, 0.5)
    edge.allow(f"{edge.key('centre')} centre", f"{edge.key('field')} field districts=南山")
    edge.reload("was read again")
    assert hears(field, 30)
    assert all(t.startswith(b"pulse.") for t in [field.recv_multipart()[0]])
    edge.allow(f"{edge.key('field')} field districts=南山")
    edge.reload("was read again")
    assert hears(field, 30), "who may stay is back"
    time.sleep(0.2)
    assert not hears(centre, 8), "who may not is parted"
    assert hears(field, 20)
    for wrong, words in (("not a key", "expected a key of 40 characters"), ("# none", "is empty")):
        edge.allow(wrong)
        text = edge.reload("is refused")
        assert words in text and "allowed" in text
        assert hears(field, 20), "the old list goes on"
    context.destroy(linger=0)
    assert edge.program.stop() == 0


@pytest.mark.parametrize("part, key, value", [
    ("node", "id", "edge-2"), ("node", "data_dir", "elsewhere"), ("node", "ring_s", 7),
    ("bus", "alerts", "tcp://127.0.0.1:1"), ("bus", "curve_key", "other.curve"),
    ("gateway", "listen", "127.0.0.1:0"), ("store", "media_dir", "elsewhere")])
def test_what_a_running_daemon_cannot_change_is_named(edge, part, key, value):
    edge.allow(f"{edge.key('centre')} centre")
    edge.start()
    edge.parts.setdefault(part, {})[key] = value
    edge.write()
    text = edge.reload("is refused")
    assert f"{part}.{key}" in text and "restart it instead" in text
    if part != "gateway" and isinstance(value, str) and part in ("node", "bus"):
        assert "expected '" in text
    assert edge.program.is_running()
