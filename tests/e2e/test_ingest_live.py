"""Cameras over RTSP, cut, stalled, refused and brought back: what other systems' users suffer from."""
import os
import socket
import threading
import time

import pytest

import harness
from ingested import ARRIVAL, RTCP, Watching, latency, pts_of, rises


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """Six seconds with sound; key frames each half second."""
    path = tmp_path_factory.mktemp("film") / "film.mkv"
    harness.ffmpeg("-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=6", "-f", "lavfi", "-i",
                   "sine=1000:r=48000:d=6", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt",
                   "yuv420p", "-g", "12", "-threads", "1", "-c:a", "pcm_s16le", path)
    return path


@pytest.fixture
def street(tmp_path):
    """street({name: file}, …): RTSP cameras, gone after the test."""
    made = []

    def make(cameras, **options):
        made.append(harness.Street(cameras, tmp_path / f"street{len(made)}.log", **options))
        return made[-1]
    yield make
    for one in made:
        one.stop()


def steady(frames):
    """Frames without those of a connection's first second: its burst is no measure of latency."""
    return [f for f in frames if f.t > frames[0].t + 1]


def test_speeds_over_rtsp_are_those_of_the_file(street, film):
    """Once through: the same pictures at the same distances in time as in the file."""
    cameras = street({"a": film}, is_once=True)
    with Watching(cameras.urls["a"], "--read-timeout", "2") as seen:
        seen.wait(lambda: len(seen.frames) >= 149)
    times = [f.t for f in seen.frames]
    want = pts_of(film)[-len(times):]
    assert len(times) >= 149
    for got, true in zip(times, want):
        assert abs((got - times[-1]) - (true - want[-1])) < 0.001


def test_b_pictures_lose_no_time(street, tmp_path):
    path = tmp_path / "b.mp4"
    harness.ffmpeg("-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=4", "-c:v", "libx264",
                   "-preset", "veryfast", "-bf", "3", "-g", "50", "-pix_fmt", "yuv420p",
                   "-threads", "1", path)
    cameras = street({"b": path}, is_once=True)
    with Watching(cameras.urls["b"]) as seen:
        seen.wait(lambda: len(seen.frames) >= 90)
    assert rises(seen.frames) and not any(f.is_break for f in seen.frames)
    steps = {round(b.t - a.t, 3) for a, b in zip(seen.frames, seen.frames[1:])}
    assert steps == {0.04}


def test_utc_comes_from_sender_reports(street, film):
    """Within 50 ms of the sender's clock, which is this machine's; and the zone does not matter."""
    cameras = street({"a": film})
    os.environ["TZ"] = "America/New_York"
    try:
        with Watching(cameras.urls["a"]) as seen:
            seen.wait(lambda: seen.frames and seen.frames[-1].source == RTCP and
                      any(s.source == RTCP for s in seen.sounds))
            seen.wait_frames(25)
            mono_to_utc = time.time() - time.monotonic()
    finally:
        del os.environ["TZ"]
    assert seen.frames[0].source == ARRIVAL
    for f in seen.frames[-10:]:
        # a frame is captured before it arrives, and on one machine hardly so
        age = f.arrival + mono_to_utc - (f.t + f.utc)
        assert -0.05 < age < 2.0
    picture = seen.frames[-1].utc
    sound = next(s for s in reversed(seen.sounds) if s.source == RTCP).utc
    assert abs(picture - sound) < 0.001


@pytest.mark.parametrize("audio", ["pcmu", "opus", "l16"])
def test_sound_codecs(street, film, audio):
    cameras = street({"a": film}, audio=audio)
    with Watching(cameras.urls["a"]) as seen:
        seen.wait(lambda: len(seen.sounds) > 50 and len(seen.frames) > 25)
    assert {s.rate for s in seen.sounds} == {8000 if audio == "pcmu" else 48000}
    assert max(max(s.peaks) for s in seen.sounds[10:]) == pytest.approx(0.125, rel=0.1)


def test_comes_back_after_the_server_was_gone(street, film):
    """Twice; time goes on by what has passed, and what is seen is no older than before."""
    cameras = street({"a": film})
    with Watching(cameras.urls["a"], "--read-timeout", "2", "--backoff-max", "1") as seen:
        seen.wait_frames(60)
        before = latency(steady(seen.frames))
        for _ in range(2):
            n_states, n = len(seen.states), len(seen.frames)
            cameras.command("refuse")
            down = seen.wait_state("down", n_states)
            assert seen.states[down][1]  # with a reason
            time.sleep(1.5)  # the outage itself, not a wait for something
            cameras.command("accept")
            seen.wait_state("live", down)
            seen.wait(lambda: len(seen.frames) >= n + 60)
            fresh = seen.frames[-25:]
            assert latency(fresh) < before + 0.5
    assert rises(seen.frames) and rises(seen.sounds)
    assert sum(f.is_break for f in seen.frames) == 2
    assert seen.stats["reconnects"] == 2
    gaps = [b.t - a.t for a, b in zip(seen.frames, seen.frames[1:]) if b.is_break]
    real = [b.arrival - a.arrival for a, b in zip(seen.frames, seen.frames[1:]) if b.is_break]
    assert all(abs(g - r) < 1.0 for g, r in zip(gaps, real))


def test_cut_connection_comes_back(street, film):
    cameras = street({"a": film})
    with Watching(cameras.urls["a"], "--read-timeout", "2", "--backoff-max", "1") as seen:
        seen.wait_frames(30)
        n_states, n = len(seen.states), len(seen.frames)
        cameras.command("cut a")
        down = seen.wait_state("down", n_states)
        seen.wait_state("live", down)
        seen.wait(lambda: len(seen.frames) >= n + 30)
    assert rises(seen.frames)


def test_stall_is_seen_and_survived(street, film):
    cameras = street({"a": film})
    with Watching(cameras.urls["a"], "--read-timeout", "1", "--open-timeout", "3",
                  "--backoff-max", "1") as seen:
        seen.wait_frames(30)
        cameras.command("stall a")
        stalled = seen.wait_state("stalled")
        assert "nothing for 1.0 s" in seen.states[stalled][1]
        cameras.command("resume a")
        seen.wait_state("live", stalled)
        seen.wait_frames(30)
    assert rises(seen.frames)


def test_resolution_changes_while_live(street, film, tmp_path):
    large = tmp_path / "large.mp4"
    harness.ffmpeg("-f", "lavfi", "-i", "testsrc2=s=640x360:r=25:d=3", "-c:v", "libx264", "-preset",
                   "ultrafast", "-pix_fmt", "yuv420p", "-g", "12", large)
    small = tmp_path / "small.mp4"
    harness.ffmpeg("-i", film, "-an", "-t", "3", "-c", "copy", small)
    cameras = street({"a": [small, large]})
    with Watching(cameras.urls["a"]) as seen:
        seen.wait(lambda: len({f.width for f in seen.frames}) == 2)
        seen.wait_frames(10)
    i = [f.width for f in seen.frames].index(640)
    assert seen.frames[i].is_break and rises(seen.frames)


def test_sound_by_a_second_url(street, film, tmp_path):
    picture, sound = tmp_path / "p.mp4", tmp_path / "s.mkv"
    harness.ffmpeg("-i", film, "-an", "-c", "copy", picture)
    harness.ffmpeg("-i", film, "-vn", "-c", "copy", sound)
    cameras = street({"p": picture, "s": sound})
    with Watching(cameras.urls["p"], "--sound", cameras.urls["s"]) as seen:
        seen.wait(lambda: len(seen.sounds) > 100 and seen.sounds[-1].source == RTCP, 30)
        seen.wait_frames(25)
    # on one machine both arrive at once, so that they must lie side by side on the axis
    assert abs(latency(seen.frames[-25:]) - latency(seen.sounds[-50:])) < 0.3
    assert rises(seen.frames) and rises(seen.sounds)


def test_rtp_over_udp(street, film):
    cameras = street({"a": film})
    with Watching(cameras.urls["a"], "--udp") as seen:
        seen.wait_frames(50)
    assert rises(seen.frames)


def test_refused_says_so_and_hides_the_password():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        url = f"rtsp://admin:geheim@127.0.0.1:{port}/1"
        with Watching(url, "--backoff-max", "0.2") as seen:
            down = seen.wait_state("down")
            time.sleep(1.0)  # several attempts, one line
    assert "refused" in seen.states[down][1]
    assert [s for s, _ in seen.states].count("down") <= 2  # the cause, and "stopped"
    assert "geheim" not in seen.log + str(seen.states)
    assert "***@127.0.0.1" in seen.log + str(seen.states)


@pytest.fixture
def rude():
    """rude(talk): a server that answers each connection with talk(socket); its port."""
    servers = []

    def make(talk):
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)

        def serve():
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                with client:
                    try:
                        talk(client)
                    except OSError:
                        pass
        threading.Thread(target=serve, daemon=True).start()
        return server.getsockname()[1]
    yield make
    for server in servers:
        server.shutdown(socket.SHUT_RDWR)
        server.close()


def test_garbage_instead_of_rtsp(rude):
    port = rude(lambda c: (c.recv(100), c.sendall(os.urandom(20000))))
    with Watching(f"rtsp://127.0.0.1:{port}/1", "--backoff-max", "0.2", "--open-timeout", "1") as seen:
        seen.wait_state("down")
        time.sleep(1.0)  # several attempts
    assert not seen.frames and seen.process.returncode == 0


def test_silence_instead_of_rtsp(rude):
    """A server that takes the connection and says nothing: the time-out, and a stop in time."""
    done = threading.Event()
    port = rude(lambda c: done.wait(20))
    with Watching(f"rtsp://127.0.0.1:{port}/1", "--open-timeout", "0.5") as seen:
        down = seen.wait_state("down")
        done.set()
    assert "0.5 s" in seen.states[down][1]


def test_stop_interrupts_an_opening(rude):
    done = threading.Event()
    port = rude(lambda c: done.wait(60))
    with Watching(f"rtsp://127.0.0.1:{port}/1", "--open-timeout", "50") as seen:
        seen.wait_state("connecting")
        start = time.monotonic()
        assert seen.stop() == 0
        assert time.monotonic() - start < 20  # far below the time-out
    done.set()


def test_mjpeg_over_http_runs_by_the_clock(rude, tmp_path):
    """Such cameras send no times. Ten pictures a second are ten, not the 25 that libav assumes."""
    film = tmp_path / "film.mpjpeg"
    harness.ffmpeg("-f", "lavfi", "-i", "testsrc2=s=320x240:r=10:d=3", "-c:v", "mjpeg", "-f",
                   "mpjpeg", film)
    parts = film.read_bytes().split(b"--ffmpeg")[1:]

    def talk(client):
        client.recv(4000)
        client.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: "
                       b"multipart/x-mixed-replace;boundary=ffmpeg\r\n\r\n")
        for part in parts:
            client.sendall(b"--ffmpeg" + part)
            time.sleep(0.1)
    port = rude(talk)
    with Watching(f"http://127.0.0.1:{port}/video.cgi", "--backoff-max", "0.2") as seen:
        seen.wait_frames(25)
    a, b = seen.frames[4], seen.frames[-1]
    assert (b.t - a.t) == pytest.approx(b.arrival - a.arrival, abs=0.1)
    assert "no time stamps" in seen.log and rises(seen.frames)


def test_http_that_ends_is_asked_again(rude, tmp_path):
    part = tmp_path / "part.ts"
    harness.ffmpeg("-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=2", "-c:v", "libx264", "-preset",
                   "ultrafast", "-pix_fmt", "yuv420p", "-g", "12", part)
    body = part.read_bytes()

    def talk(client):
        client.recv(4000)
        client.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: video/mp2t\r\n\r\n" + body)
    port = rude(talk)
    with Watching(f"http://127.0.0.1:{port}/live", "--backoff-max", "0.2") as seen:
        seen.wait(lambda: len(seen.frames) > 110)
    assert rises(seen.frames) and seen.stats["reconnects"] >= 2
