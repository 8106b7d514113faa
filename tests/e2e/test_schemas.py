"""What the program prints follows schema/json, and the schemas refuse what they should."""
import json
import subprocess

import jsonschema
import pytest

import harness

FOLDER = harness.ROOT / "schema/json"
SAMPLES = harness.BUILD / "tests/samples/sample_records"


def schema(name):
    return json.loads((FOLDER / f"{name}.schema.json").read_text())


def errors(name, value):
    return [f"{list(e.absolute_path)}: {e.message}"
            for e in jsonschema.Draft202012Validator(schema(name)).iter_errors(value)]


def samples(kind):
    lines = subprocess.run([SAMPLES, kind], capture_output=True, text=True, check=True).stdout
    return [json.loads(line) for line in lines.splitlines()]


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda p: p.name)
def test_schema_is_one(path):
    jsonschema.Draft202012Validator.check_schema(json.loads(path.read_text()))


@pytest.mark.parametrize("kind", ["passage", "noise", "incident", "evidence", "alert", "health"])
def test_records_follow(kind):
    records = samples(kind)
    assert records
    for record in records:
        assert errors(kind, record) == []


@pytest.mark.parametrize("kind", ["passage", "noise", "incident", "evidence", "alert", "health"])
def test_each_required_key_is_missed(kind):
    record = samples(kind)[0]
    for key in schema(kind)["required"]:
        less = {k: v for k, v in record.items() if k != key}
        assert errors(kind, less), f"{key} may be absent"


@pytest.mark.parametrize("kind, key, value", [
    ("passage", "speed_kmh", "73"), ("passage", "class", "tram"), ("passage", "speed_kmh", None),
    ("noise", "confidence", 1.5), ("noise", "class", "loud"),
    ("noise", "void_reasons", ["fog"]), ("noise", "third_octaves_db", [50.0]),
    ("incident", "id", "17"), ("incident", "kind", "race"), ("incident", "members", []),
    ("alert", "id", "not-a-uuid"), ("alert", "sequence", 0), ("alert", "severity", "bad"),
    ("health", "what", "bad"), ("health", "state", True), ("health", "since", None),
    ("alert", "occurred_at", "2026-11-23"), ("alert", "lat", 91),
    ("evidence", "prev_sha256", "00"), ("evidence", "files", []), ("evidence", "version", 2),
])
def test_wrong_value_is_refused(kind, key, value):
    assert errors(kind, {**samples(kind)[0], key: value})


def test_measured_lines_follow(tmp_path):
    """A recording of sound alone: noise, level and summary lines of the real tool."""
    clip = tmp_path / "tone.wav"
    harness.ffmpeg("-f", "lavfi", "-i", "sine=frequency=1000:duration=2", "-ac", "1", clip)
    config = harness.write_config(tmp_path / "city.yaml", [
        {"id": "c1", "url": str(clip), "microphone": {"sensitivity_dbfs_at_94db": -26.0}}])
    code, records, words = harness.measure(config, "c1", "--levels")
    assert code == 0, words
    assert {"level", "summary"} <= {r["type"] for r in records}
    for record in records:
        assert errors(record["type"], record) == [], record
