"""Cameras and their health, from the edge over bus and store to the page."""
import time

import psycopg

import gateway as gates
import harness

EAR = {"microphone": {"sensitivity_dbfs_at_94db": -26.0}}


class City:
    """Edge, store and gateway in one process, as on a small site; it has the store's interface."""

    def __init__(self, postgres, folder, cameras, name):
        postgres.create_database(name)
        self.postgres, self.name, self.db = postgres, name, postgres.conninfo(name)
        assert harness.citybrain("migrate", "--db", self.db).returncode == 0
        assert harness.citybrain("keygen", "--out", folder / "node").returncode == 0
        self.writer, self.reader = self.login("w", "citybrain_writer"), self.login("g", "citybrain_gateway")
        self.port = harness.free_port()
        config = harness.write_config(
            folder / "city.yaml", cameras, node={"id": "edge-9", "data_dir": str(folder / "edge"),
                                                 "signing_key": str(folder / "node.key")},
            store={"database": self.writer, "media_dir": str(folder / "media")},
            bus={"alerts": "inproc://alerts", "replay": "inproc://replay"},
            gateway={"listen": f"127.0.0.1:{self.port}", "database": self.reader})
        self.daemon = harness.Daemon(config, folder / "daemon.log")

    def login(self, prefix, role):
        login = f"{prefix}_{self.name}"
        with psycopg.connect(self.db, autocommit=True) as db:
            db.execute(f"CREATE ROLE {login} LOGIN IN ROLE {role}")
        return self.postgres.conninfo(self.name, login)


def test_cameras_of_a_running_edge(postgres, tmp_path):
    cameras = [{"id": "lost", "name": "路口", "url": "rtsp://127.0.0.1:9/none", "district": "福田",
                "road": "深南大道", "location": {"lat": 22.5, "lon": 114.0, "bearing_deg": 90}, **EAR},
               {"id": "other", "url": "rtsp://127.0.0.1:9/none", "district": "南山", **EAR}]
    city = City(postgres, tmp_path, cameras, "cameras1")
    for login, (role, districts) in gates.LOGINS.items():
        gates.add_user(city.db, login, role, districts)
    city.daemon.start()
    try:
        client = gates.Client(city)
        assert client.login("tech").status == 200
        events = client.events()
        seen = harness.wait_for("two cameras", lambda: len(
            (c := client.ok("cameras")["cameras"])) == 2 and c, timeout_s=40)
        lost = seen[0]
        assert (lost["id"], lost["name"], lost["state"], lost["node"]) == ("lost", "路口", "away", "edge-9")
        assert (lost["lat"], lost["fps"], lost["level_db"], lost["last_frame_at"]) == (22.5, 0, None, None)
        gates.validate("getCameras", client.get("cameras"))
        here = gates.Client(city)
        assert here.login("futian").status == 200
        assert [c["id"] for c in here.ok("cameras")["cameras"]] == ["lost"]
        with psycopg.connect(city.db, autocommit=True) as db:  # as if its pictures came
            db.execute("CREATE FUNCTION revive() RETURNS trigger LANGUAGE plpgsql AS"
                       " $$BEGIN NEW.state := 'live'; RETURN NEW; END$$")
            db.execute("CREATE TRIGGER revive BEFORE UPDATE ON camera_health FOR EACH ROW"
                       " WHEN (NEW.camera_id = 'lost') EXECUTE FUNCTION revive()")
        state = "away"
        while state == "away":  # told first when the gateway's watch was there before the cameras
            place, _, changed = events.next(timeout_s=30, kinds=["camera"])
            assert place is None
            state = changed["state"] if changed["id"] == "lost" else state
        assert state == "live"
        with psycopg.connect(city.db, autocommit=True) as db:  # one that sorts between the two
            db.execute("INSERT INTO camera_health SELECT (jsonb_populate_record(c, '{\"camera_id\": \"new\"}')).*"
                       " FROM camera_health c WHERE camera_id = 'other'")
        assert events.next(timeout_s=30, kinds=["camera"])[2]["id"] == "new"
        time.sleep(5)  # two more looks at all of them
        assert events.queue.empty(), "of the cameras beside it there is no news"
        events.close()
    finally:
        assert city.daemon.stop() == 0, city.daemon.text()[-3000:]
