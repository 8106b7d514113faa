"""Recordings through ingest: true times for good ones, clear words for bad ones."""
import subprocess

import pytest

import harness
from ingested import DUMP, Reading, pts_of, rises


def close(a, b, tolerance=1e-6):
    return len(a) == len(b) and all(abs(x - y) < tolerance for x, y in zip(a, b))


def make(out, *args):
    harness.ffmpeg(*args, out)
    return out


PICTURE = ["-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=3"]
X264 = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-threads", "1"]


@pytest.mark.parametrize("name", ["good", "video_only", "odd_even_width", "odd_size", "yuv422",
                                  "ten_bit"])
def test_times_are_those_of_ffprobe(clip, name):
    path = clip(name)
    got = Reading(path)
    assert got.code == 0, got.log
    assert close([f.t for f in got.frames], pts_of(path))
    assert not any(f.is_break for f in got.frames)
    assert got.stats["bad"] == 0


@pytest.mark.parametrize("codec, suffix", [
    (["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none"], "mp4"),
    (["-c:v", "mjpeg"], "avi"), (["-c:v", "mpeg4", "-bf", "2"], "mkv"),
    ([*X264, "-bf", "3"], "ts"), ([*X264, "-bf", "3"], "flv")])
def test_codecs_and_containers(tmp_path, codec, suffix):
    path = make(tmp_path / f"a.{suffix}", *PICTURE, *codec)
    got = Reading(path)
    assert got.code == 0 and close([f.t for f in got.frames], pts_of(path))
    assert len(got.frames) == 75 and rises(got.frames)


@pytest.mark.parametrize("suffix, codec", [("h264", X264), ("mjpeg", ["-c:v", "mjpeg"])])
def test_no_times_at_all(tmp_path, suffix, codec):
    """A bare stream: even steps, and a word that they are assumed."""
    got = Reading(make(tmp_path / f"bare.{suffix}", *PICTURE, *codec))
    assert got.code == 0 and len(got.frames) == 75 and "no time stamps" in got.log
    assert {round(b.t - a.t, 3) for a, b in zip(got.frames, got.frames[1:])} == {0.04}


def test_variable_frame_rate(tmp_path):
    path = make(tmp_path / "vfr.mkv", *PICTURE, "-vf", "select='not(mod(n,3))+eq(n,7)+gt(n,60)'",
                "-fps_mode", "vfr", *X264)
    got = Reading(path)
    assert close([f.t for f in got.frames], pts_of(path)) and len(got.frames) > 30
    assert len({round(b.t - a.t, 3) for a, b in zip(got.frames, got.frames[1:])}) > 1


def test_corpus_clips():
    corpus = harness.corpus()
    if not corpus:
        pytest.skip("no corpus beside the project")
    clips = sorted((corpus / "video").glob("*.mp4"))
    assert clips
    for path in clips:
        got = Reading(path)
        assert got.code == 0 and close([f.t for f in got.frames], pts_of(path)), path.name


@pytest.mark.parametrize("codec, suffix, rate, n", [
    ("pcm_s16le", "wav", 48000, 2), ("libvorbis", "ogg", 44100, 2), ("pcm_mulaw", "mkv", 8000, 1),
    ("libopus", "mkv", 48000, 2), ("aac", "mp4", 48000, 2), ("pcm_s24le", "wav", 96000, 6),
    ("pcm_f32le", "wav", 48000, 8)])
def test_sound_alone(tmp_path, codec, suffix, rate, n):
    path = make(tmp_path / f"a.{suffix}", "-f", "lavfi", "-i",
                f"aevalsrc={'|'.join(f'{0.05 * (i + 1)}*sin(6283*t)' for i in range(n))}"
                f":s={rate}:d=2", "-c:a", codec)
    got = Reading(path)
    assert got.code == 0 and not got.frames
    assert {(s.channels, s.rate) for s in got.sounds} == {(n, rate)}
    assert abs(sum(s.n for s in got.sounds) / rate - 2) < 0.05 and rises(got.sounds)
    assert not any(s.is_break for s in got.sounds)
    # each channel is its own: none is mixed into another
    for channel in range(n):
        peak = max(s.peaks[channel] for s in got.sounds[3:-3])
        assert peak == pytest.approx(0.05 * (channel + 1), rel=0.15), (channel, peak)


@pytest.mark.parametrize("suffix, codec", [("mp4", "aac"), ("ts", "aac"), ("mkv", "pcm_s16le")])
def test_sound_and_picture_are_in_step(tmp_path, suffix, codec):
    """A flash and a beep in each second, seen and heard at the same time on one axis."""
    path = make(tmp_path / f"sync.{suffix}", "-f", "lavfi", "-i",
                "color=black:s=320x240:r=50:d=4,drawbox=c=white:t=fill:enable='lt(mod(t,1),0.1)'",
                "-f", "lavfi", "-i", "aevalsrc='0.5*sin(6283*t)*lt(mod(t,1),0.1)':s=48000:d=4",
                *X264, "-c:a", codec)
    got = Reading(path)
    flashes = [b.t for a, b in zip(got.frames, got.frames[1:]) if a.luma < 100 <= b.luma]
    beeps = [b.t for a, b in zip(got.sounds, got.sounds[1:])
             if max(a.peaks) < 0.2 <= max(b.peaks)]
    assert len(flashes) == 3 and len(beeps) >= 3
    for flash in flashes:
        assert min(abs(beep - flash) for beep in beeps) < 0.05


def test_sound_of_a_second_file(tmp_path):
    picture = make(tmp_path / "p.mp4", *PICTURE, *X264)
    sound = make(tmp_path / "s.wav", "-f", "lavfi", "-i", "sine=1000:d=3")
    got = Reading(picture, "--sound", sound)
    assert got.code == 0 and len(got.frames) == 75
    assert abs(sum(s.n / s.rate for s in got.sounds) - 3) < 0.01
    assert abs(got.frames[-1].t - got.sounds[-1].t) < 0.1


@pytest.mark.parametrize("name, words", [
    ("zero_length", "is empty"), ("text", "is a text file"), ("headless", "moov atom not found")])
def test_refused_with_the_cause(clip, name, words):
    path = clip(name)
    got = Reading(path)
    assert got.code == 1 and not got.frames
    assert "camera c1" in got.error and path.name in got.error and words in got.error


def test_missing_folder_and_garbage(tmp_path):
    (tmp_path / "noise.mp4").write_bytes(bytes((i * i * 31 + i // 7) % 256 for i in range(100000)))
    for url, words in [(tmp_path / "none.mp4", "no such file"), (tmp_path, "is a folder"),
                       (tmp_path / "noise.mp4", "camera c1"),
                       ("gopher://u:geheim@x/1", "unknown kind of URL")]:
        got = Reading(url)
        assert got.code == 1 and words in got.error and "geheim" not in got.log


def test_playlists_open_nothing(tmp_path):
    """A text that names other files is a text, whatever it is called."""
    for name, text in [("a.m3u8", "#EXTM3U\n#EXTINF:1,\n/etc/passwd\n"),
                       ("a.mp4", "ffconcat version 1.0\nfile /etc/hostname\n")]:
        (tmp_path / name).write_text(text)
        got = Reading(tmp_path / name)
        assert got.code == 1 and "is a text file" in got.error


def test_cut_in_the_middle(clip, tmp_path):
    got = Reading(clip("truncated"))
    assert got.code == 0 and len(got.frames) > 20 and rises(got.frames)
    whole = make(tmp_path / "w.mp4", *PICTURE, *X264, "-movflags", "+faststart")
    part = tmp_path / "part.mp4"
    part.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    got = Reading(part)
    assert got.code == 0 and 20 < len(got.frames) < 75
    assert "warn" in got.log and "cut short" in got.log


def test_resolution_changes(clip):
    got = Reading(clip("resolution_changes"))
    assert got.code == 0 and rises(got.frames)
    sizes = [(f.width, f.height) for f in got.frames]
    assert set(sizes) == {(640, 360), (320, 240)}
    change = sizes.index((320, 240))
    assert got.frames[change].is_break and sum(f.is_break for f in got.frames) == 1


def test_pts_jumps_back(clip):
    got = Reading(clip("pts_back"))
    assert got.code == 0 and rises(got.frames) and len(got.frames) >= 98
    assert sum(f.is_break for f in got.frames) == 1 and got.stats["jumps"] >= 1
    steps = [b.t - a.t for a, b in zip(got.frames, got.frames[1:])]
    assert max(steps) < 0.2


def test_mpegts_wraps(tmp_path):
    """33 bits of 90 kHz are over after 26.5 hours; the clip crosses that point."""
    path = make(tmp_path / "wrap.ts", *PICTURE, "-f", "lavfi", "-i", "sine=1000:d=3", *X264,
                "-g", "25", "-c:a", "aac", "-output_ts_offset", str(2**33 / 90000 - 2.9))
    got = Reading(path)
    assert got.code == 0 and len(got.frames) == 75 and rises(got.frames) and rises(got.sounds)
    assert not any(f.is_break for f in got.frames) and got.stats["jumps"] == 0
    assert abs(got.frames[-1].t - got.sounds[-1].t) < 0.1


def test_layouts(clip, tmp_path):
    assert {f.shifts for f in Reading(clip("yuv422")).frames} == {"10"}
    assert {f.shifts for f in Reading(clip("ten_bit")).frames} == {"11"}
    deep = make(tmp_path / "deep.mkv", *PICTURE, "-pix_fmt", "yuv422p10le", "-c:v", "ffv1")
    got = Reading(deep)
    assert got.code == 0 and {f.shifts for f in got.frames} == {"10"}
    plain = Reading(clip("video_only"))
    assert {f.shifts for f in plain.frames} == {"11"}


def test_ten_bits_keep_their_brightness(tmp_path):
    for level in (40, 128, 220):
        lumas = []
        for fmt in ("yuv420p", "yuv420p10le"):
            path = make(tmp_path / f"{level}{fmt}.mkv", "-f", "lavfi", "-i",
                        f"color=0x{level:02x}{level:02x}{level:02x}:s=64x48:r=5:d=1",
                        "-pix_fmt", fmt, "-c:v", "ffv1")
            lumas.append({f.luma for f in Reading(path).frames})
        assert max(lumas[0] | lumas[1]) - min(lumas[0] | lumas[1]) <= 1


def test_paced_takes_as_long_as_the_clip(tmp_path):
    path = make(tmp_path / "p.mp4", *PICTURE, *X264)
    got = Reading(path, "--paced")
    took = got.frames[-1].arrival - got.frames[0].arrival
    assert took >= got.frames[-1].t - got.frames[0].t - 0.01  # never ahead of its time


def test_usage_of_the_tool():
    assert subprocess.run([DUMP], capture_output=True).returncode == 2
