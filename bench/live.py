"""What benches of the running daemon share: cameras and what a process costs."""
import json
import os
import pathlib
import re
import sys

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/e2e"))
import harness  # noqa: E402
from lone_edge import Edge  # noqa: E402,F401

STATUS_MIB = 1 / 1024  # /proc/PID/status counts in kB


def street(scene, **video):
    """(truth, the camera's entry, clip) of a scene of the demo city, its pictures as said; kept in var/performance."""
    kept = ROOT / "var/performance"
    kept.mkdir(parents=True, exist_ok=True)
    text = json.loads((ROOT / f"seeds/scenes/{scene}.json").read_text())
    text["video"] = {**text.get("video", {}), **video}
    if "width" in video:  # the same view
        text["camera"] = {**text["camera"], "focal_px": text["camera"]["focal_px"] * video["width"] / 1280}
    file = kept / f"{scene}-{'-'.join(str(v) for v in video.values())}.json"
    file.write_text(json.dumps(text, ensure_ascii=False))
    return harness.rendered(harness.render(file))


class Cost:
    """A process's CPU since this object, and what it holds now."""

    def __init__(self, pid):
        self.proc = pathlib.Path(f"/proc/{pid}")
        self.before = self.cpu_s()

    def cpu_s(self):
        fields = (self.proc / "stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def spent_s(self):
        return self.cpu_s() - self.before

    def status(self, key):
        return int(re.search(rf"^{key}:\s+(\d+)", (self.proc / "status").read_text(), re.M).group(1))

    def resident_mib(self):
        return self.status("VmRSS") * STATUS_MIB

    def threads(self):
        return self.status("Threads")

    def files(self):
        return len(list((self.proc / "fd").iterdir()))
