"""The worked questions of docs/analysts.md: each is asked as it stands there, by a login with an
analyst's rights, of a small city, and the answer must be the one that is printed below it."""
import datetime
import hashlib
import os
import re
import subprocess
import uuid

import psycopg
import pytest

import harness

TEXT = (harness.ROOT / "docs/analysts.md").read_text()
BLOCK = re.compile(r"^## (\d+\. .*?)\n.*?```(sql|sh)\n(.*?)```\n+```text\n(.*?)```", re.S | re.M)
QUESTIONS = BLOCK.findall(TEXT)
SHANGHAI = datetime.timezone(datetime.timedelta(hours=8))
MONDAY = datetime.datetime(2026, 10, 19, tzinfo=SHANGHAI)
CAMERAS = {"c1": ("深南大道", "福田", 22.541, 114.056), "c2": ("滨海大道", "南山", 22.525, 113.942),
           "c3": ("泥岗路", "福田", 22.562, 114.098)}


def test_there_are_ten():
    assert [title.split(".")[0] for title, *_ in QUESTIONS] == [str(n) for n in range(1, 11)]
    assert TEXT.count("```sql") + TEXT.count("```sh") == 10, "a question has no answer under it"


class City:
    """Rows as a store would have written them, by rule: nothing of it is drawn at random."""

    def __init__(self, db):
        self.db, self.n = db, 0

    def violation(self, camera, at, kind, severity="minor", incident=None, **more):
        self.n += 1
        name = uuid.UUID(hashlib.md5(str(self.n).encode()).hexdigest())
        road, district, lat, lon = CAMERAS[camera]
        sha = hashlib.sha256(str(self.n).encode()).hexdigest()
        row = {"id": name, "occurred_at": at, "sealed_at": at, "node": "edge-1",
               "stored_at": at + datetime.timedelta(seconds=2), "sequence": self.n,
               "camera_id": camera, "road": road, "district": district, "lat": lat, "lon": lon,
               "kind": kind, "severity": severity, "road_user": "car", "incident_id": incident,
               "public_key": sha, "prev_sha256": sha, "record_sha256": sha, "record_json": "{}",
               "signature": sha + sha, "track": self.n, **more}
        self.db.execute("INSERT INTO violation_id (id, occurred_at, record_sha256, district, stored_at)"
                        " VALUES (%s, %s, %s, %s, %s)", (name, at, sha, district, row["stored_at"]))
        self.db.execute(f"INSERT INTO violation ({', '.join(row)}) VALUES"
                        f" ({', '.join(['%s'] * len(row))})", list(row.values()))
        return name, row["stored_at"]

    def speeding(self, camera, at, charged, **more):
        severity = "minor" if charged < 72 else "moderate" if charged < 90 else "serious"
        return self.violation(camera, at, "speeding", severity, charged_kmh=charged, limit_kmh=60,
                              speed_kmh=charged + 1, speed_uncertainty_kmh=1, **more)

    def loud(self, camera, at, db, **more):
        return self.violation(camera, at, "modified_exhaust", "moderate", lafmax_db=db,
                              lafmax_7m5_db=db + 1, limit_db=85, charged_db=db - 1.5,
                              road_user="motorcycle", **more)

    def review(self, violation, verdict, minutes, plate=None):
        name, stored_at = violation
        self.db.execute("INSERT INTO review (violation_id, verdict, reason, reviewer, reviewed_at, plate)"
                        " VALUES (%s, %s, 'seen', 'wang', %s, %s)",
                        (name, verdict, stored_at + datetime.timedelta(minutes=minutes), plate))

    def traffic(self, camera, at, n, v85):
        self.db.execute("INSERT INTO traffic_minute (camera_id, minute_at, n_passages, n_measured,"
                        " n_violations, mean_speed_kmh, p85_speed_kmh, laeq_db, lafmax_db)"
                        " VALUES (%s, %s, %s, %s, 0, %s, %s, 68, 82)", (camera, at, n, n, v85 - 8, v85))


def fill(city):
    for week in range(5):
        monday = MONDAY + datetime.timedelta(days=7 * week)
        for day in range(7):
            evening = monday + datetime.timedelta(days=day, hours=22)
            morning = monday + datetime.timedelta(days=day, hours=8)
            city.traffic("c1", morning, 40, 58)
            city.traffic("c1", evening, 10, 71)
            city.traffic("c2", evening, 25, 66)
            if day >= 4:  # Friday to Sunday: louder each week on 深南大道, ever quieter on 泥岗路
                for k in range(1 + week):
                    v = city.loud("c1", evening + datetime.timedelta(minutes=7 * k), 91 + k + week)
                    city.review(v, "confirmed", 6 + 2 * k, "粤B12345" if k == 1 else None)
                for k in range(5 - week):
                    v = city.loud("c3", evening + datetime.timedelta(hours=1, minutes=5 * k), 88 + k)
                    city.review(v, "rejected" if k < 2 else "confirmed", 12)
            for k, charged in enumerate((64, 69, 75, 93, 104)[:1 + day % 5]):
                v = city.speeding("c2", evening + datetime.timedelta(minutes=3 * k), charged)
                if week < 4:
                    city.review(v, "confirmed" if k else "rejected", 3 + k)
    race = MONDAY + datetime.timedelta(days=33, hours=23, minutes=40)
    for k in range(3):
        at = race + datetime.timedelta(seconds=2 * k)
        city.violation("c1", at, "chase_racing", "serious", "c1.race", charged_kmh=112 - k,
                       speed_kmh=113 - k, limit_kmh=60)


@pytest.fixture(scope="module")
def analyst(postgres):
    """@return the environment in which the document's commands are run"""
    name = "questions"
    postgres.create_database(name)
    conninfo = postgres.conninfo(name)
    assert harness.citybrain("migrate", "--db", conninfo).returncode == 0
    with psycopg.connect(conninfo, autocommit=True) as db:
        db.execute("SET session_replication_role = replica")
        fill(City(db))
        db.execute("CREATE ROLE li LOGIN IN ROLE citybrain_analyst, citybrain_all_districts")
    path = f"{harness.CITYBRAIN.parent}:/usr/bin:/bin"
    return {**os.environ, "PATH": path, "CITYBRAIN_DB": postgres.conninfo(name, "li"),
            "PGTZ": "Asia/Shanghai", "LANG": "C.UTF-8", "TZ": "Asia/Shanghai"}


@pytest.mark.parametrize("title, language, asked, answer", QUESTIONS, ids=[q[0] for q in QUESTIONS])
def test_the_answer_is_the_one_in_the_document(analyst, title, language, asked, answer):
    words = ["sh", "-c", asked] if language == "sh" else \
        ["psql", "-X", "-v", "ON_ERROR_STOP=1", "-P", "footer=off", analyst["CITYBRAIN_DB"], "-c", asked]
    done = subprocess.run(words, env=analyst, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr

    def lines(text):
        return [line.rstrip() for line in text.strip("\n").splitlines()]
    assert lines(done.stdout) == lines(answer), f"{title} is answered:\n{done.stdout}"
