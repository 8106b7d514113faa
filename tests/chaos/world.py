"""An edge and a store in two network namespaces, PostgreSQL with a synchronous standby, small disks
of their own: what chaos is done to. One process tree; all of it ends with the harness."""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import psycopg

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import harness  # noqa: E402
import pair  # noqa: E402
from listener import Listener  # noqa: E402

CHAOS = harness.BUILD / "tests/chaos/citybraind-chaos"
EDGE_ADDRESS, STORE_ADDRESS = "10.99.7.1", "10.99.7.2"
DISK_BYTES = 4 << 30  # of a tmpfs, which takes no more memory than what lies on it
NODE = "chaos-1"


def may_have_namespaces():
    return os.geteuid() == 0 and subprocess.run(
        ["unshare", "--mount", "--net", "--propagation", "private", "sh", "-c",
         "ip link add probe0 type veth peer name probe1 && mount -t tmpfs none /mnt"],
        capture_output=True, check=False).returncode == 0


def run(*args):
    done = subprocess.run([str(a) for a in args], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, args))}: {done.stderr}{done.stdout}")
    return done.stdout


class Network:
    """
    The harness's own namespace is the store's; the edge's is that of a process which sleeps.
    Without namespaces both are the host's loopback, and nothing can be cut.
    """

    def __init__(self, log, is_apart):
        self.store_address, self.prefix, self.holder = "127.0.0.1", [], None
        if not is_apart:
            return
        self.holder = harness.Program(["unshare", "--net", "sleep", "infinity"], log)
        own = os.readlink("/proc/self/ns/net")
        harness.wait_for("a namespace", lambda: os.readlink(
            f"/proc/{self.holder.pid}/ns/net") != own)
        self.prefix = ["nsenter", "-t", self.holder.pid, "-n", "--"]
        self.store_address = STORE_ADDRESS
        run("ip", "link", "set", "lo", "up")
        run("ip", "link", "add", "store0", "type", "veth", "peer", "name", "edge0")
        run("ip", "link", "set", "edge0", "netns", self.holder.pid)
        run("ip", "addr", "add", f"{STORE_ADDRESS}/30", "dev", "store0")
        run("ip", "link", "set", "store0", "up")
        run(*self.prefix, "ip", "addr", "add", f"{EDGE_ADDRESS}/30", "dev", "edge0")
        run(*self.prefix, "ip", "link", "set", "edge0", "up")

    def set(self, state):
        run("ip", "link", "set", "store0", state)


class Disk:
    """A folder; a tmpfs of its own where that is permitted."""

    def __init__(self, folder, is_apart):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        if is_apart:
            run("mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "none", self.folder)

    def resize(self, size):
        run("mount", "-o", f"remount,size={size}", self.folder)

    def fill(self, n_left):
        """n_left bytes are free afterwards, more or less: others go on writing."""
        while True:
            s = os.statvfs(self.folder)
            used = (s.f_blocks - s.f_bfree) * s.f_frsize
            try:
                return self.resize(used + n_left)
            except RuntimeError:  # more was written meanwhile
                time.sleep(0.01)

    def empty(self):
        self.resize(DISK_BYTES)


class Role:
    """A citybraind that is started again whenever it has ended, as systemd would."""

    def __init__(self, name, argv, log):
        self.name, self.argv, self.log = name, argv, log
        self.program, self.not_before = None, 0.0
        self.is_held = False  # not to be started now
        self.n_starts, self.ends = 0, []  # exit codes that nobody asked for

    def tend(self):
        if self.program and not self.program.is_running():
            code = self.program.process.returncode
            if code not in (0, -signal.SIGKILL):
                self.ends.append(code)
            self.program, self.not_before = None, time.monotonic() + 0.3
        if not self.program and not self.is_held and time.monotonic() >= self.not_before:
            self.program = harness.Program(self.argv, self.log)
            self.n_starts += 1

    def kill(self):
        if self.program:
            self.program.kill()

    def send(self, number):
        if self.program:
            self.program.send(number)

    def stop(self):
        self.is_held = True
        if self.program:
            self.program.stop()
        self.tend()


class World:
    def __init__(self, folder, is_apart, fps):
        self.folder, self.is_apart = pathlib.Path(folder), is_apart
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.sockets = harness.short_folder()
        os.chmod(self.sockets, 0o755)
        self.network = Network(self.folder / "holder.log", is_apart)
        self.edge_disk = Disk(self.folder / "edge", is_apart)
        self.media_disk = Disk(self.folder / "media", is_apart)
        self.servers = pair.Pair(self.folder / "postgres")
        self.slots = {}
        self.link_servers()
        self.make_database()
        self.make_keys()
        self.clip = self.make_clip(fps)
        self.listener = Listener(f"ipc://{self.sockets}/alerts", f"ipc://{self.sockets}/replay")
        self.store = Role("store", [harness.CITYBRAIND, "--config", self.store_config(), "--role",
                                    "store"], self.folder / "store.log")
        self.edge = self.make_edge(self.clip)

    # PostgreSQL: the store knows two sockets by fixed names, whichever servers are behind them

    def link_servers(self):
        members = [m for m in (self.servers.primary, self.servers.standby) if m]
        kept = {name: m for name, m in self.slots.items() if m in members}
        for m in members:
            if m not in kept.values():
                kept[next(n for n in ("a", "b") if n not in kept)] = m
        for name in ("a", "b"):
            at = self.sockets / name
            at.unlink(missing_ok=True)
            if name in kept:
                at.symlink_to(kept[name].socket_dir)
        self.slots = kept

    def conninfo(self, user):
        return (f"host={self.sockets}/a,{self.sockets}/b dbname=citybrain user={user} "
                "target_session_attrs=read-write")

    def make_database(self):
        self.must("migrate", "--db", self.conninfo("postgres"))
        self.servers.ask("CREATE ROLE chaos_store LOGIN IN ROLE citybrain_writer")

    def query(self, sql, *args):
        return self.servers.primary.query(sql, *args)

    # keys and configurations

    def must(self, *args):
        done = harness.citybrain(*args)
        if done.returncode:
            raise RuntimeError(f"citybrain {' '.join(map(str, args))}: {done.stderr}")
        return done.stdout

    def make_keys(self):
        self.must("keygen", "--out", self.folder / "node")
        for name in ("edge", "store"):
            self.must("keygen", "--out", self.folder / name, "--curve")
            words = dict(line.split() for line in
                         (self.folder / f"{name}.curve").read_text().splitlines())
            (self.folder / f"{name}.curve.public").write_text(words["public"] + "\n")

    def make_clip(self, fps):
        clip, piece = self.folder / "street.mp4", self.folder / "piece.mp4"
        harness.ffmpeg("-f", "lavfi", "-i", f"testsrc2=size=192x108:rate={fps}", "-f", "lavfi", "-i",
                       "sine=frequency=440:sample_rate=16000", "-t", 10, "-pix_fmt", "yuv420p",
                       "-c:v", "libx264", "-preset", "ultrafast", "-crf", 40, "-g", fps, "-threads",
                       1, "-c:a", "aac", "-b:a", "24k", piece)
        harness.ffmpeg("-stream_loop", 1079, "-i", piece, "-c", "copy", clip)  # three hours
        self.quiet_clip = self.folder / "quiet.mp4"  # too short for a passage
        harness.ffmpeg("-i", piece, "-frames:v", 6, "-c", "copy", self.quiet_clip)
        return clip

    @staticmethod
    def calibration():
        road = [(x, y) for y in (11, 25, 44) for x in (-3.5, 3.5)]
        return {"points": [{"px": [96 + 150 * x / y, 20 + 900 / y], "m": [x, y]} for x, y in road]}

    def make_edge(self, url):
        camera = {"id": "c1", "url": str(url), "district": "福田", "speed_limit_kmh": 60,
                  "calibration": self.calibration(), "zone": {"y_min": 12, "y_max": 36}}
        config = harness.write_config(
            self.folder / "edge.yaml", [camera],
            node={"id": NODE, "data_dir": str(self.edge_disk.folder), "keep_media_h": 0,
                  "signing_key": str(self.folder / "node.key")},
            bus={"evidence": f"tcp://{self.network.store_address}:7001",
                 "alerts": f"ipc://{self.sockets}/alerts",
                 "replay": f"ipc://{self.sockets}/replay",
                 "curve_key": str(self.folder / "edge.curve"),
                 "store_key": str(self.folder / "store.curve.public"),
                 "allowed_keys": str(self.folder / "store.curve.public")})
        return Role("edge", [*self.network.prefix, CHAOS, "--config", config, "--role", "edge"],
                    self.folder / "edge.log")

    def store_config(self):
        camera = {"id": "none", "url": "none.mp4", "calibration": self.calibration()}
        return harness.write_config(
            self.folder / "store.yaml", [camera],
            bus={"evidence": f"tcp://{self.network.store_address}:7001",
                 "curve_key": str(self.folder / "store.curve"),
                 "allowed_keys": str(self.folder / "edge.curve.public")},
            store={"database": self.conninfo("chaos_store"),
                   "media_dir": str(self.media_disk.folder)})

    # running

    def tend(self, timeout_s=0.05):
        self.store.tend()
        self.edge.tend()
        self.listener.poll(timeout_s)

    def run_for(self, seconds):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.tend()

    def wait_for(self, what, condition, timeout_s):
        """Meanwhile roles are tended and alerts are heard. @return the seconds it took"""
        start = time.monotonic()
        while not condition():
            if time.monotonic() - start > timeout_s:
                raise TimeoutError(f"{timeout_s:g} s passed without {what}")
            self.tend()
        return time.monotonic() - start

    def n_stored(self, up_to):
        """Different sequences that PostgreSQL has, of the first up_to."""
        try:
            return self.query("SELECT count(DISTINCT sequence) FROM violation WHERE sequence <= %s",
                              up_to)[0][0]
        except psycopg.OperationalError:
            return -1

    def remove(self):
        for role in (self.edge, self.store):
            role.send(signal.SIGCONT)
            role.kill()
        self.listener.close()
        self.servers.remove()
        if self.network.holder:
            self.network.holder.kill()
        if self.is_apart:
            run("umount", self.edge_disk.folder, self.media_disk.folder)
        shutil.rmtree(self.sockets, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)
