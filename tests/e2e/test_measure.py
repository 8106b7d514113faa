"""`citybrain measure`: what technicians feed it, good and bad, and what its lines look like."""
import json
import math
import signal
import subprocess

import pytest

import harness

CAMERA = {
    "id": "c1", "url": "rtsp://nobody.invalid/1", "speed_limit_kmh": 60,
    "calibration": {"points": [
        {"px": [100.0, 340.0], "m": [-5.0, 10.0]}, {"px": [540.0, 340.0], "m": [5.0, 10.0]},
        {"px": [283.3, 140.0], "m": [-5.0, 60.0]}, {"px": [356.7, 140.0], "m": [5.0, 60.0]}]},
    "microphone": {"sensitivity_dbfs_at_94db": -26.0},
}


@pytest.fixture
def city(tmp_path):
    return harness.write_config(tmp_path / "city.yaml", [CAMERA])


def summary(records):
    assert records and records[-1]["type"] == "summary", records[-3:]
    return records[-1]


@pytest.mark.parametrize("name, frames", [
    ("good", 50), ("video_only", 50), ("odd_even_width", 25), ("odd_size", 25), ("yuv422", 50),
    ("ten_bit", 50), ("resolution_changes", 100), ("pts_back", 100)])
def test_every_picture_of_a_readable_clip_is_seen(clip, city, name, frames):
    code, records, err = harness.measure(city, "c1", clip(name))
    assert code == 0, err
    s = summary(records)
    # ffmpeg's B-frames may end a joined stream a picture early
    assert frames - 2 <= s["frames"] <= frames
    assert s["dropped"] == 0 and s["camera"] == "c1"


def test_length_is_that_of_the_stream(clip, city):
    code, records, err = harness.measure(city, "c1", clip("good"))
    assert code == 0, err
    assert summary(records)["seconds"] == pytest.approx(2.0, abs=0.05)


def test_clip_cut_in_the_middle_is_measured_as_far_as_it_goes(clip, city):
    code, records, err = harness.measure(city, "c1", clip("truncated"))
    assert code == 0, err
    assert 30 <= summary(records)["frames"] <= 70


@pytest.mark.parametrize("name", ["wav", "audio_only"])
def test_sound_alone_is_measured(clip, tmp_path, name):
    city = harness.write_config(tmp_path / "city.yaml", [
        {k: CAMERA[k] for k in ("id", "url", "microphone")}])
    code, records, err = harness.measure(city, "c1", "--levels", clip(name))
    assert code == 0, err
    levels = [r for r in records if r["type"] == "level"]
    assert len(levels) >= 15
    # ffmpeg's sine has an amplitude of 1/8: -21.07 dBFS RMS, 4.93 dB above 94 dB SPL at -26
    assert levels[-1]["laf_db"] == pytest.approx(94 + 26 - 21.07, abs=0.3)
    assert summary(records)["frames"] == 0


@pytest.mark.parametrize("name, says", [
    ("zero_length", ""), ("text", ""), ("headless", "")])
def test_what_is_no_clip_is_refused_by_name(clip, city, name, says):
    path = clip(name)
    code, records, err = harness.measure(city, "c1", path)
    assert code == 1
    assert not any(r["type"] == "summary" for r in records)
    assert path.name in err or "c1" in err, err
    assert says in err and len(err.strip().splitlines()) <= 4, err


def test_missing_file_is_named(city, tmp_path):
    code, _, err = harness.measure(city, "c1", tmp_path / "nowhere.mp4")
    assert code == 1
    assert "nowhere.mp4" in err and "no such file" in err.lower(), err


def test_unknown_camera_is_named(city):
    code, _, err = harness.measure(city, "c9", "x.mp4")
    assert code == 2 and "c9" in err


def test_passwords_are_never_printed(tmp_path):
    """A camera that refuses is tried again until the technician gives up with Ctrl-C."""
    camera = {**CAMERA, "url": "rtsp://admin:s3cret-word@127.0.0.1:9/1"}
    city = harness.write_config(tmp_path / "city.yaml", [camera])
    program = harness.Program([harness.CITYBRAIN, "measure", "--config", city, "--camera", "c1"],
                              tmp_path / "log")
    program.wait_for_text("127.0.0.1:9")
    assert program.stop(signal.SIGINT) in (0, 1)
    assert "c1" in program.text() and "refused" in program.text(), program.text()
    assert "s3cret-word" not in program.text()


def test_two_runs_give_the_same_bytes(clip, city):
    runs = [harness.citybrain("measure", "--config", city, "--camera", "c1", "--levels",
                              clip("good")).stdout for _ in range(2)]
    assert runs[0] and runs[0] == runs[1]


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


REQUIRED = {
    "passage": ["camera", "track", "t_first", "t_last", "class", "direction", "speed_kmh",
                "speed_uncertainty_kmh", "charged_kmh", "limit_kmh", "violation", "path"],
    "noise": ["camera", "t_start", "t_peak", "t_end", "lafmax_db", "class", "confidence",
              "azimuth_deg", "track", "violation"],
    "level": ["t", "laf_db", "lafmax_db"],
    "summary": ["camera", "frames", "seconds", "passages", "noise_events", "dropped", "lafmax_db"],
}


def check_lines(records):
    for r in records:
        missing = [k for k in REQUIRED[r["type"]] if k not in r]
        assert not missing, (missing, r)
        if r["type"] == "passage":
            if r["speed_kmh"] is None:
                assert r["reason"], r
            else:
                assert is_number(r["speed_kmh"]) and r["speed_uncertainty_kmh"] > 0, r
            times = [fix[0] for fix in r["path"]]
            assert times == sorted(times)
    kinds = [r["type"] for r in records]
    assert kinds.count("summary") == 1 and kinds[-1] == "summary"
    assert records[-1]["passages"] == kinds.count("passage")
    assert records[-1]["noise_events"] == kinds.count("noise")


def test_lines_of_a_clip(clip, city):
    code, records, err = harness.measure(city, "c1", "--levels", clip("good"))
    assert code == 0, err
    assert any(r["type"] == "level" for r in records)
    check_lines(records)


def px(x_m, y_m):
    """The pinhole that the four points are of."""
    return 320 + 44.0 * x_m * 10 / y_m, 100 + 2400.0 / y_m


def test_tracks_are_measured_without_pictures(city, tmp_path):
    """The same plane as the calibration's points: 15 m/s, that is 54 km/h, away."""
    samples = [[i / 25, *px(1.0, 12 + 15.0 * i / 25)] for i in range(60)]
    tracks = tmp_path / "tracks.jsonl"
    tracks.write_text(json.dumps({"track": 7, "samples": samples}) + "\n")
    code, records, err = harness.measure(city, "c1", "--tracks", tracks)
    assert code == 0, err
    passages = [r for r in records if r["type"] == "passage"]
    assert [p["track"] for p in passages] == [7]
    p = passages[0]
    assert p["direction"] == "away" and p["violation"] is None
    assert abs(p["speed_kmh"] - 54.0) <= max(0.5, p["speed_uncertainty_kmh"])


def test_two_speeders_close_together_are_one_incident(city, tmp_path):
    """The second is linked to the first; one that follows minutes later is not."""
    def track(number, t0_s):
        return {"track": number, "samples": [[t0_s + 0.04 * i, *px(1.0, 12 + 1.2 * i)]
                                             for i in range(24)]}
    tracks = tmp_path / "tracks.jsonl"
    tracks.write_text("".join(json.dumps(track(n, t)) + "\n"
                              for n, t in [(7, 1.0), (8, 2.0), (9, 120.0)]))
    code, records, err = harness.measure(city, "c1", "--tracks", tracks)
    assert code == 0, err
    assert [r["violation"] for r in records if r["type"] == "passage"] == ["speeding"] * 3
    [incident] = [r for r in records if r["type"] == "incident"]
    assert incident["kind"] == "chase_racing" and incident["vehicles"] == 2
    assert [m["track"] for m in incident["members"]] == [7, 8]
    assert incident["id"].startswith("c1.") and incident["id"].endswith(".7")


def test_broken_tracks_are_refused_with_their_line(city, tmp_path):
    tracks = tmp_path / "tracks.jsonl"
    tracks.write_text('{"track": 7, "samples": []}\n{"track": "seven"}\n')
    code, _, err = harness.measure(city, "c1", "--tracks", tracks)
    assert code == 1 and "tracks.jsonl:2" in err, err

def drawn(city, name, out, clip, *more):
    return harness.citybrain("measure", "--config", city, "--camera", "c1", "--quiet",
                             "--annotate", out, *more, clip(name))


def streams(file):
    probe = subprocess.run(
        ["ffprobe", "-v", "error", "-count_frames", "-show_entries",
         "stream=codec_name,width,height,nb_read_frames,duration", "-of", "json", str(file)],
        capture_output=True, text=True, timeout=60, check=True)
    return json.loads(probe.stdout)["streams"]


@pytest.mark.parametrize("name, width, height", [
    ("good", 640, 360), ("yuv422", 640, 360), ("odd_size", 640, 356), ("ten_bit", 640, 360)])
def test_annotated_clip_has_every_picture(clip, city, tmp_path, name, width, height):
    out = tmp_path / "out.mp4"
    done = drawn(city, name, out, clip)
    assert done.returncode == 0, done.stderr
    frames = json.loads(done.stdout.splitlines()[-1])["frames"]
    (video,) = streams(out)
    assert video["codec_name"] in ("h264", "mpeg4")
    assert (video["width"], video["height"]) == (width, height)
    assert int(video["nb_read_frames"]) == frames
    assert float(video["duration"]) == pytest.approx(frames / 25, abs=0.05)


def changed(before, after, top, rows=1, left=150, width=340):
    """Mean change of luma in a strip of the first picture."""
    def strip(file):
        return subprocess.run(
            ["ffmpeg", "-v", "error", "-i", str(file), "-frames:v", "1", "-vf",
             f"format=gray,crop={width}:{rows}:{left}:{top}", "-f", "rawvideo", "-"],
            capture_output=True, timeout=60, check=True).stdout
    a, b = strip(before), strip(after)
    assert len(a) == len(b) == width * rows
    return sum(abs(x - y) for x, y in zip(a, b)) / len(a)


def test_zone_and_caption_are_drawn(clip, city, tmp_path):
    out = tmp_path / "out.mp4"
    assert drawn(city, "good", out, clip).returncode == 0
    edge = max(changed(clip("good"), out, top) for top in range(338, 343))
    caption = changed(clip("good"), out, 1, rows=8, left=2, width=50)
    elsewhere = changed(clip("good"), out, 250, rows=40, left=230, width=180)
    assert elsewhere < 8 and edge > elsewhere + 15 and caption > elsewhere + 15, \
        (edge, caption, elsewhere)


@pytest.mark.parametrize("case", ["itself", "live", "folder", "sound", "tracks"])
def test_what_cannot_be_annotated_is_refused(clip, city, tmp_path, case):
    good, out = clip("good"), tmp_path / "out.mp4"
    args, code, word = {
        "itself": (["--annotate", good, good], 2, "recording itself"),
        "live": (["--annotate", out], 2, "live"),
        "folder": (["--annotate", tmp_path / "no" / "out.mp4", good], 1, "No such file"),
        "sound": (["--annotate", out, clip("wav")], 1, "no pictures"),
        "tracks": (["--annotate", out, "--tracks", tmp_path / "t"], 2, "usage"),
    }[case]
    size = good.stat().st_size
    done = harness.citybrain("measure", "--config", city, "--camera", "c1", *args)
    assert done.returncode == code and word in done.stderr, done.stderr
    assert good.stat().st_size == size and not out.exists()


def speeds_of(city, camera, clip):
    code, records, err = harness.measure(city, camera, clip)
    assert code == 0, err
    return [(r["t_first"], r["direction"], r["speed_kmh"]) for r in records
            if r["type"] == "passage" and r["speed_kmh"] is not None]


def test_speeds_do_not_depend_on_the_frame_rate(tmp_path):
    """12.5 frames a second instead of 25, with the capture times of those that stay."""
    folder = harness.render(harness.ROOT / "tests/e2e/scenes/short.json")
    truth, entry, clip = harness.rendered(folder)
    half = tmp_path / "half.mp4"
    harness.ffmpeg("-i", clip, "-vf", "select='not(mod(n,2))'", "-fps_mode", "passthrough", "-an",
                   "-enc_time_base", "1:90000", "-c:v", "libx264", "-preset", "veryfast", "-qp",
                   "8", "-bf", "0", "-threads", "1", half)
    whole = speeds_of(folder / "city.yaml", entry["id"], clip)
    halved = speeds_of(folder / "city.yaml", entry["id"], half)
    assert len(whole) == len(halved) == len(truth["vehicles"])
    apart = [abs(a[2] - b[2]) for a, b in zip(sorted(whole), sorted(halved))]
    assert sorted(apart)[len(apart) // 2] < 1.0 and max(apart) < 2.0, apart
