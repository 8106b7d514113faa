"""Renders scenes (kept under a key of scene, seed and simulator) and has citybrain measure them."""
import contextlib
import fcntl
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import scenes

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("CITYBRAIN_BUILD", ROOT / "build"))
SIM = BUILD / "tests/sim/citybrain-sim"
CITYBRAIN = BUILD / "daemon/cli/citybrain"
# Clips that several checkouts share: the same simulator gives the same bytes.
CACHE = pathlib.Path(os.environ.get("CITYBRAIN_CLIPS", ROOT / "var/speed-accuracy"))


def simulator_digest():
    """Of the simulator without names and build id, which differ from folder to folder."""
    with tempfile.NamedTemporaryFile() as bare:
        stripped = subprocess.run(
            ["objcopy", "--strip-all", "--remove-section=.note.gnu.build-id", SIM, bare.name],
            check=False, stderr=subprocess.DEVNULL).returncode == 0
        return hashlib.sha256(pathlib.Path(bare.name if stripped else SIM).read_bytes()).hexdigest()


@contextlib.contextmanager
def turn():
    """One renderer at a time on a shared machine: $CITYBRAIN_RENDER_LOCK names the lock's file."""
    path = os.environ.get("CITYBRAIN_RENDER_LOCK")
    if not path:
        yield
        return
    with open(path, "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def rendered(set_name, name, simulator):
    """The folder with clip.mp4, truth.json, city.yaml and scene.json."""
    text, seed = scenes.text(scenes.scene(set_name, name)), scenes.seed(set_name, name)
    key = hashlib.sha256(f"{text}{seed} {simulator}".encode()).hexdigest()[:16]
    folder = CACHE / set_name / f"{name}-{key}"
    if not folder.exists():
        with turn():
            if not folder.exists():  # another may have rendered it while we waited
                render(text, seed, folder)
    return folder


def render(text, seed, folder):
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = pathlib.Path(tempfile.mkdtemp(prefix=".part-", dir=folder.parent))
    try:
        (part / "scene.json").write_text(text)
        done = subprocess.run([SIM, part / "scene.json", "--out", part, "--seed", str(seed),
                               "--quiet"], capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr.strip())
        with contextlib.suppress(OSError):  # another has just rendered the same
            part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def measured(folder, name, clip="clip.mp4", citybrain=None):
    """The passages of a clip, in the order they were printed."""
    done = subprocess.run(
        [citybrain or CITYBRAIN, "measure", "--config", folder / "city.yaml", "--camera", name,
         "--quiet", folder / clip], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{folder}: {done.stderr.strip()[-500:]}")
    lines = (json.loads(line) for line in done.stdout.splitlines())
    return [p for p in lines if p["type"] == "passage"]


def halved(folder):
    """The clip with every second frame dropped and the times of those that stay."""
    half = folder / "half.mp4"
    if not half.exists():
        part = folder / f".half-{os.getpid()}.mp4"
        subprocess.run(
            ["ffmpeg", "-v", "error", "-y", "-i", folder / "clip.mp4", "-vf",
             "select='not(mod(n,2))'", "-fps_mode", "passthrough", "-enc_time_base", "1:90000",
             "-c:v", "libx264", "-preset", "veryfast", "-qp", "16", "-bf", "0", part],
            check=True, stdin=subprocess.DEVNULL)
        part.rename(half)
    return half.name
