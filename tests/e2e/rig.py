"""citybrain-rig: the bus and the store alone, with a folder as outbox (tests/rig)."""
import pathlib
import subprocess

import harness

RIG = harness.BUILD / "tests/rig/citybrain-rig"


def rig(*args):
    done = subprocess.run([RIG, *map(str, args)], capture_output=True, text=True, timeout=60,
                          check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def make(folder, count, **options):
    """Sealed packages in the folder's outbox. @return their ids"""
    words = [w for key, value in options.items() for w in (f"--{key}", value)]
    return rig("make", folder, count, *words)


def keys(path):
    """A CURVE pair in a file. @return (public, secret)"""
    public = rig("keys", path)[0]
    lines = dict(line.split() for line in pathlib.Path(path).read_text().splitlines())
    assert lines["public"] == public
    return public, lines["secret"]


class Outbox:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def ids(self, part):
        return {p.name for p in (self.folder / part).iterdir() if p.is_dir()}

    def reasons(self):
        return [p.read_text() for p in (self.folder / "aside").glob("*.reason")]


class Rig(harness.Program):
    """A running edge or store; @raise when it ends before it serves."""

    def __init__(self, log, *args):
        super().__init__([RIG, *args], log)
        self.wait_for_text("ready")

    @classmethod
    def refused(cls, log, *args):
        """What it says when it does not start."""
        program = harness.Program([RIG, *args], log)
        assert program.process.wait(20) == 1
        return program.text()
