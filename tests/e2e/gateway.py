"""citybraind as a gateway over a store, and a client that is none of ours."""
import gzip
import http.client
import json
import pathlib
import queue
import socket
import threading
import urllib.parse

import jsonschema
import yaml

import harness
from rig import Outbox, Rig, make

OPENAPI = yaml.safe_load((harness.ROOT / "schema/openapi.yaml").read_text())
OPERATIONS = [(method, path, o) for path, item in OPENAPI["paths"].items()
              for method, o in item.items() if method in ("get", "post", "put", "delete")]
PASSWORD = "correct horse battery"
LOGINS = {"chief": ("command", []), "futian": ("command", ["福田"]), "nanshan": ("command", ["南山"]),
          "analyst": ("analyst", []), "unit1": ("field", ["福田"]), "unit2": ("field", ["南山"]),
          "tech": ("technician", []), "boss": ("admin", [])}


# a configuration has one camera at least; the role gateway does not open it
CAMERA = {"id": "none", "url": "/nowhere.wav", "microphone": {"sensitivity_dbfs_at_94db": -26.0}}


def resolved(node):
    """References within the file replaced by what they name."""
    if isinstance(node, dict):
        if "$ref" in node:
            target = OPENAPI
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            return resolved({**target, **{k: v for k, v in node.items() if k != "$ref"}})
        return {k: resolved(v) for k, v in node.items()}
    return [resolved(v) for v in node] if isinstance(node, list) else node


def validate(operation, answer):
    """Whether the answer is as the file describes that operation's (an object, or its operationId)."""
    if isinstance(operation, str):
        [operation] = [o for _, _, o in OPERATIONS if o["operationId"] == operation]
    responses = resolved(operation["responses"])
    described = responses.get(str(answer.status), responses.get("default"))
    assert described, f"{answer} is not described"
    if answer.status in (204, 304):
        assert answer.raw == b""
        return
    types = described["content"]
    kind = answer.headers["Content-Type"].split(";")[0]
    assert kind in types or "*/*" in types, f"{kind} is not described"
    schema = types.get(kind, types.get("*/*"))["schema"]
    if kind == "application/json" and schema.get("type") != "string":
        jsonschema.validate(answer.json, schema, cls=jsonschema.Draft202012Validator)


def add_user(db, login, role, districts, name=None):
    where = [w for d in districts for w in ("--district", d)] or ["--all-districts"]
    done = harness.citybrain("user", "add", login, "--db", db, "--role", role, *where,
                             *(["--name", name] if name else []), input=PASSWORD + "\n")
    assert done.returncode == 0, done.stderr


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.raw = response.read()
        packed = self.headers.get("Content-Encoding") == "gzip"
        self.bytes = gzip.decompress(self.raw) if packed else self.raw

    @property
    def json(self):
        return json.loads(self.bytes)

    def __repr__(self):
        return f"<{self.status} {self.bytes[:300]!r}>"


def connect(gateway, timeout_s=30):
    """To whatever has a port; by TLS where it has `tls`, an SSLContext."""
    if tls := getattr(gateway, "tls", None):
        return http.client.HTTPSConnection("127.0.0.1", gateway.port, timeout=timeout_s, context=tls)
    return http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=timeout_s)


class Client:
    """One browser: its cookie and its CSRF token."""

    def __init__(self, gateway):
        self.gateway, self.cookie, self.csrf = gateway, None, None

    def request(self, method, path, body=None, headers=None, raw=None, **query):
        connection = connect(self.gateway)
        sent = {}
        if self.cookie:
            sent["Cookie"] = f"citybrain_session={self.cookie}"
        if self.csrf and method not in ("GET", "HEAD"):
            sent["X-CSRF-Token"] = self.csrf
        if body is not None:
            raw, sent["Content-Type"] = json.dumps(body).encode(), "application/json"
        sent.update(headers or {})
        sent = {k: v for k, v in sent.items() if v is not None}
        if query:
            path += "?" + urllib.parse.urlencode({k.rstrip("_"): v for k, v in query.items()})
        try:
            connection.request(method, path, raw, sent)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def get(self, path, **more):
        return self.request("GET", "/api/v1/" + path, **more)

    def ok(self, path, **query):
        answer = self.get(path, **query)
        assert answer.status == 200, answer
        return answer.json

    def send(self, method, path, body=None, **more):
        return self.request(method, "/api/v1/" + path, body, **more)

    def login(self, login, password=PASSWORD):
        answer = self.send("POST", "login", {"login": login, "password": password})
        if answer.status == 200:
            self.csrf = answer.json["csrf"]
            self.cookie = answer.headers["Set-Cookie"].split(";")[0].split("=", 1)[1]
        return answer

    def events(self, after=None, last_event_id=None):
        return Events(self, after, last_event_id)


class Events:
    """A stream of server-sent events, read by a thread of its own; or, is_reading False, when read()
    is called."""

    def __init__(self, client, after=None, last_event_id=None, is_reading=True):
        self.connection = connect(client.gateway, 60)
        headers = {"Cookie": f"citybrain_session={client.cookie}"}
        if last_event_id is not None:
            headers["Last-Event-ID"] = str(last_event_id)
        path = "/api/v1/events" + (f"?after={after}" if after is not None else "")
        self.connection.request("GET", path, headers=headers)
        self.response = self.connection.getresponse()
        self.status = self.response.status
        self.queue, self.last, self.is_over = queue.Queue(), last_event_id, False
        self.seen = []
        self.socket = self.connection.sock
        self.thread = threading.Thread(target=self.read, daemon=True)
        if self.status == 200 and is_reading:
            self.thread.start()

    def read(self):
        event = {}
        try:
            for line in self.response:
                line = line.decode().rstrip("\n")
                if line == "":
                    if "data" in event:
                        self.queue.put(event)
                    event = {}
                elif not line.startswith(":"):
                    key, _, value = line.partition(": ")
                    event[key] = value
        except (OSError, ValueError, http.client.HTTPException, AttributeError):
            pass
        self.is_over = True
        self.queue.put(None)

    def seen_all(self):
        """Of a stream that is over: all that came and was not taken."""
        while self.next():
            pass
        return self.seen

    def next(self, timeout_s=20, kinds=None):
        """(id or None, kind, data); None: the stream is over."""
        while True:
            event = self.queue.get(timeout=timeout_s)
            if event is None:
                return None
            if kinds and event["event"] not in kinds:
                continue
            place = int(event["id"]) if "id" in event else None
            self.last = place if place is not None else self.last
            self.seen.append((place, event["event"], json.loads(event["data"])))
            return self.seen[-1]

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.thread.join(10)
        self.connection.close()


class Gateway:
    """A daemon of the role gateway alone, over a store's database and media."""

    def __init__(self, store, folder, conninfo=None, **parts):
        self.store, self.folder, self.port = store, pathlib.Path(folder), harness.free_port()
        config = {"listen": f"127.0.0.1:{self.port}", "database": conninfo or self.login()}
        config.update(parts)
        self.config = harness.write_config(
            self.folder / "gateway.yaml", [CAMERA], gateway=config,
            store={"database": store.db, "media_dir": str(store.media)})
        self.program, self.tls = None, None

    def login(self):
        return self.store.login("gateway", "citybrain_gateway")

    def start(self):
        at = self.log.stat().st_size if (self.log).exists() else 0
        self.program = harness.Program([harness.CITYBRAIND, "--config", self.config, "--role", "gateway"],
                                       self.log)
        for words in ("serves pages and", "reads events from the store"):  # in whichever order
            self.program.wait_for_text(words, from_byte=at)
        return self

    @property
    def log(self):
        return self.folder / "gateway.log"

    def stop(self):
        return self.program.stop() if self.program else None

    def client(self, login=None):
        client = Client(self)
        if login:
            answer = client.login(login)
            assert answer.status == 200, answer
        return client


class Arrivals:
    """A store of the rig over the same database, to which new violations are delivered."""

    def __init__(self, store, folder, sockets):
        self.store, self.folder = store, pathlib.Path(folder)
        self.endpoint = f"ipc://{sockets}/arrivals"
        self.program = Rig(self.folder / "arrivals.log", "store", "--store", self.endpoint, "--db",
                           store.db, "--media", store.media)
        self.number = 0

    def bring(self, count):
        """Their ids, all stored when this returns."""
        self.number += 1
        outbox = Outbox(self.folder / f"outbox{self.number}")
        ids = make(outbox.folder, count)
        edge = Rig(self.folder / f"edge{self.number}.log", "edge", outbox.folder, "--store",
                   self.endpoint)
        harness.wait_for("an empty outbox", lambda: not outbox.ids("out"))
        assert edge.stop() == 0
        return ids

    def stop(self):
        assert self.program.stop() == 0
