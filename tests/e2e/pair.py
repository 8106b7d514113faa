"""A primary with a synchronous streaming standby, and what befalls it: two private PostgreSQLs."""
import os
import pathlib
import shutil
import signal

import psycopg

import harness


class Member(harness.Postgres):
    """One server of a pair. A standby's data folder is a copy of the other's."""

    def __init__(self, folder, copy_of=None):
        self.copy_of = copy_of
        super().__init__(folder, is_fresh=True)

    def run(self, program, *args):
        """Where a server would be made anew a standby is copied from the running one instead."""
        if program != "initdb" or not self.copy_of:
            super().run(program, *args)
            return
        super().run("pg_basebackup", "-D", self.data / "data", "-h", self.copy_of.socket_dir, "-U",
                    "postgres", "-X", "stream", "-c", "fast", "-R")
        # The last line of a setting counts. The name is what the primary waits for; a standby that
        # is promoted has nobody to wait for yet.
        with open(self.data / "data/postgresql.auto.conf", "a", encoding="utf-8") as f:
            f.write(f"primary_conninfo = 'host={self.copy_of.socket_dir} user=postgres"
                    f" application_name=standby'\nsynchronous_standby_names = ''\n")

    def processes(self):
        """The server and its children, by pid."""
        children = pathlib.Path(f"/proc/{self.server.pid}/task/{self.server.pid}/children")
        return [self.server.pid, *map(int, children.read_text().split())]

    def kill(self):
        """As if the host lost its power: all of its processes at once, no word to anybody."""
        for pid in self.processes():  # the server first: it restarts nobody
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.server.process.wait()
        self.server = None


class Pair:
    """
    pair = Pair(folder)        both run, nothing commits before the standby has it on its disk
    pair.conninfo()            of both: libpq finds the one that takes writes
    pair.fail_over()           kill -9 of the primary, the standby is promoted and takes over
    pair.add_standby()         a new standby of the one that is left; commits wait for it again
    pair.remove()
    """

    def __init__(self, folder):
        self.folder, self.n_made, self.gone = pathlib.Path(folder), 0, []
        self.primary = self.make_member().start()
        self.standby = None
        self.primary.create_database()
        self.add_standby()

    def make_member(self, copy_of=None):
        self.n_made += 1
        return Member(self.folder / f"server{self.n_made}", copy_of)

    def add_standby(self):
        self.standby = self.make_member(copy_of=self.primary).start()
        self.ask("ALTER SYSTEM SET synchronous_standby_names = 'FIRST 1 (standby)'",
                 "SELECT pg_reload_conf()")
        harness.wait_for("a synchronous standby", lambda: self.primary.query(
            "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'", database="postgres"))

    def ask(self, *statements):
        with psycopg.connect(self.primary.conninfo("postgres"), autocommit=True) as db:
            for sql in statements:
                db.execute(sql)

    def conninfo(self, database="citybrain", user="postgres"):
        """Both servers; also one that is dead. A string made earlier knows no later standby."""
        members = [*self.gone, self.primary, *([self.standby] if self.standby else [])]
        hosts = ",".join(str(m.socket_dir) for m in members)
        return f"host={hosts} dbname={database} user={user} target_session_attrs=read-write"

    def fail_over(self):
        """@return what the dead primary was: a member that does not run."""
        dead, self.primary, self.standby = self.primary, self.standby, None
        dead.kill()
        self.gone.append(dead)
        with psycopg.connect(self.primary.conninfo("postgres"), autocommit=True) as db:
            db.execute("SELECT pg_promote()")  # waits until it takes writes
        return dead

    def query(self, sql, *args, database="citybrain"):
        return self.primary.query(sql, *args, database=database)

    def remove(self):
        for member in (*self.gone, self.standby, self.primary):
            if member:
                member.remove()
        shutil.rmtree(self.folder, ignore_errors=True)
