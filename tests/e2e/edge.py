"""An edge of the rig alone on tcp: alerts, replays and a list of keys that the test fills."""
import json

import harness
from rig import Rig, keys, make


class Edge:
    """An edge on tcp, with a list of keys that the test fills."""

    def __init__(self, folder):
        self.folder, self.outbox = folder, folder / "outbox"
        self.public, _ = keys(folder / "edge.key")
        self.port = harness.free_port()
        self.alerts = f"tcp://127.0.0.1:{self.port}"
        self.replay = f"tcp://127.0.0.1:{harness.free_port()}"
        self.lines, self.program, self.n = [], None, 0
        make(self.outbox, 1)
        self.sample = json.loads((self.outbox / "alerts/1.json").read_text())
        (self.outbox / "alerts/1.json").unlink()

    def let_in(self, name, districts=None):
        """@return the options of a client with a new key"""
        public, secret = keys(self.folder / f"{name}.key")
        self.lines.append(f"{public} {name}" + (f" districts={districts}" if districts else ""))
        return self.client(public, secret)

    def client(self, public, secret):
        return {"curve_serverkey": self.public.encode(), "curve_publickey": public.encode(),
                "curve_secretkey": secret.encode()}

    def start(self):
        (self.folder / "allowed").write_text("\n".join(self.lines) + "\n")
        self.program = Rig(self.folder / "edge.log", "edge", self.outbox, "--alerts", self.alerts,
                           "--replay", self.replay, "--keys", self.folder / "edge.key", "--allow",
                           self.folder / "allowed")
        return self

    def announce(self, *districts):
        """An alert of each, in order. @return their sequences"""
        first = self.n + 1
        for district in districts:
            self.n += 1
            path = self.outbox / f"alerts/{self.n}.json"
            draft = path.with_suffix(".draft")
            draft.write_text(json.dumps({**self.sample, "sequence": self.n, "district": district},
                                        ensure_ascii=False))
            draft.rename(path)
        return list(range(first, self.n + 1))
