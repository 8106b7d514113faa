"""A database and a media folder as a store has left them, to copy and to alter."""
import itertools
import json
import shutil

import psycopg

import harness
from rig import Outbox, Rig, make

N = 6
numbers = itertools.count()


class Store:
    """A database and a media folder as a store has left them; six records of one chain."""

    def __init__(self, postgres, name, media, ids):
        self.postgres, self.name, self.media, self.ids = postgres, name, media, ids
        self.db = postgres.conninfo(name)

    @classmethod
    def filled(cls, folder, sockets, postgres):
        media, outbox = folder / "media", Outbox(folder / "outbox")
        name = f"filled{next(numbers)}"
        postgres.create_database(name)
        store = cls(postgres, name, media, make(outbox.folder, N))
        done = harness.citybrain("migrate", "--db", store.db)
        assert done.returncode == 0, done.stderr
        endpoint = f"ipc://{sockets}/store"
        programs = [Rig(folder / "store.log", "store", "--store", endpoint, "--db", store.db,
                        "--media", media),
                    Rig(folder / "edge.log", "edge", outbox.folder, "--store", endpoint)]
        harness.wait_for("an empty outbox", lambda: not outbox.ids("out"))
        assert [p.stop() for p in programs] == [0, 0]
        return store

    def copy(self, folder):
        name = f"audit{next(numbers)}"
        with psycopg.connect(self.postgres.conninfo("postgres"), autocommit=True) as db:
            db.execute(f"CREATE DATABASE {name} TEMPLATE {self.name}")
        shutil.copytree(self.media, folder / "media")
        return Store(self.postgres, name, folder / "media", list(self.ids))

    def verify(self, *more):
        """(exit code, packages by id, records by type)"""
        done = harness.citybrain("verify", "--db", self.db, "--media", self.media, "--json", *more)
        records = [json.loads(line) for line in done.stdout.splitlines()]
        packages = {r["path"]: r for r in records if r["type"] == "package"}
        return done.returncode, packages, records

    def query(self, sql, *args):
        return self.postgres.query(sql, *args, database=self.name)

    def login(self, name, *roles):
        """A connection string of a login that has these roles."""
        name = f"{name}_{self.name}"
        with psycopg.connect(self.db, autocommit=True) as db:
            db.execute(f"CREATE ROLE {name} LOGIN IN ROLE {', '.join(roles)}")
        return self.postgres.conninfo(self.name, name)

    def alter(self, *statements):
        """As a superuser whom neither rights nor triggers hold up."""
        with psycopg.connect(self.db, autocommit=True) as db:
            db.execute("SET session_replication_role = replica")
            for sql in statements:
                done = db.execute(sql, {"id": self.ids[2]})
                assert done.rowcount >= 1, sql

    def expect(self, *faults, chain=()):
        """Exactly these faults of the third record, and these of the chain."""
        code, packages, records = self.verify()
        assert code == 1
        assert [p for p in packages if not packages[p]["whole"]] == ([self.ids[2]] if faults else [])
        found = packages[self.ids[2]]["faults"] if faults else []
        assert [(f["kind"], f["name"]) for f in found] == [f[:2] for f in faults]
        for f, (_, _, words) in zip(found, faults):
            assert words in f["text"], f
        breaks = [r["fault"] for r in records if r["type"] == "chain_break"]
        assert [f["name"] for f in breaks] == list(chain), breaks
        return records
