"""`citybrain calibrate --sound`: the sensitivity out of a calibrator's recording, or why there is none."""
import datetime
import wave

import numpy as np
import pytest
import yaml

import harness

DBFS = -26.0  # of 94 dB on the microphone that all of these are recorded with


def tone(level_db, rate=48000, seconds=5.0, hz=1000.0, gain_db=0.0):
    """Put on at 1 s and taken off: a street before and after; full scale 1."""
    rng = np.random.default_rng(7)
    t = np.arange(int(rate * seconds)) / rate
    x = rng.normal(0, 10 ** ((60 - 94 + DBFS) / 20), len(t) + 2 * rate)
    x[rate:-rate] += np.sqrt(2) * 10 ** ((level_db - 94 + DBFS) / 20) * np.sin(2 * np.pi * hz * t)
    return x * 10 ** (gain_db / 20)


def write(path, *channels, rate=48000):
    pcm = np.clip(np.stack(channels, axis=1), -1, 1) * 32767
    with wave.open(str(path), "wb") as w:
        w.setnchannels(len(channels))
        w.setsampwidth(2)
        w.setframerate(rate)
        w.writeframes(np.round(pcm).astype("<i2").tobytes())
    return path


@pytest.fixture
def calibrate(tmp_path):
    """calibrate(recording, *words): what the verb says of it."""
    def run(recording, *words, configured=DBFS):
        config = harness.write_config(tmp_path / "city.yaml", [
            {"id": "ear", "url": "rtsp://127.0.0.1/1",
             "microphone": {"sensitivity_dbfs_at_94db": configured, "limit_dba": 85.0}}])
        return harness.citybrain("calibrate", "--sound", recording, "--config", config, "--camera",
                                 "ear", *words)
    return run


@pytest.mark.parametrize("rate, level", [(48000, 94), (48000, 114), (8000, 94), (22050, 94)])
def test_the_sensitivity_is_found(calibrate, tmp_path, rate, level):
    """And what is pasted from it is a configuration that says the same of the next recording."""
    recording = write(tmp_path / "cal.wav", tone(level, rate), tone(level - 1.5, rate), rate=rate)
    done = calibrate(recording, "--level", level, configured=DBFS - 0.8)
    assert done.returncode == 0, done.stderr
    told = yaml.safe_load(done.stdout)["microphone"]
    assert told["sensitivity_dbfs_at_94db"] == pytest.approx(DBFS, abs=0.03)
    assert abs(told["calibrated_on"] - datetime.date.today()) <= datetime.timedelta(days=1)
    assert "+0.80 dB - changed" in done.stdout
    assert f"sensitivity_dbfs_at_94db {DBFS - 1.5:.2f}" in done.stdout  # of the second channel
    band = {8000: "3.9 kHz, one-third octaves up to 3.15", 22050: "10.8 kHz, one-third octaves up to 8",
            48000: "20.0 kHz, one-third octaves up to 16"}[rate]
    assert band in done.stdout, done.stdout
    again = calibrate(recording, "--level", level, configured=told["sensitivity_dbfs_at_94db"])
    assert again.returncode == 0 and "as it was" in again.stdout


@pytest.mark.parametrize("samples, words, fault", [
    (tone(122), [], "clipped in"),
    (np.clip(tone(94), -0.06, 0.06), [], "distortion and noise"),  # clipped before the gain
    (tone(94, hz=250), [], "expected 1000 Hz within 2 %"),
    (tone(94, seconds=1.5), [], "steady for only"),
    (tone(30), [], "expected 1000 Hz within 2 %"),  # the street alone
    (tone(114), [], "the calibrator was at 114 dB, not 94"),
    (tone(94), ["--level", "114"], "the calibrator was at 94 dB, not 114"),
])
def test_what_is_none_is_refused(calibrate, tmp_path, samples, words, fault):
    done = calibrate(write(tmp_path / "cal.wav", samples), *words)
    assert done.returncode == 1
    assert fault in done.stderr and "sensitivity_dbfs_at_94db:" not in done.stdout


def test_a_changed_gain_is_said(calibrate, tmp_path):
    """It is calibrated all the same: that is what the recording is for."""
    done = calibrate(write(tmp_path / "cal.wav", tone(94, gain_db=6)))
    assert done.returncode == 0 and "TOO MUCH for drift" in done.stdout
    assert yaml.safe_load(done.stdout)["microphone"]["sensitivity_dbfs_at_94db"] == pytest.approx(
        DBFS + 6, abs=0.03)


def test_what_has_no_sound(calibrate, clip):
    done = calibrate(clip("video_only"))
    assert done.returncode == 1 and "has no sound" in done.stderr
