"""ingest_dump (tests/unit/ingest) for tests: what ingest hands out of a URL, as records."""
import collections
import subprocess
import threading

import harness

DUMP = harness.BUILD / "tests/unit/ingest/ingest_dump"

Frame = collections.namedtuple("Frame", "t arrival width height shifts source utc is_break luma")
Sound = collections.namedtuple("Sound", "t arrival n channels rate source utc is_break peaks")
FILE, ARRIVAL, RTCP = 0, 1, 2


def parse(line, frames, sounds, states, stats):
    word, *v = line.split()
    if word == "frame":
        frames.append(Frame(int(v[0]) * 1e-9, int(v[1]) * 1e-9, int(v[2]), int(v[3]), v[4],
                            int(v[5]), int(v[6]) * 1e-9, v[7] == "1", int(v[8])))
    elif word == "sound":
        sounds.append(Sound(int(v[0]) * 1e-9, int(v[1]) * 1e-9, int(v[2]), int(v[3]), int(v[4]),
                            int(v[5]), int(v[6]) * 1e-9, v[7] == "1", [float(x) for x in v[8:]]))
    elif word == "state":
        states.append((v[0], " ".join(v[1:])))
    elif word == "stats":
        stats.update((k, float(x)) for k, x in (w.split("=") for w in v))


class Reading:
    """A recording, read to its end."""

    def __init__(self, url, *args):
        done = subprocess.run([DUMP, "--recording", *map(str, args), str(url)], text=True,
                              capture_output=True, timeout=100, errors="replace")
        self.code, self.log = done.returncode, done.stderr
        self.frames, self.sounds, self.states, self.stats = [], [], [], {}
        for line in done.stdout.splitlines():
            parse(line, self.frames, self.sounds, self.states, self.stats)

    @property
    def error(self):
        return self.log.strip().splitlines()[-1] if self.code else ""


class Watching:
    """A camera that is being read. wait(what) waits for an event; stop() ends it."""

    def __init__(self, url, *args):
        self.frames, self.sounds, self.states, self.stats = [], [], [], {}
        self.changed = threading.Condition()
        self.process = subprocess.Popen([DUMP, "--live", "--until-eof", *map(str, args), url],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self.log = ""
        self.threads = [threading.Thread(target=f, daemon=True) for f in (self.read, self.read_log)]
        for thread in self.threads:
            thread.start()

    def read(self):
        for line in self.process.stdout:
            with self.changed:
                parse(line, self.frames, self.sounds, self.states, self.stats)
                self.changed.notify_all()

    def read_log(self):
        for line in self.process.stderr:
            self.log += line

    def wait(self, what, timeout_s=60):
        with self.changed:
            assert self.changed.wait_for(what, timeout_s), \
                f"waited {timeout_s} s in vain: {self.states} {len(self.frames)} frames {self.log}"

    def wait_frames(self, n, timeout_s=60):
        """n more from now on."""
        want = len(self.frames) + n
        self.wait(lambda: len(self.frames) >= want, timeout_s)

    def wait_state(self, name, since=0, timeout_s=60):
        """Index of the first such state from the since-th on."""
        self.wait(lambda: name in [s for s, _ in self.states[since:]], timeout_s)
        return since + [s for s, _ in self.states[since:]].index(name)

    def stop(self):
        self.process.stdin.close()
        try:
            code = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        for thread in self.threads:
            thread.join()
        self.process.stdout.close()
        self.process.stderr.close()
        return code

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        code = self.process.poll()
        code = self.stop() if code is None else code
        assert kind or code == 0, self.log  # a sanitizer's complaint is a code too


def latency(frames):
    """The least of arrival less capture over frames, s: on the axis only differences count."""
    return min(f.arrival - f.t for f in frames)


def rises(things):
    return all(a.t < b.t for a, b in zip(things, things[1:]))


def pts_of(path, stream="v"):
    """Times of a stream's frames by ffprobe, an independent reader."""
    out = subprocess.run(["ffprobe", "-v", "error", "-select_streams", stream, "-show_entries",
                          "frame=best_effort_timestamp_time", "-of", "csv=p=0", str(path)],
                         capture_output=True, text=True, timeout=100, check=True).stdout
    return [float(w) for line in out.splitlines() if (w := line.split(",")[0]) not in ("", "N/A")]
