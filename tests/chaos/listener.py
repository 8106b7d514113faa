"""An alert client that owes the product nothing: python3-zmq and the wire format of
docs/operations.md. It loses nothing: what it missed it asks for."""
import json
import time

import zmq


class Listener:
    def __init__(self, alerts, replay):
        self.replay, self.context = replay, zmq.Context()
        self.alerts = alerts
        self.join()
        self.ids = {}        # sequence: id, as announced
        self.n_live = self.n_replayed = 0
        self.changed = []    # (sequence, id, another id): two different alerts of one sequence
        self.told = 0        # the highest sequence that an alert or a heartbeat has named

    def join(self):
        self.sub = self.context.socket(zmq.SUB)
        self.sub.setsockopt(zmq.SUBSCRIBE, b"")
        self.sub.setsockopt(zmq.RECONNECT_IVL, 50)
        self.sub.setsockopt(zmq.RECONNECT_IVL_MAX, 200)
        self.sub.connect(self.alerts)

    def leave(self):
        self.sub.close(0)
        self.sub = None

    def take(self, sequence, text):
        alert = json.loads(text)
        assert int.from_bytes(sequence, "big") == alert["sequence"], alert
        n, name = alert["sequence"], alert["id"]
        if self.ids.setdefault(n, name) != name:
            self.changed.append((n, self.ids[n], name))
        self.told = max(self.told, n)

    def poll(self, timeout_s=0.0):
        """Takes what has come, waits up to timeout_s for the first."""
        if not self.sub:
            time.sleep(timeout_s)
        while self.sub and self.sub.poll(int(timeout_s * 1000)):
            topic, sequence, text = self.sub.recv_multipart()
            if topic.startswith(b"alert."):
                self.n_live += 1
                self.take(sequence, text)
            else:
                self.told = max(self.told, int.from_bytes(sequence, "big"))
            timeout_s = 0.0

    def missing(self):
        """The first sequence that was named and not heard; None: none."""
        return next((n for n in range(1, self.told + 1) if n not in self.ids), None)

    def ask(self, first, timeout_s=5.0):
        """Alerts from first on. @return where to go on, or None: no answer, or that was all"""
        req = self.context.socket(zmq.REQ)
        req.setsockopt(zmq.LINGER, 0)
        try:
            req.connect(self.replay)
            req.send_json({"from": first})
            if not req.poll(int(timeout_s * 1000)):
                return None
            head, *rest = req.recv_multipart()
        finally:
            req.close()
        head = json.loads(head)
        if "error" in head:
            return None
        for sequence, text in zip(rest[1::3], rest[2::3]):
            self.n_replayed += 1
            self.take(sequence, text)
        return head["next"] if head["more"] else None

    def catch_up(self):
        """Asks for what is missing; an edge that does not answer is asked again later."""
        first = self.missing()
        while first:
            first = self.ask(first)

    def close(self):
        if self.sub:
            self.leave()
        self.context.term()
