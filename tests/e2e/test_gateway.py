"""The gateway over a real store: logins, rights, evidence, decisions, what it refuses."""
import pytest

import gateway as gates
from gateway import Gateway


@pytest.fixture
def gate(peopled_store, tmp_path):
    """A running gateway over a store of one's own."""
    gate = Gateway(peopled_store.copy(tmp_path), tmp_path).start()
    yield gate
    assert gate.stop() == 0, gate.log.read_text()[-3000:]


def test_login_me_logout(gate):
    client = gate.client()
    assert client.get("me").status == 401
    assert client.login("chief", "not the password").json["error"] == "wrong_password"
    assert client.login("nobody", "not the password").status == 401
    answer = client.login("chief")
    assert answer.status == 200
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie
    me = client.ok("me")
    assert me == answer.json | {"expires_at": me["expires_at"]}
    assert (me["login"], me["role"], me["districts"], me["unit"]) == ("chief", "command", None, None)
    assert gate.client("unit1").ok("me") | {"expires_at": 0, "csrf": 0} == {
        "login": "unit1", "name": "unit1", "role": "field", "districts": ["福田"], "unit": "unit1",
        "csrf": 0, "expires_at": 0}
    assert client.send("POST", "logout").status == 204
    assert client.get("me").status == 401


def test_every_answer_has_its_security_headers(gate):
    client = gate.client("chief")
    for answer in (client.get("me"), client.get("nothing"), client.request("GET", "/healthz"),
                   client.request("GET", "/"), client.get(f"violations/{gate.store.ids[3]}/files/record.json")):
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"


def ids(answer):
    return {v["id"] for v in answer["violations"]}


def test_nobody_sees_beyond_his_district(gate):
    """Lists, records, files, decisions, dispatches and figures; also with ids one has heard of."""
    all_ids = set(map(str, gate.store.ids))
    here, there = gate.client("futian"), gate.client("nanshan")
    of_here, of_there = ids(here.ok("violations")), ids(there.ok("violations"))
    assert ids(gate.client("chief").ok("violations")) == all_ids
    assert len(of_there) == 2 and of_here | of_there == all_ids and not of_here & of_there
    assert ids(here.ok("alerts")) == of_here
    assert ids(here.ok("violations", district="南山")) == set()
    for foreign in of_there:
        for path in (f"violations/{foreign}", f"violations/{foreign}/files/record.json",
                     f"violations/{foreign}/files/clip.mp4"):
            assert (here.get(path).status, there.get(path).status) == (404, 200), path
        assert here.send("POST", f"violations/{foreign}/reviews", {"verdict": "confirmed"}).status == 404
        assert here.send("POST", f"violations/{foreign}/dispatches", {"unit": "unit1"}).status == 404
        # its own unit may not be sent to where it has no right
        assert there.send("POST", f"violations/{foreign}/dispatches", {"unit": "unit1"}).status == 422
    hours = {"from_": "2020-01-01T00:00:00Z", "to": "2030-01-01T00:00:00Z"}
    assert sum(h["n"] for h in here.ok("kpis/hotspots", **hours)["hotspots"]) == len(of_here)
    assert [u["unit"] for u in here.ok("units")["units"]] == ["unit1"]
    csv = here.get("export").bytes.decode()
    assert all(i in csv for i in of_here) and not any(i in csv for i in of_there)


def test_a_unit_sees_only_what_it_was_told_of(gate):
    unit, other, chief = gate.client("unit1"), gate.client("unit2"), gate.client("chief")
    mine, not_mine = map(str, (gate.store.ids[3], gate.store.ids[4]))
    assert unit.get(f"violations/{mine}").status == 404
    assert chief.send("POST", f"violations/{mine}/dispatches", {"unit": "unit1", "note": "go"}).status == 201
    record = unit.ok(f"violations/{mine}")
    assert record["violation"]["dispatch"]["note"] == "go" and record["signature"]["verified"] is True
    assert unit.get(f"violations/{mine}/files/still-1.jpg").status == 200
    assert unit.get(f"violations/{not_mine}").status == 404
    assert unit.get(f"violations/{not_mine}/files/record.json").status == 404
    assert other.get(f"violations/{mine}").status == 404
    assert unit.send("POST", f"violations/{mine}/reviews", {"verdict": "confirmed"}).status == 403
    answer = {"violation": mine, "answer": "accepted"}
    assert other.send("POST", "field/answers", answer).status == 404
    assert unit.send("POST", "field/answers", {"violation": not_mine, "answer": "accepted"}).status == 404


def test_dispatch_and_its_answers(gate):
    unit, chief, one = gate.client("unit1"), gate.client("chief"), str(gate.store.ids[3])

    def answer(word, note=None):
        body = {"violation": one, "answer": word} | ({"note": note} if note else {})
        return unit.send("POST", "field/answers", body)
    assert chief.send("POST", f"violations/{one}/dispatches", {"unit": "nobody"}).status == 422
    assert chief.send("POST", f"violations/{one}/dispatches", {"unit": "unit1"}).status == 201
    assert chief.send("POST", f"violations/{one}/dispatches", {"unit": "unit1"}).status == 409
    assert answer("done").status == 409
    assert answer("accepted").status == 201
    assert answer("accepted").status == 200  # sent again by a phone that heard nothing
    assert answer("on_site").status == 201
    assert answer("done", "talked to").json["state"] == "done"
    [dispatch] = chief.ok("dispatches", open="false")["dispatches"]
    assert chief.ok("dispatches")["dispatches"] == []
    assert [a["answer"] for a in dispatch["answers"]] == ["accepted", "on_site", "done"]
    assert dispatch["sent_by"] == "web:chief" and dispatch["answers"][2]["note"] == "talked to"
    clock = {c["stage"]: c for c in chief.ok(f"violations/{one}")["violation"]["clock"]}
    assert all(c["met_at"] for c in clock.values())
    assert clock["signed"]["due_at"] < clock["responded"]["due_at"] < clock["feedback"]["due_at"]
    stages = {s["stage"]: s for s in chief.ok("kpis/response", from_="2020-01-01T00:00:00Z")["stages"]}
    assert [(s["n_met"], s["n_waiting"]) for s in stages.values()] == [(1, 5)] * 3
    inbox = unit.ok("field/inbox", after=0)
    assert [i["why"] for i in inbox["items"]] == ["assigned"] * 4
    assert unit.ok("field/inbox", after=inbox["cursor"])["items"] == []


def test_evidence_is_verified_here_and_now(gate):
    client, one = gate.client("chief"), str(gate.store.ids[2])
    record = client.ok(f"violations/{one}")
    assert record["signature"]["verified"] is True and record["record"]["id"] == one
    assert {f["name"] for f in record["files"]} >= {"still-1.jpg", "clip.mp4"}
    assert all(f["is_present"] for f in record["files"])
    gate.store.alter("UPDATE violation SET speed_kmh = 1 WHERE id = %(id)s")
    signature = client.ok(f"violations/{one}")["signature"]
    assert signature["verified"] is False and "speed_kmh" in signature["reason"]
    gate.store.alter("UPDATE violation SET signature = reverse(signature) WHERE id = %(id)s")
    signature = client.ok(f"violations/{one}")["signature"]
    assert signature["verified"] is False and "signature" in signature["reason"]


def test_reviews_go_step_by_step(gate):
    client, one = gate.client("chief"), str(gate.store.ids[3])

    def decide(**body):
        return client.send("POST", f"violations/{one}/reviews", body)
    assert client.ok(f"violations/{one}")["next_steps"] == ["confirmed", "rejected", "unclear"]
    assert decide(verdict="issued").status == 409
    assert decide(verdict="rejected").status in (409, 422)
    assert decide(verdict="guilty").json["field"] == "verdict"
    made = decide(verdict="confirmed", plate="粤B·12345")
    assert made.status == 201 and made.json["reviewer"] == "web:chief" and made.json["plate"] == "粤B12345"
    record = client.ok(f"violations/{one}")
    assert record["next_steps"] == ["issued", "rejected"] and len(record["reviews"]) == 1
    assert ids(client.ok("violations", review="confirmed")) == {one}
    assert ids(client.ok("violations", plate="粤b 12345")) == {one}
    seen = gate.client("analyst").ok(f"violations/{one}")
    assert (seen["record"], seen["files"], seen["signature"]["verified"]) == (None, [], None)
    assert seen["reviews"][0]["reviewer"] is None and seen["violation"]["still"] is None


def test_reading_is_noted(gate):
    one = str(gate.store.ids[3])
    client = gate.client("futian")
    client.ok(f"violations/{one}")
    client.get(f"violations/{one}/files/clip.mp4", headers={"Range": "bytes=0-9"})
    client.ok("violations", kind="speeding")
    lines = gate.client("boss").ok("access", who="web:futian")["lines"]
    assert [(line["action"], line["violation"]) for line in lines[:3]] == [
        ("query", None), ("file", one), ("evidence", one)]
    assert lines[1]["detail"] == "clip.mp4 bytes=0-9" and lines[0]["detail"].startswith("speeding")
    assert [line["action"] for line in gate.client("boss").ok("access", violation=one)["lines"]] == [
        "file", "evidence"]


def test_files_by_ranges(gate):
    client, one = gate.client("chief"), str(gate.store.ids[3])
    path = f"violations/{one}/files/clip.mp4"
    whole = client.get(path)
    assert whole.status == 200 and whole.headers["Accept-Ranges"] == "bytes"
    tag, size = whole.headers["ETag"], len(whole.bytes)

    def part(text, **headers):
        return client.get(path, headers={"Range": text, **headers})
    for text, expected in (("bytes=0-9", whole.bytes[:10]), ("bytes=5-", whole.bytes[5:]),
                           ("bytes=-7", whole.bytes[-7:]), (f"bytes=3-{size + 9}", whole.bytes[3:])):
        answer = part(text)
        assert (answer.status, answer.bytes) == (206, expected), text
        first = size - len(expected) if not text.startswith("bytes=0") else 0
        assert answer.headers["Content-Range"] == f"bytes {first}-{first + len(expected) - 1}/{size}"
    for text in ("bytes=0-1,3-4", "bytes=9-3", "lines=1-2", "bytes=x-"):
        assert part(text).status == 200, text
    answer = part(f"bytes={size}-")
    assert (answer.status, answer.headers["Content-Range"]) == (416, f"bytes */{size}")
    assert client.get(path, headers={"If-None-Match": tag}).status == 304
    assert part("bytes=0-9", **{"If-Range": tag}).status == 206
    assert part("bytes=0-9", **{"If-Range": '"other"'}).status == 200
    for name in ("..%2F..%2Fetc%2Fpasswd", "nothing.jpg", "record.json%00.jpg"):
        assert client.get(f"violations/{one}/files/{name}").status in (400, 404), name
    head = client.request("HEAD", "/api/v1/" + path)
    assert head.status == 200 and head.bytes == b"" and int(head.headers["Content-Length"]) == size


def test_etags_and_gzip(gate):
    client = gate.client("chief")
    plain = client.get("violations")
    packed = client.get("violations", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip" and packed.json == plain.json
    assert len(packed.raw) < len(plain.raw) / 2
    assert client.get("violations", headers={"Accept-Encoding": "gzip;q=0"}).headers["Content-Encoding"] is None
    again = client.get("violations", headers={"If-None-Match": plain.headers["ETag"]})
    assert (again.status, again.raw) == (304, b"")
    one = plain.json["violations"][0]["id"]
    assert client.send("POST", f"violations/{one}/reviews", {"verdict": "confirmed"}).status == 201
    assert client.get("violations", headers={"If-None-Match": plain.headers["ETag"]}).status == 200


def test_history_page_by_page(gate):
    client = gate.client("chief")
    for query in ({}, {"order": "asc"}, {"sort": "speed"}, {"sort": "level", "order": "asc"},
                  {"sort": "speed", "order": "asc"}, {"sort": "level"}):
        whole = client.ok("violations", limit=100, **query)
        assert whole["next"] is None
        rows, after = [], {}
        while after is not None:
            page = client.ok("violations", limit=1, **query, **after)
            rows += page["violations"]
            after = {"after": page["next"]} if page["next"] else None
        assert [r["id"] for r in rows] == [r["id"] for r in whole["violations"]], query
        key = {"speed": "speed_kmh", "level": "lafmax_db"}.get(query.get("sort"), "occurred_at")
        values = [r[key] for r in rows]
        assert len(values) >= 3 and values == sorted(values, reverse=query.get("order") != "asc")
    assert client.get("violations", after="nonsense").json["field"] == "after"
    assert ids(client.ok("violations", kind="speeding")) | ids(
        client.ok("violations", kind="modified_exhaust")) == set(map(str, gate.store.ids))
    some = client.ok("violations", kind="modified_exhaust", min_level=0, severity="serious")
    assert all(v["kind"] == "modified_exhaust" and v["severity"] == "serious" for v in some["violations"])
    lines = client.get("export", format="json").bytes.decode().splitlines()
    assert len(lines) == len(gate.store.ids)


@pytest.mark.parametrize("query, field", [
    ({"kind": "murder"}, "kind"), ({"from_": "yesterday"}, "from"), ({"limit": "0"}, "limit"),
    ({"limit": "1e3"}, "limit"), ({"min_speed": "nan"}, "min_speed"), ({"colour": "red"}, "colour"),
    ({"road": "a\x01b"}, "road"), ({"camera": "c" * 65}, "camera"), ({"from_": "2026-02-30T00:00:00Z"}, "from")])
def test_wrong_parameters_are_named(gate, query, field):
    answer = gate.client("chief").get("violations", **query)
    assert (answer.status, answer.json["error"], answer.json["field"]) == (422, "invalid", field)


def test_what_is_refused(gate):
    client, one = gate.client("chief"), str(gate.store.ids[3])
    path = f"violations/{one}/reviews"
    decision = {"verdict": "confirmed"}

    def refused(status, code, **request):
        answer = client.request("POST", "/api/v1/" + path, **request)
        assert (answer.status, answer.json["error"]) == (status, code), answer
    refused(403, "cross_site", body=decision, headers={"X-CSRF-Token": None})
    refused(403, "cross_site", body=decision, headers={"X-CSRF-Token": "A" * 43})
    refused(403, "cross_site", body=decision, headers={"Origin": "https://evil.example"})
    refused(403, "cross_site", body=decision, headers={"Sec-Fetch-Site": "cross-site"})
    refused(403, "cross_site", body=decision, headers={"Sec-Fetch-Site": "same-site"})
    refused(413, "too_large", body={"verdict": "confirmed", "reason": "x" * 70000})
    refused(415, "media_type", raw=b'{"verdict": "confirmed"}')
    refused(415, "media_type", raw=b"verdict=confirmed",
            headers={"Content-Type": "application/x-www-form-urlencoded"})
    refused(400, "malformed", raw=b"{", headers={"Content-Type": "application/json"})
    refused(400, "malformed", raw=b'["confirmed"]', headers={"Content-Type": "application/json"})
    refused(400, "malformed", raw=b'{"verdict": "confirmed", "verdict": "rejected"}',
            headers={"Content-Type": "application/json"})
    refused(422, "invalid", body={})
    refused(422, "invalid", body={"verdict": "confirmed", "reviewer": "somebody"})
    refused(422, "invalid", body={"verdict": 1})
    assert client.ok(f"violations/{one}")["reviews"] == []
    own = {"Origin": f"http://127.0.0.1:{gate.port}", "Sec-Fetch-Site": "same-origin"}
    assert client.send("POST", path, decision, headers=own).status == 201
    assert client.get("me", headers={"Sec-Fetch-Site": "cross-site"}).status == 403
    assert client.request("GET", "/api/v1/" + "x" * 3000).status == 414
    stranger = gate.client()
    login = {"login": "chief", "password": gates.PASSWORD}
    assert stranger.send("POST", "login", login, headers={"Origin": "https://evil.example"}).status == 403


def test_a_body_in_chunks_is_limited_too(gate):
    """Without a Content-Length its end is not known before."""
    import http.client
    client = gate.client("chief")
    connection = http.client.HTTPConnection("127.0.0.1", gate.port, timeout=20)
    connection.request("POST", f"/api/v1/violations/{gate.store.ids[3]}/reviews",
                       iter([b"x" * 10000] * 10), encode_chunked=True,
                       headers={"Content-Type": "application/json", "Transfer-Encoding": "chunked",
                                "Cookie": f"citybrain_session={client.cookie}", "X-CSRF-Token": client.csrf})
    assert connection.getresponse().status == 413
    connection.close()


def test_sessions_outlive_a_restart(gate):
    client = gate.client("chief")
    assert gate.stop() == 0
    gate.start()
    assert client.ok("me")["login"] == "chief"
    one = gate.store.ids[3]
    assert client.send("POST", f"violations/{one}/reviews", {"verdict": "confirmed"}).status == 201
    assert client.send("POST", "logout").status == 204
    gate.stop()
    gate.start()
    assert client.get("me").status == 401


def test_a_change_of_the_user_ends_the_session(gate):
    clients = [gate.client("chief"), gate.client("futian")]
    assert gates.harness.citybrain("user", "disable", "chief", "--db", gate.store.db).returncode == 0
    assert gates.harness.citybrain("user", "set", "futian", "--district", "南山", "--db",
                                   gate.store.db).returncode == 0
    assert [c.get("me").status for c in clients] == [401, 401]
    assert gate.client().login("chief").status == 401
    assert len(ids(gate.client("futian").ok("violations"))) == 2


def test_failed_logins_lock_out_also_over_a_restart(gate):
    client = gate.client()
    for _ in range(10):
        assert client.login("chief", "wrong password").status == 401
    locked = client.login("chief")
    assert locked.status == 429 and 1 <= int(locked.headers["Retry-After"]) <= 900
    gate.stop()
    gate.start()
    assert client.login("chief").status == 429
    assert client.login("futian").status == 200


def test_a_session_that_asks_too_often_is_slowed(gate):
    client = gate.client("chief")
    statuses = [client.get("nothing").status for _ in range(3)]
    assert statuses == [404] * 3  # what is no operation costs nothing
    statuses = [client.get("me").status for _ in range(400)]
    assert statuses[:100] == [200] * 100 and 429 in statuses
    assert gate.client("futian").get("me").status == 200


def test_the_database_is_away_and_comes_back(gate):
    """The gateway's own login is locked out and its connections ended."""
    client, name = gate.client("chief"), f"gateway_{gate.store.name}"
    import psycopg
    with psycopg.connect(gate.store.db, autocommit=True) as db:
        db.execute(f"ALTER ROLE {name} NOLOGIN")
        db.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", [name])
        answer = client.get("me")
        assert (answer.status, answer.json["error"]) == (503, "unavailable")
        assert "degraded" in gates.harness.wait_for(
            "degraded", lambda: t if "degraded" in (t := client.request("GET", "/healthz").bytes.decode()) else None)
        db.execute(f"ALTER ROLE {name} LOGIN")
    assert gates.harness.wait_for("an answer", lambda: client.get("me").status == 200)


def test_the_gateways_login_itself_sees_no_list(gate):
    """Without a user its own connection reads for the stream alone; functions of others are closed."""
    import psycopg
    with psycopg.connect(gate.store.postgres.conninfo(gate.store.name, f"gateway_{gate.store.name}"),
                         autocommit=True) as db:
        for sql in ("SELECT * FROM violation_history", "SELECT password_hash FROM web_user",
                    "INSERT INTO review (violation_id, verdict) VALUES (gen_random_uuid(), 'confirmed')",
                    "SELECT * FROM access_log", "DELETE FROM event", "SELECT * FROM login_attempt"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                db.execute(sql)
    # a login of the database that says it is somebody stays itself
    analyst = gate.store.login("liar", "citybrain_analyst")
    with psycopg.connect(analyst, autocommit=True) as db:
        db.execute("SELECT set_config('citybrain.user', 'chief', false)")
        assert db.execute("SELECT count(*) FROM violation_history").fetchall() == [(0,)]
        assert db.execute("SELECT citybrain_who()").fetchall() == [(f"liar_{gate.store.name}",)]
