"""What /metrics and /healthz tell of a city at work, and of one whose disk budget is used up."""
import json
import pathlib
import re
import subprocess
import urllib.request

import jsonschema
import zmq

import harness
from test_city import metric, new_city, new_street, scene  # noqa: F401 (fixtures)

# What docs/operations.md and dashboards rely on; those of a camera by its id.
OF_A_CAMERA = ["state", "fps", "lag_seconds", "frames_total", "measured_frames_total",
               "dropped_total", "lost_total", "queue", "reconnects_total", "decode_errors_total",
               "time_jumps_total", "ring_bytes", "drift_px", "suspended",
               "clock_difference_seconds"]
OF_THE_NODE = ["passages_total", "noise_events_total", "violations_total", "clock_synchronised",
               "clock_offset_seconds", "clock_age_seconds", "evidence_sealed_total",
               "evidence_failed_total", "evidence_waiting", "evidence_seal_seconds_max",
               "outbox_packages", "outbox_unannounced", "outbox_bytes",
               "outbox_oldest_age_seconds", "outbox_disk_free_bytes", "outbox_damaged",
               "outbox_recovery_seconds", "bus_store_connected", "bus_packages_sent_total",
               "bus_packages_acked_total", "bus_ack_seconds_sum", "bus_ack_seconds_count",
               "bus_ack_seconds_max", "bus_packages_set_aside_total", "bus_retries_total",
               "bus_alerts_total", "bus_replays_total", "bus_readers_cut_off_total",
               "bus_store_refusals_total", "store_connected", "store_packages_total",
               "store_seconds_sum", "store_seconds_count", "store_seconds_max",
               "receiver_answers_total", "receiver_malformed_total"]


class Technician:
    """Who hears of health alone: python3-zmq, the wire format, the schema."""

    SCHEMA = json.loads((harness.ROOT / "schema/json/health.schema.json").read_text())

    def __init__(self, endpoint, topic="health.", **keys):
        self.context, self.got = zmq.Context(), []
        self.sub = self.context.socket(zmq.SUB)
        for name, value in keys.items():
            setattr(self.sub, name, value)
        self.sub.connect(endpoint)
        self.sub.subscribe(topic)

    def read(self, timeout_s=0.1):
        while self.sub.poll(timeout_s * 1000):
            topic, sequence, text = self.sub.recv_multipart()
            message = json.loads(text)
            if not topic.startswith(b"health."):
                continue
            jsonschema.validate(message, self.SCHEMA)
            assert sequence == bytes(8), "it is no alert and takes no alert's number"
            assert topic.decode() == ".".join((
                "health", message["district"] if message["camera"] and message["district"] else "_",
                message["camera"] or message["node"], message["what"]))
            self.got.append(message)
            timeout_s = 0
        return [(m["camera"], m["what"], m["state"]) for m in self.got]

    def wait(self, camera, what, state, timeout_s=60):
        harness.wait_for(f"{what} {state}", lambda: (camera, what, state) in self.read(), timeout_s)
        return next(m for m in self.got if (m["camera"], m["what"], m["state"]) == (camera, what, state))

    def close(self):
        self.context.destroy(linger=0)


def get(city, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{city.port}{path}", timeout=10) as answer:
        return answer.read().decode()


def test_every_figure_is_there_and_moves(scene, new_street, new_city):
    truth, entry, clip = scene
    street = new_street({entry["id"]: clip})
    city = new_city([{**entry, "url": street.urls[entry["id"]]}])
    city.daemon.start()
    assert re.search(r"outbox recovered in \d+\.\d+ s: waiting=0", city.daemon.text())
    harness.wait_for("an acknowledged package", lambda: (
        metric(city, "citybrain_bus_packages_acked_total") or 0) >= 1, 90, 0.25)
    text = get(city, "/metrics")
    names = {line.split("{")[0].split(" ")[0] for line in text.splitlines()
             if not line.startswith("#")}
    missing = [n for n in (*(f"citybrain_camera_{m}" for m in OF_A_CAMERA),
                           *(f"citybrain_{m}" for m in OF_THE_NODE)) if n not in names]
    assert not missing, missing
    for line in text.splitlines():
        assert line.startswith("#") or re.fullmatch(
            r'[a-z_]+(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? (NaN|-?[0-9.e+]+)', line), line

    def camera(name):
        return metric(city, f"citybrain_camera_{name}", camera=entry["id"])
    assert metric(city, "citybrain_camera_state", camera=entry["id"], state="live") == 1
    assert 5 < camera("fps") < 100 and camera("dropped_total") == 0
    assert -1 < camera("lag_seconds") < 60 and abs(camera("clock_difference_seconds")) < 3
    assert metric(city, "citybrain_bus_store_connected") == 1
    assert metric(city, "citybrain_bus_ack_seconds_sum") > 0
    assert 0 < metric(city, "citybrain_store_seconds_max") < 60
    assert get(city, "/healthz") == "ok\n"
    # what the record says of the clock is what the figures say
    record = json.loads((next(p for p in city.sealed() if p.is_dir()) / "record.json").read_text())
    is_known = metric(city, "citybrain_clock_synchronised") == 1
    assert (record["clock_offset_s"] is not None) == is_known
    hears = Technician(city.alerts)
    street.command("refuse")
    harness.wait_for("the loss of the camera", lambda: get(city, "/healthz") == (
        f"degraded\ncamera {entry['id']}: gives no pictures or sound\n"), 60)
    message = hears.wait(entry["id"], "lost", "raised")
    assert message["district"] == entry["district"] and message["text"] == "gives no pictures or sound"
    assert message["since"] < message["at"] and message["node"] == "demo-1"
    # who comes later is told how things stand, and `citybrain tail` says it
    later = Technician(city.alerts, f"health.{entry['district']}")
    later.wait(entry["id"], "lost", "raised", message["repeat_s"] / 2)
    tail = subprocess.Popen([harness.CITYBRAIN, "tail", "--endpoint", city.alerts, "--topic", "health."],
                            stdout=subprocess.PIPE, text=True)
    lines = [tail.stdout.readline() for _ in range(2)]
    tail.kill()
    assert re.search(rf"–  \S+Z +{entry['id']} .*  lost +raised +gives no pictures", lines[1]), lines
    n_said = metric(city, "citybrain_bus_health_total")
    assert n_said >= 2
    street.command("accept")
    hears.wait(entry["id"], "lost", "cleared")
    assert get(city, "/healthz") == "ok\n"
    assert {m[1] for m in hears.read()} == {"lost"}
    for h in (hears, later):
        h.close()
    assert city.daemon.stop() == 0


def test_a_bumped_camera_is_told(scene, new_street, new_city, tmp_path):
    """From its pictures to the bus: the mounting is knocked by 14 pixels after nine seconds."""
    truth, entry, clip = scene
    bumped = tmp_path / "bumped.mp4"
    harness.ffmpeg("-stream_loop", 1, "-i", clip, "-vf",
                   "crop=616:360:if(lt(t\\,9)\\,0\\,14):0,pad=640:360", "-c:a", "copy", "-c:v", "libx264",
                   "-preset", "ultrafast", "-crf", "20", "-g", "25", "-bf", "0", bumped)
    street = new_street({entry["id"]: bumped})
    city = new_city([{**entry, "url": street.urls[entry["id"]]}])
    hears = Technician(city.alerts)
    city.daemon.start()
    message = hears.wait(entry["id"], "moved", "raised", 90)
    assert "has moved against its calibration" in message["text"]
    assert f"camera {entry['id']}: suspended, it has moved" in get(city, "/healthz")
    assert metric(city, "citybrain_camera_suspended", camera=entry["id"]) == 1
    hears.close()
    assert city.daemon.stop() == 0


def test_postgres_away_is_told(scene, new_street, new_city, postgres):
    truth, entry, clip = scene
    street = new_street({entry["id"]: clip})
    city = new_city([{**entry, "url": street.urls[entry["id"]]}])
    city.daemon.start()
    harness.wait_for("a stored violation", city.stored, 90, 0.25)
    postgres.stop()
    try:
        harness.wait_for("the word", lambda: "store: PostgreSQL is away\n" in get(city, "/healthz"), 90)
    finally:
        postgres.start()
    harness.wait_for("ok again", lambda: get(city, "/healthz") == "ok\n", 60)
    assert city.daemon.stop() == 0


def test_a_used_up_budget_takes_no_evidence_and_goes_on_counting(scene, new_street, new_city):
    """Nothing new is taken, loudly; nothing there is touched; cameras are measured as ever."""
    truth, entry, clip = scene
    street = new_street({entry["id"]: clip})
    city = new_city([{**entry, "url": street.urls[entry["id"]]}])
    text = city.config.read_text()
    sockets = pathlib.Path(city.sockets)
    city.config.write_text(text.replace("node:\n", "node:\n  outbox_mib_max: 1\n").replace(
        "bus:\n", f"bus:\n  evidence: ipc://{sockets}/nobody\n").split("store:\n")[0]
        + "gateway:\n" + text.split("gateway:\n")[1])
    hears = Technician(city.alerts)
    city.daemon.start()

    def figure(name):
        return metric(city, f"citybrain_{name}") or 0
    harness.wait_for("a refused seal", lambda: "no new evidence until the store takes some" in
                     city.daemon.text(), 120)
    health = get(city, "/healthz")
    assert health.startswith("degraded\n") and "outbox: " in health and "the budget is 1 MB" in health
    assert "bus: the store is not connected\n" in health
    kept = {p: p.stat().st_mtime_ns for d in city.sealed() if d.is_dir() for p in d.iterdir()}
    assert kept
    passages, violations = figure("passages_total"), figure("violations_total")
    failed = figure("evidence_failed_total")
    harness.wait_for("more passages", lambda: figure("passages_total") >= passages + 4, 90)
    harness.wait_for("more violations", lambda: figure("violations_total") > violations, 90)
    harness.wait_for("evidence given up", lambda: figure("evidence_failed_total") > failed, 90)
    assert "has no evidence and is not charged" in city.daemon.text()
    assert {p: p.stat().st_mtime_ns for d in city.sealed() if d.is_dir()
            for p in d.iterdir()} == kept
    assert metric(city, "citybrain_camera_dropped_total", camera=entry["id"]) == 0
    assert "the budget is 1 MB" in hears.wait(None, "disk", "raised")["text"]
    hears.wait(None, "store", "raised")
    hears.close()
    # the store comes: what waited is delivered, and new evidence is taken again
    assert city.daemon.stop() == 0
    city.config.write_text(text.replace("node:\n", "node:\n  outbox_mib_max: 1\n"))
    n = sum(d.is_dir() for d in city.sealed())
    city.daemon.start()
    assert re.search(r"outbox recovered in \d+\.\d+ s: waiting=[1-9]", city.daemon.text())
    harness.wait_for("new evidence", lambda: len(city.stored()) > n, 120, 0.25)
    assert city.daemon.stop() == 0
