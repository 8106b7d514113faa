"""The programs under test and the servers around them, one class each. Everything is started on a
path or port of its own, ends by its pid, and ends with the process that started it."""
import ctypes
import fcntl
import hashlib
import json
import os
import pathlib
import pwd
import select
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time

import psycopg
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("CITYBRAIN_BUILD", ROOT / "build"))
CITYBRAIN = BUILD / "daemon/cli/citybrain"
CITYBRAIND = BUILD / "daemon/citybraind"
SIM = BUILD / "tests/sim/citybrain-sim"
SEEDS = ROOT / "seeds"
VAR = ROOT / "var"
PYTHON = "/usr/bin/python3"
POSTGRES_BIN = pathlib.Path("/usr/lib/postgresql/15/bin")


def corpus():
    """The folder of real recordings beside the project, or None."""
    folder = pathlib.Path(os.environ.get("CITYBRAIN_CORPUS", ROOT.parent / "shared/corpus"))
    return folder if folder.is_dir() else None


def die_with_parent():
    """In the child: the kernel ends it when the starter is gone, however it went."""
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def wait_for(what, condition, timeout_s=60.0, every_s=0.05):
    """Returns the first true value of condition()."""
    until = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > until:
            raise TimeoutError(f"{timeout_s:g} s passed without {what}")
        time.sleep(every_s)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def citybrain(*args, timeout_s=120, **options):
    """Runs one verb of the tool to its end."""
    return subprocess.run([CITYBRAIN, *map(str, args)], capture_output=True, text=True,
                          timeout=timeout_s, check=False, **options)


def measure(config, camera, *args, **options):
    """(exit code, records, stderr) of `citybrain measure`."""
    done = citybrain("measure", "--config", config, "--camera", camera, *args, **options)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


class Program:
    """A child process with its output in a file."""

    def __init__(self, argv, log, is_bound=True, **options):
        self.argv, self.log = [str(a) for a in argv], pathlib.Path(log)
        with open(self.log, "ab") as out:
            self.process = subprocess.Popen(
                self.argv, stdout=options.pop("stdout", out), stderr=out,
                stdin=options.pop("stdin", subprocess.DEVNULL), start_new_session=True,
                preexec_fn=die_with_parent if is_bound else None, **options)
        self.pid = self.process.pid

    def is_running(self):
        return self.process.poll() is None

    def text(self):
        return self.log.read_text(errors="replace")

    def wait_for_text(self, text, timeout_s=60.0, from_byte=0):
        def has_it():
            if text in self.log.read_bytes()[from_byte:].decode(errors="replace"):
                return True
            if not self.is_running():
                raise RuntimeError(f"{self.argv[0]} has ended with {self.process.returncode}, "
                                   f"its last words: {self.text()[-2000:]}")
            return False
        wait_for(f"'{text}' from {self.argv[0]}", has_it, timeout_s)

    def send(self, number):
        if self.is_running():
            self.process.send_signal(number)

    def kill(self):
        self.send(signal.SIGKILL)
        return self.process.wait()

    def stop(self, number=signal.SIGTERM, timeout_s=20.0):
        """@return the exit code; a program that does not stop is killed and gives None."""
        self.send(number)
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            return None


class Postgres:
    """A private PostgreSQL 15 on a unix socket. Never root's: of `postgres` when root runs us."""

    def __init__(self, folder, is_bound=True, is_fresh=False):
        self.is_bound = is_bound
        self.user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        self.data = self.own_folder(pathlib.Path(folder))
        # A socket's path has at most 107 bytes: it is kept apart from the project's.
        self.socket_dir = pathlib.Path(tempfile.mkdtemp(prefix="citybrain-pg-"))
        self.hand_over(self.socket_dir)
        self.log = self.data / "server.log"
        self.server = None
        if is_fresh:
            shutil.rmtree(self.data / "data", ignore_errors=True)
        if not (self.data / "data/PG_VERSION").exists():
            self.run("initdb", "-D", self.data / "data", "-U", "postgres", "-A", "trust",
                     "-E", "UTF8", "--locale=C.UTF-8")

    def own_folder(self, folder):
        """folder, or one under /var/tmp when the server's user cannot get there (a clone in /root)."""
        folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            shut = [p for p in folder.parents if not p.stat().st_mode & stat.S_IXOTH]
            if shut:
                name = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
                folder = pathlib.Path("/var/tmp") / f"citybrain-{name}"
                folder.mkdir(exist_ok=True)
                if folder.is_symlink() or folder.stat().st_uid not in (0, self.ids()[0]):
                    raise PermissionError(f"{folder} is somebody else's")
            self.hand_over(folder)
        return folder

    def ids(self):
        entry = pwd.getpwnam(self.user)
        return entry.pw_uid, entry.pw_gid

    def hand_over(self, folder):
        os.chmod(folder, 0o700)
        if os.geteuid() == 0:
            os.chown(folder, *self.ids())

    def as_user(self):
        if os.geteuid() != 0:
            return {}
        uid, gid = self.ids()
        return {"user": uid, "group": gid, "extra_groups": []}

    def run(self, program, *args):
        done = subprocess.run([POSTGRES_BIN / program, *map(str, args)], cwd=self.data,
                              capture_output=True, text=True, check=False, env=self.env(),
                              **self.as_user())
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stdout}{done.stderr}")

    def env(self):
        return {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": str(self.data)}

    def start(self):
        if not self.log.exists():
            self.log.touch()
            if os.geteuid() == 0:
                os.chown(self.log, *self.ids())
        self.server = Program([POSTGRES_BIN / "postgres", "-D", self.data / "data", "-k",
                               self.socket_dir, "-c", "listen_addresses="], self.log,
                              is_bound=self.is_bound, cwd=self.data, env=self.env(),
                              **self.as_user())
        wait_for("PostgreSQL's answer", self.answers)
        return self

    def answers(self):
        try:
            with psycopg.connect(self.conninfo("postgres"), connect_timeout=2):
                return True
        except psycopg.OperationalError:
            if not self.server.is_running():
                raise
            return False

    def conninfo(self, database="citybrain", user="postgres"):
        return f"host={self.socket_dir} dbname={database} user={user}"

    def create_database(self, name="citybrain"):
        with psycopg.connect(self.conninfo("postgres"), autocommit=True) as db:
            if not db.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                db.execute(f'CREATE DATABASE "{name}"')

    def query(self, sql, *args, database="citybrain"):
        with psycopg.connect(self.conninfo(database), autocommit=True) as db:
            return db.execute(sql, args).fetchall()

    def stop(self):
        if self.server:
            # "fast": ends sessions, checkpoints; killed, it would leave sessions that no next server bears
            self.server.stop(signal.SIGINT, 120)
            self.server = None

    def remove(self):
        if self.server:
            self.server.stop(signal.SIGQUIT)  # at once: what a checkpoint would save is removed
            self.server = None
        shutil.rmtree(self.socket_dir, ignore_errors=True)
        shutil.rmtree(self.data, ignore_errors=True)


class Street:
    """Recordings as RTSP cameras (rtsp_server.py): {name: file or [file, ...]}."""

    def __init__(self, cameras, log, is_once=False, is_bound=True, audio=None, spread_s=0):
        files = {n: [f] if isinstance(f, (str, pathlib.Path)) else f for n, f in cameras.items()}
        argv = [PYTHON, ROOT / "tests/e2e/rtsp_server.py", *(["--once"] if is_once else []),
                *(["--audio", audio] if audio else []), *(["--spread", spread_s] if spread_s else []),
                *(f"{n}=" + "+".join(map(str, f)) for n, f in files.items())]
        self.server = Program(argv, log, is_bound=is_bound, stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, env={**os.environ, "GST_DEBUG": "1"})
        self.unread, self.lines, self.urls = b"", [], {}
        while len(self.urls) < len(files):
            word, *rest = self.next_line(90).split()
            if word == "url":
                self.urls[rest[0]] = rest[1]

    def next_line(self, timeout_s):
        """One line of the server, also kept in .lines."""
        out = self.server.process.stdout
        until = time.monotonic() + timeout_s
        while b"\n" not in self.unread:
            left = until - time.monotonic()
            if left <= 0 or not select.select([out], [], [], left)[0]:
                raise TimeoutError(f"the RTSP server has said nothing for {timeout_s:g} s")
            data = os.read(out.fileno(), 65536)
            if not data:
                raise RuntimeError(f"the RTSP server has ended: {self.server.text()[-2000:]}")
            self.unread += data
        line, self.unread = self.unread.split(b"\n", 1)
        self.lines.append(line.decode())
        return self.lines[-1]

    def poll(self):
        """Reads what the server has said by now."""
        while True:
            try:
                self.next_line(0.001)
            except TimeoutError:
                return self.lines

    def command(self, text):
        self.server.process.stdin.write(text.encode() + b"\n")
        self.server.process.stdin.flush()
        while True:
            line = self.next_line(20)
            if line.startswith("error"):
                raise RuntimeError(f"RTSP server: {text}: {line}")
            if line.startswith("ok " + text):
                return line

    def ended(self):
        """The names of the cameras whose recording is over (is_once)."""
        return {line.split()[1] for line in self.poll() if line.startswith("end ")}

    def stop(self):
        self.server.stop()


class Daemon:
    """citybraind with a configuration."""

    def __init__(self, config, log, is_bound=True):
        self.config, self.log, self.is_bound = pathlib.Path(config), pathlib.Path(log), is_bound
        self.program = None

    def start(self):
        at = self.log.stat().st_size if self.log.exists() else 0
        self.program = Program([CITYBRAIND, "--config", self.config], self.log, self.is_bound)
        self.program.wait_for_text(" runs: ", from_byte=at)
        return self

    def kill(self):
        return self.program.kill()

    def stop(self):
        return self.program.stop() if self.program else None

    def text(self):
        return self.log.read_text(errors="replace")


def ffmpeg(*args):
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, args)], check=True,
                   timeout=120)


def short_folder():
    """For ipc sockets, whose paths have at most 107 bytes."""
    return pathlib.Path(tempfile.mkdtemp(prefix="citybrain-"))


def write_config(path, cameras, **parts):
    """city.yaml of camera entries and of the other parts, as given."""
    path = pathlib.Path(path)
    path.write_text(yaml.safe_dump({"cameras": cameras, **parts}, allow_unicode=True,
                                   sort_keys=False))
    return path


def render(scene, log=sys.stderr):
    """The folder with clip, truth.json and city.yaml of a scene file; rendered once, then kept."""
    scene = pathlib.Path(scene)
    digest = hashlib.sha256(scene.read_bytes() + SIM.read_bytes()).hexdigest()[:16]
    folder = VAR / "scenes" / f"{scene.stem}-{digest}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    # tests that run side by side want the same scene: one renders it, the others wait
    with open(folder.parent / f"{folder.name}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "truth.json").exists():
            print(f"   rendering {scene.name}", file=log, flush=True)
            render_into(scene, folder)
    return folder


def render_into(scene, folder):
    with tempfile.TemporaryDirectory(dir=folder.parent) as at:
        out = pathlib.Path(at) / "out"
        done = subprocess.run([SIM, scene, "--out", out, "--quiet"], capture_output=True,
                              text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{scene}: {done.stderr[-2000:]}")
        shutil.rmtree(folder, ignore_errors=True)
        out.rename(folder)


def rendered(folder):
    """(truth, the camera's entry of city.yaml, the clip) of a rendered scene."""
    truth = json.loads((folder / "truth.json").read_text())
    entry = yaml.safe_load((folder / "city.yaml").read_text())
    entry = entry["cameras"][0] if isinstance(entry, dict) and "cameras" in entry else entry
    clips = sorted(p for p in folder.iterdir() if p.suffix in (".mp4", ".mkv"))
    return truth, entry[0] if isinstance(entry, list) else entry, clips[0]
