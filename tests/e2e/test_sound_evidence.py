"""What a loud one's package holds for the ear and the eye: the daemon's, from a microphone alone."""
import json
import subprocess
import wave

import numpy as np
import pytest

import harness

RATE = 16000
PEAK_S = 5.0


def write_pass_by(path):
    """A street of 50 dB(A), and an open pipe of about 96 dB(A) that passes."""
    t = np.arange(RATE * 10) / RATE
    rng = np.random.default_rng(3)
    phase = 2 * np.pi * np.cumsum(140 + 8 * np.tanh(t - PEAK_S)) / RATE
    engine = sum(np.sin(k * phase + k) / k ** 0.6 for k in range(1, 16))
    engine *= 0.9 + 0.1 * rng.normal(0, 1, len(t))
    x = rng.normal(0, 1, len(t)) * 10 ** ((50 - 94 - 26) / 20)
    x += 0.09 * np.exp(-((t - PEAK_S) / 0.7) ** 2) * engine
    pcm = (np.clip(x, -1, 1) * 32767).astype("<i2")
    with wave.open(str(path), "wb") as w:
        w.setnchannels(1)
        w.setsampwidth(2)
        w.setframerate(RATE)
        w.writeframes(pcm.tobytes())
    return pcm


def test_a_loud_one_is_sealed_with_its_sound(tmp_path):
    pcm = write_pass_by(tmp_path / "a.wav")
    config = harness.write_config(tmp_path / "city.yaml", [
        {"id": "ear", "url": str(tmp_path / "a.wav"),
         "microphone": {"sensitivity_dbfs_at_94db": -26.0, "limit_dba": 85.0}}],
        node={"id": "edge-1", "data_dir": "edge"},
        bus={"evidence": "inproc://evidence", "alerts": "inproc://alerts",
             "replay": "inproc://replay"})
    (tmp_path / "edge").mkdir()
    assert harness.citybrain("keygen", "--out", tmp_path / "edge" / "node").returncode == 0
    code, records, words = harness.measure(config, "ear")
    assert code == 0, words
    [noise] = [r for r in records if r["type"] == "noise" and r["violation"]]
    assert noise["void_reasons"] == [] and noise["lafmax_uncertainty_db"] == pytest.approx(1.19, abs=0.05)
    assert noise["charged_db"] == pytest.approx(noise["lafmax_db"] - 1.5, abs=0.02)

    daemon = subprocess.Popen([harness.CITYBRAIND, "--config", config, "--role", "edge"])
    try:
        harness.wait_for("the package", lambda: list(tmp_path.glob("edge/sealed/0*/record.sig")), 60)
    finally:
        daemon.terminate()
        daemon.wait(30)
    [folder] = [p.parent for p in tmp_path.glob("edge/sealed/0*/record.json")]
    assert harness.citybrain("verify", folder).returncode == 0
    record = json.loads((folder / "record.json").read_text())
    roles = {f["name"]: f["role"] for f in record["files"]}
    assert roles.items() >= {"sound.wav": "sound", "level.png": "level",
                             "spectrogram.png": "spectrogram"}.items()
    told = json.loads((folder / "samples.json").read_text())["sound"]
    assert told["lafmax_again_db"] == pytest.approx(noise["lafmax_db"], abs=0.02)
    with wave.open(str(folder / "sound.wav"), "rb") as w:
        kept = np.frombuffer(w.readframes(w.getnframes()), "<i2")
    first = round(told["t0_ns"] * 1e-9 * RATE)
    assert len(kept) > 6 * RATE - 2 and np.array_equal(kept, pcm[first:first + len(kept)])
    assert first / RATE <= noise["t_start"] - 2.9
