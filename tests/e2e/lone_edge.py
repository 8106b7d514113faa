"""citybraind as an edge without a store, with its metrics: for what only looks at cameras."""
import pathlib
import urllib.request

import harness


class Edge:
    """citybraind, edge and metrics, with these cameras; folder: short, for ipc
    sockets."""

    def __init__(self, folder, cameras):
        self.folder, self.port = pathlib.Path(folder), harness.free_port()
        self.alerts = f"ipc://{folder}/alerts"
        if not (self.folder / "node.key").exists():
            harness.citybrain("keygen", "--out", self.folder / "node")
        config = harness.write_config(
            self.folder / "city.yaml", cameras,
            node={"id": "bench-1", "data_dir": str(self.folder / "edge"),
                  "signing_key": str(self.folder / "node.key")},
            bus={"alerts": self.alerts, "replay": f"ipc://{folder}/replay"},
            gateway={"listen": f"127.0.0.1:{self.port}"})
        self.program = harness.Program([harness.CITYBRAIND, "--config", config, "--role", "edge,gateway"],
                                       self.folder / "citybraind.log")

    def lines(self):
        """(name with labels, value) of each metric."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=20) as answer:
            for line in answer.read().decode().splitlines():
                if not line.startswith("#"):
                    head, _, value = line.rpartition(" ")
                    yield head, float(value)

    def metrics(self):
        """{name: [values]} over cameras."""
        found = {}
        for head, value in self.lines():
            found.setdefault(head.split("{")[0], []).append(value)
        return found

    def n_ended(self):
        """Recordings that have been read to their end."""
        try:
            return sum(v for head, v in self.lines() if 'state="down"' in head)
        except OSError:
            return 0  # it starts

    def wait_live(self, n, timeout_s=60):
        """Until n cameras have had pictures measured."""
        def count():
            try:
                return sum(v > 0 for v in self.metrics().get("citybrain_camera_measured_frames_total", [])) >= n
            except OSError:
                return False
        harness.wait_for(f"{n} cameras' pictures", count, timeout_s, 0.25)

    def stop(self):
        return self.program.stop()
