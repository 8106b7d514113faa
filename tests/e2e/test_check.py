"""`citybrain check`: a wrong configuration is refused with file, line, key and what was expected."""
import pytest

import harness

GOOD = """\
cameras:
  - id: c1
    url: clip.mp4
    speed_limit_kmh: 60
    location: {lat: 22.5, lon: 114.0, bearing_deg: 92}
    calibration:
      points:
        - {px: [100.0, 340.0], m: [-5.0, 10.0]}
        - {px: [540.0, 340.0], m: [5.0, 10.0]}
        - {px: [283.3, 140.0], m: [-5.0, 60.0]}
        - {px: [356.7, 140.0], m: [5.0, 60.0]}
    zone: {y_min: 12.0, y_max: 40.0}
    microphone:
      sensitivity_dbfs_at_94db: -26.0
      limit_dba: 85
"""

# what is put in the place of what, the line that is named, words that must be in the message
WRONG = [
    ("    speed_limit_kmh: 60", "    speed_limit: 60", 4, ["speed_limit", "speed_limit_kmh"]),
    ("    speed_limit_kmh: 60", "    speed_limit_kmh: fast", 4, ["speed_limit_kmh", "fast", "number"]),
    ("    speed_limit_kmh: 60", "    speed_limit_kmh: -5", 4, ["speed_limit_kmh", "-5", "km/h"]),
    ("    speed_limit_kmh: 60", "    speed_limit_kmh: nan", 4, ["speed_limit_kmh", "nan"]),
    ("    speed_limit_kmh: 60", "    speed_limit_kmh: [60]", 4, ["speed_limit_kmh"]),
    ("  - id: c1", "  - id: Camera 1", 2, ["id", "Camera 1", "a-z0-9-"]),
    ("    url: clip.mp4", "    road: x", 2, ["url", "missing"]),
    ("lat: 22.5", "lat: 122.5", 5, ["lat", "122.5"]),
    ("m: [5.0, 10.0]", "m: [5.0]", 9, ["m"]),
    ("px: [540.0, 340.0]", "px: [540.0, x]", 9, ["px"]),
    ("y_max: 40.0", "y_max: 4.0", 12, ["zone", "y_min"]),
    ("      limit_dba: 85", "      limit_dba: loud", 15, ["limit_dba", "loud"]),
    ("      sensitivity_dbfs_at_94db: -26.0\n", "", None, ["sensitivity_dbfs_at_94db", "missing"]),
    ("    url: clip.mp4", "    url: clip.mp4\n    url: other.mp4", 4, ["url"]),
    ("    zone:", "    zone: {y_min: 1.0, y_max: 2.0}\n    zone:", 13, ["zone"]),
    ("cameras:", "camera:", 1, ["camera", "cameras"]),
    ("cameras:", "cameras: 7\nothers:", 1, ["cameras"]),
    ("    url: clip.mp4", "   url: clip.mp4", 3, ["YAML"]),
    ("        - {px: [356.7, 140.0], m: [5.0, 60.0]}\n", "", None, ["calibration", "4"]),
]


def check(path, text):
    path.write_text(text)
    return harness.citybrain("check", "--config", path)


def test_good_configuration(tmp_path):
    done = check(tmp_path / "city.yaml", GOOD)
    assert done.returncode == 0, done.stderr
    assert "1 camera" in done.stdout


@pytest.mark.parametrize("old, new, line, words", WRONG)
def test_wrong_configuration(tmp_path, old, new, line, words):
    assert old in GOOD
    text = GOOD.replace(old, new, 1)
    done = check(tmp_path / "city.yaml", text)
    assert done.returncode == 2, (done.stdout, done.stderr)
    assert "city.yaml:" in done.stderr, done.stderr
    if line:
        assert f"city.yaml:{line} " in done.stderr or f"city.yaml:{line}:" in done.stderr, \
            done.stderr
    for word in words:
        assert word in done.stderr, done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr


def test_points_on_one_line_are_no_calibration(tmp_path):
    text = GOOD
    for old, new in (("[540.0, 340.0], m: [5.0, 10.0]", "[150.0, 280.0], m: [-5.0, 20.0]"),
                     ("[356.7, 140.0], m: [5.0, 60.0]", "[200.0, 220.0], m: [-5.0, 30.0]")):
        assert old in text
        text = text.replace(old, new)
    done = check(tmp_path / "city.yaml", text)
    assert done.returncode == 2 and "calibration" in done.stderr, done.stderr


def test_two_cameras_of_one_name(tmp_path):
    text = GOOD + "  - {id: c1, url: b.mp4}\n"
    done = check(tmp_path / "city.yaml", text)
    assert done.returncode == 2
    assert "city.yaml:16" in done.stderr and "c1" in done.stderr, done.stderr


def test_missing_file(tmp_path):
    done = harness.citybrain("check", "--config", tmp_path / "none.yaml")
    assert done.returncode == 2 and "none.yaml" in done.stderr


@pytest.mark.parametrize("args", [[], ["--config"], ["--confg", "x"], ["--config", "a", "b"]])
def test_wrong_usage(args):
    assert harness.citybrain("check", *args).returncode == 2


@pytest.mark.parametrize("verb", ["measure", "check", "migrate", "tail", "query", "verify",
                                  "keygen"])
def test_help_has_examples_and_exit_codes(verb):
    done = harness.citybrain(verb, "--help")
    assert done.returncode == 0
    assert "xample" in done.stdout and "xit code" in done.stdout, done.stdout


def test_daemon_refuses_a_wrong_configuration_alike(tmp_path):
    import subprocess
    path = tmp_path / "city.yaml"
    path.write_text(GOOD.replace("speed_limit_kmh: 60", "speed_limit_kmh: fast"))
    done = subprocess.run([harness.CITYBRAIND, "--config", path], capture_output=True, text=True,
                          timeout=30, check=False)
    assert done.returncode == 2
    assert "city.yaml:4" in done.stderr and "fast" in done.stderr
