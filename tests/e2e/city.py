"""A whole city for the demo and the tests: cameras over RTSP, PostgreSQL, citybraind; and how truth,
measured and stored are laid beside each other."""
import dataclasses
import json
import pathlib
import shutil
import time

import psycopg
import yaml

import harness

SEED = yaml.safe_load((harness.SEEDS / "city.yaml").read_text())  # its tables; the cameras come as given


class City:
    """folder: where it keeps its things; cameras: entries of city.yaml, url filled in; gateway: more of
    its part."""

    def __init__(self, folder, postgres, cameras, is_bound=True, database="citybrain", gateway=None):
        self.folder, self.postgres, self.database = pathlib.Path(folder), postgres, database
        self.folder.mkdir(parents=True, exist_ok=True)
        self.sockets = harness.short_folder()
        self.alerts = f"ipc://{self.sockets}/alerts"
        self.replay = f"ipc://{self.sockets}/replay"
        self.port = harness.free_port()
        postgres.create_database(database)
        self.conninfo = postgres.conninfo(database, "citybrain_demo")
        self.people = postgres.conninfo(database) # who may add logins
        self.must("keygen", "--out", self.folder / "node")
        self.must("migrate", "--db", postgres.conninfo(database))
        self.add_login()
        self.config = harness.write_config(
            self.folder / "city.yaml", cameras,
            node={"id": "demo-1", "data_dir": str(self.folder / "edge"),
                  "signing_key": str(self.folder / "node.key")},
            bus={"alerts": self.alerts, "replay": self.replay},
            store={"database": self.conninfo, "media_dir": str(self.folder / "media")},
            severity=SEED["severity"], gateway={**SEED["gateway"], **self.gateway(), **(gateway or {})})
        self.must("check", "--config", self.config)
        self.daemon = harness.Daemon(self.config, self.folder / "citybraind.log", is_bound)

    def must(self, *args):
        done = harness.citybrain(*args)
        if done.returncode:
            raise RuntimeError(f"citybrain {' '.join(map(str, args))}: {done.stdout}{done.stderr}")
        return done.stdout

    def gateway(self):
        """With the API, and the pages where they were built."""
        pages = harness.BUILD / "web"
        return {"listen": f"127.0.0.1:{self.port}", "roads": str(harness.SEEDS / "roads.geojson"),
                "database": self.postgres.conninfo(self.database, "citybrain_demo_gateway"),
                **({"web_dir": str(pages)} if pages.is_dir() else {})}

    def add_login(self):
        """The daemon's login may insert and nothing else: it is no superuser, here neither. The gateway's
        may act for the people who log in to it."""
        logins = {"citybrain_demo": "citybrain_writer", "citybrain_demo_gateway": "citybrain_gateway"}
        with psycopg.connect(self.postgres.conninfo(self.database), autocommit=True) as db:
            for name, role in logins.items():
                if not db.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone():
                    db.execute(f"CREATE ROLE {name} LOGIN IN ROLE {role}")

    def stored(self):
        """Every stored violation as a dict of its columns, the oldest first."""
        with psycopg.connect(self.postgres.conninfo(self.database), autocommit=True,
                             row_factory=psycopg.rows.dict_row) as db:
            return db.execute("SELECT * FROM violation ORDER BY occurred_at, id").fetchall()

    def assemble(self, folder):
        """Each stored violation as the package it came as, from the store alone: rows and media."""
        with psycopg.connect(self.postgres.conninfo(self.database), autocommit=True) as db:
            rows = db.execute("SELECT id::text, sequence, record_json::text, signature "
                              "FROM violation").fetchall()
            media = db.execute("SELECT violation_id::text, name, sha256 "
                               "FROM evidence_media").fetchall()
        for id_, sequence, record, signature in rows:
            package = pathlib.Path(folder) / f"{sequence:012}-{id_}"
            package.mkdir(parents=True)
            package.joinpath("record.json").write_bytes(record.encode())
            package.joinpath("record.sig").write_text(signature)
            for owner, name, sha256 in media:
                if owner == id_:
                    shutil.copy(self.folder / "media" / sha256[:2] / sha256[2:], package / name)
        return pathlib.Path(folder)

    def sealed(self):
        """Folders of the sealed packages on the edge, without one that is being written (.draft-…)."""
        return sorted((self.folder / "edge/sealed").glob("[!.]*"))

    def remove_sockets(self):
        shutil.rmtree(self.sockets, ignore_errors=True)


@dataclasses.dataclass
class Row:
    """One thing of the truth, and what became of it."""
    camera: str
    what: str               # "car 3", "exhaust 2"
    truth: float            # km/h, or LAFmax in dB(A)
    limit: float
    is_due: bool            # must be accused
    t_s: float              # middle of the zone, or the sound's peak, on the recording's time
    direction: str = ""
    x_m: float = 0.0
    measured: float = None
    u95: float = None
    charged: float = None
    stored: list = dataclasses.field(default_factory=list)


def truth_rows(truth, limit_kmh, limit_dba):
    camera = truth["camera"]
    rows = []
    for v in truth["vehicles"]:
        if v.get("speed_kmh") is None or v.get("t_zone_enter") is None or \
                not v.get("in_clip", True):
            continue
        middle = (v["t_zone_enter"] + v["t_zone_exit"]) / 2
        x = min(v["samples"], key=lambda s: abs(s[0] - middle))[1] if v.get("samples") else 0.0
        rows.append(Row(camera, f"{v['class']} {v['id']}", v["speed_kmh"], limit_kmh,
                        bool(v["is_speeder"]), middle, v["direction"], x))
    for e in truth.get("events", []):
        if e["type"] == "modified_exhaust":
            rows.append(Row(camera, f"exhaust {e.get('vehicle') or '-'}", e["lafmax_db"], limit_dba,
                            e["lafmax_db"] > limit_dba, e["t_peak"], "sound"))
    return rows


def passage_key(p):
    """(middle of the zone, direction, X there) of a record of `citybrain measure`."""
    middle = (p["t_first"] + p["t_last"]) / 2
    path = p.get("path") or [[middle, 0.0, 0.0]]
    return middle, p["direction"], min(path, key=lambda f: abs(f[0] - middle))[1]


def lay_measured(rows, records):
    """Each record to the nearest row in time and lane. @return records that are nobody's."""
    left = []
    for r in records:
        if r["type"] == "passage" and r["speed_kmh"] is not None:
            t, direction, x = passage_key(r)
            near = [w for w in rows if w.direction == direction and w.measured is None
                    and abs(w.t_s - t) < 1.5 and abs(w.x_m - x) < 2.5]
        elif r["type"] == "noise" and r["class"] == "modified_exhaust":
            t = r["t_peak"]
            near = [w for w in rows if w.direction == "sound" and w.measured is None
                    and abs(w.t_s - t) < 1.5]
        else:
            continue
        if not near:
            left.append(r)
            continue
        row = min(near, key=lambda w: abs(w.t_s - t))
        row.measured = r.get("speed_kmh", r.get("lafmax_db"))
        row.u95 = r.get("speed_uncertainty_kmh", r.get("lafmax_uncertainty_db"))
        row.charged = r.get("charged_kmh", r.get("charged_db"))
    return left


def stored_key(violation):
    """(stream time, direction) of a stored row."""
    record = violation["record_json"]
    record = record["violation"] if isinstance(record, dict) else json.loads(record)["violation"]
    if violation["kind"] == "modified_exhaust":
        return record["noise"]["t_peak"], "sound"
    p = record["passage"]
    return (p["t_first"] + p["t_last"]) / 2, p["direction"]


def best_shift(rows, stored):
    """The stream's clock against the recording's: what brings most stored rows to a due one."""
    keys = [stored_key(v) for v in stored]
    pairs = [(t - w.t_s) for w in rows if w.is_due for t, d in keys if d == w.direction]

    def fit(shift):
        near = [min((abs(t - shift - w.t_s) for t, d in keys if d == w.direction), default=9.0)
                for w in rows if w.is_due]
        return sum(min(d, 1.0) for d in near)
    return min([0.0, *pairs], key=fit)


def lay_stored(rows, stored):
    """Each stored violation to its row. @return those that accuse nobody of the truth."""
    left, shift = [], best_shift(rows, stored)
    for v in stored:
        t, direction = stored_key(v)
        near = [w for w in rows if w.direction == direction and abs(t - shift - w.t_s) < 1.0]
        speed = v["speed_kmh"] if direction != "sound" else v["lafmax_db"]
        if near:
            # two that pass together are told apart by their speeds
            min(near, key=lambda w: abs(w.truth - speed) + abs(t - shift - w.t_s)).stored.append(v)
        else:
            left.append(v)
    return left


def wait_until_quiet(count, quiet_s=6.0, timeout_s=60.0):
    """Until count() has not changed for quiet_s."""
    last, since, until = count(), time.monotonic(), time.monotonic() + timeout_s
    while time.monotonic() < until:
        time.sleep(0.25)
        now = count()
        if now != last:
            last, since = now, time.monotonic()
        if time.monotonic() - since > quiet_s:
            break
    return last


def verify(package, key):
    """(is whole, words) of `citybrain verify`."""
    done = harness.citybrain("verify", package, "--key", key)
    return done.returncode == 0, (done.stdout + done.stderr).strip()
