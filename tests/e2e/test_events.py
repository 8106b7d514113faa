"""Server-sent events: nothing missed, nothing twice, nothing of other districts; over cut connections,
restarts and two gateways."""
import re
import socket
import time

import psycopg
import pytest

import gateway as gates
import harness
from gateway import Arrivals, Gateway
from test_gateway import gate  # noqa: F401  (a fixture)


@pytest.fixture
def arrivals(gate, tmp_path, sockets):  # noqa: F811
    arrivals = Arrivals(gate.store, tmp_path, sockets)
    yield arrivals
    arrivals.stop()


def take(events, count, kinds=("alert",)):
    return [events.next(kinds=kinds) for _ in range(count)]


def alerts_of(seen):
    return [data["id"] for _, kind, data in seen if kind == "alert"]


def test_alerts_as_they_come_and_after_a_cut(gate, arrivals):  # noqa: F811
    client = gate.client("chief")
    first = client.ok("alerts")
    assert len(first["violations"]) == 6
    events = client.events(after=first["cursor"])
    ids = arrivals.bring(3)
    seen = take(events, 3)
    assert set(alerts_of(seen)) == set(ids)
    places = [place for place, _, _ in seen]
    assert places == sorted(set(places)) and places[0] > first["cursor"]
    assert seen[0][2]["still"] == "still-1.jpg" and seen[0][2]["clock"][0]["met_at"] is None
    events.close()  # cut
    missed = arrivals.bring(4)
    again = client.events(last_event_id=events.last)
    assert set(alerts_of(take(again, 4))) == set(missed)
    later = arrivals.bring(2)
    assert set(alerts_of(take(again, 2))) == set(later)
    again.close()
    # who comes with the first cursor is told all of it, once
    whole = client.events(after=first["cursor"])
    assert alerts_of(take(whole, 9)) == alerts_of(events.seen) + alerts_of(again.seen)
    assert whole.queue.empty()
    whole.close()


def test_over_a_restart_and_from_another_gateway(gate, arrivals, tmp_path):  # noqa: F811
    client = gate.client("chief")
    events = client.events(after=client.ok("alerts")["cursor"])
    ids = list(arrivals.bring(2))
    take(events, 2)
    gate.stop()
    assert events.next() is None
    ids += arrivals.bring(2)
    gate.start()
    events2 = client.events(last_event_id=events.last)
    take(events2, 2)
    (tmp_path / "other").mkdir()
    login = gate.store.postgres.conninfo(gate.store.name, f"gateway_{gate.store.name}")
    other = Gateway(gate.store, tmp_path / "other", conninfo=login).start()
    ids += arrivals.bring(2)
    there = gates.Client(other)
    there.cookie = client.cookie  # the session is the store's
    events3 = there.events(last_event_id=events2.last)
    take(events3, 2)
    take(events2, 2)
    assert alerts_of(events3.seen) == alerts_of(events2.seen)[2:]
    assert sorted(alerts_of(events.seen) + alerts_of(events2.seen)) == sorted(ids)
    events2.close()
    events3.close()
    assert other.stop() == 0


def test_districts_and_roles(gate, arrivals):  # noqa: F811
    """What goes out live is what row security gives to the same user afterwards."""
    names = ["chief", "futian", "nanshan", "analyst", "boss", "unit1", "unit2", "tech"]
    clients = {n: gate.client(n) for n in names}
    start = clients["chief"].ok("alerts")["cursor"]
    clients["unit1"].send("PUT", "field/beat", {"roads": ["深南大道"], "cameras": [], "radius_m": 0})
    clients["unit2"].send("PUT", "field/beat", {"roads": ["深南大道"], "cameras": [], "radius_m": 0})
    live = {n: c.events(after=start) for n, c in clients.items()}
    [one] = arrivals.bring(1)
    events = {n: [] for n in names}
    events["futian"].append(live["futian"].next(kinds=["alert"]))
    events["unit1"].append(live["unit1"].next())
    assert events["unit1"][0][1] == "nearby" and events["unit1"][0][2]["violation"]["id"] == one
    assert clients["futian"].send("POST", f"violations/{one}/reviews",
                                  {"verdict": "confirmed", "reason": "seen"}).status == 201
    assert clients["futian"].send("POST", f"violations/{one}/dispatches", {"unit": "unit1"}).status == 201
    for n in ("chief", "futian", "analyst", "boss"):
        while not events[n] or events[n][-1][1] != "dispatch":
            events[n].append(live[n].next())
        assert [e[1] for e in events[n]] == ["alert", "review", "dispatch"], n
    events["unit1"].append(live["unit1"].next())
    assert events["unit1"][1][1] == "assigned"
    assert events["analyst"][0][2]["still"] is None and events["analyst"][1][2]["review"]["reason"] == ""
    assert events["futian"][1][2]["review"]["reviewer"] == "web:futian"
    for n in ("nanshan", "unit2", "tech"):
        assert live[n].queue.empty(), n
    for n in names:  # the same again from the store
        again = clients[n].events(after=start)
        assert [again.next()[:2] for _ in events[n]] == [e[:2] for e in events[n]], n
        again.close()
        live[n].close()


def test_a_unit_is_told_by_its_position(gate, arrivals):  # noqa: F811
    unit = gate.client("unit1")
    cursor = unit.ok("field/inbox")["cursor"]
    assert unit.send("PUT", "field/beat", {"roads": [], "cameras": [], "radius_m": 2000}).status == 200
    assert unit.send("PUT", "field/position", {"lat": 22.60, "lon": 114.056}).status == 204  # 6.6 km
    events = unit.events(after=cursor)
    arrivals.bring(1)
    harness.wait_for("who is near that one to be told", lambda: gate.store.query(
        "SELECT position = (SELECT max(position) FROM event) FROM event_spread") == [(True,)])
    assert unit.send("PUT", "field/position", {"lat": 22.55, "lon": 114.056}).status == 204  # 1 km
    [near] = arrivals.bring(1)
    place, kind, item = events.next()
    assert (kind, item["violation"]["id"], item["why"], item["position"]) == ("nearby", near, "nearby", place)
    inbox = unit.ok("field/inbox", after=cursor)
    assert [i["violation"]["id"] for i in inbox["items"]] == [near] and inbox["cursor"] >= place
    assert unit.send("POST", "field/answers", {"violation": near, "answer": "accepted"}).status == 201
    assert [k for _, k, _ in take(events, 2, kinds=None)] == ["assigned"] * 2
    assert unit.send("DELETE", "field/position").status == 204
    arrivals.bring(1)
    chief = gate.client("chief")
    [shown] = [u for u in chief.ok("units")["units"] if u["unit"] == "unit1"]
    assert shown["lat"] is None and shown["open_dispatches"] == 1
    assert events.queue.empty()
    events.close()


def test_a_position_that_is_no_longer_kept(gate):  # noqa: F811
    client = gate.client("chief")
    head = client.ok("alerts")["cursor"]
    gate.store.alter("UPDATE event SET at = now() - interval '8 days'")
    gate.store.query("SELECT citybrain_spread()")
    assert gate.store.query("SELECT citybrain_prune_events('7 days')") == [(6,)]
    assert client.ok("alerts")["cursor"] == head
    for after in (0, head + 100):
        events = client.events(after=after)
        assert events.next()[1:] == ("reset", {"cursor": head})
        events.close()
    events = client.events(after=head)
    events.close()


def test_an_ended_session_ends_its_streams(gate):  # noqa: F811
    client = gate.client("chief")
    events = client.events()
    assert client.send("POST", "logout").status == 204
    assert events.next(timeout_s=40) is None


def test_a_reader_that_stands_still_holds_up_nobody(gate, arrivals):  # noqa: F811
    """It does not read; the others do. It costs the ring, no more."""
    still = gate.client("chief")
    lazy = socket.socket()
    lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    lazy.connect(("127.0.0.1", gate.port))
    lazy.sendall(f"GET /api/v1/events?after=0 HTTP/1.1\r\nHost: x\r\nCookie: citybrain_session={still.cookie}"
                 "\r\n\r\n".encode())
    events = gate.client("futian").events()
    harness.wait_for("two streams", lambda: "citybrain_gateway_streams 2" in still.request(
        "GET", "/metrics").bytes.decode())
    for _ in range(3):
        ids = arrivals.bring(2)
        assert set(alerts_of(take(events, 2))) == set(ids)
    lazy.close()
    events.close()


def test_a_reader_that_is_too_slow_is_cut_off_and_goes_on_where_it_was(gate):  # noqa: F811
    """So much is told meanwhile that the ring has overtaken it: it is told so, and misses nothing."""
    client = gate.client("chief")
    cursor = client.ok("alerts")["cursor"]
    slow = gates.Events(client, after=cursor, is_reading=False)
    told = 12_000  # some 20 MB: neither the sockets' buffers nor the ring have room for it
    with psycopg.connect(gate.store.db, autocommit=True) as db:
        db.execute("SELECT count(citybrain_add_event('alert', %s, NULL, NULL, NULL)) FROM generate_series(1, %s)",
                   [gate.store.ids[3], told])
    head = client.ok("alerts")["cursor"]

    def is_told():
        text = client.request("GET", "/metrics").bytes.decode()
        return float(re.search(r"^citybrain_gateway_events_total (\S+)", text, re.M)[1]) >= told
    harness.wait_for("all events in the gateway", is_told)
    slow.read()
    places = [place for place, _, _ in slow.seen_all()]
    assert places == list(range(cursor + 1, places[-1] + 1)) and places[-1] < head
    assert "too slow and is cut off: login=chief" in gate.log.read_text()
    again = client.events(last_event_id=places[-1])
    assert [place for place, _, _ in take(again, head - places[-1])] == list(range(places[-1] + 1, head + 1))
    again.close()


def test_a_heartbeat_keeps_the_connection(gate):  # noqa: F811
    client = gate.client("chief")
    raw = socket.create_connection(("127.0.0.1", gate.port), timeout=40)
    raw.sendall(f"GET /api/v1/events HTTP/1.1\r\nHost: x\r\nCookie: citybrain_session={client.cookie}"
                "\r\n\r\n".encode())
    text, began = b"", time.monotonic()
    while b"\n:\n\n" not in text:
        data = raw.recv(4096)
        assert data and time.monotonic() - began < 40
        text += data
    raw.close()


def test_too_many_streams_of_one_session(gate):  # noqa: F811
    client = gate.client("chief")
    streams = [client.events() for _ in range(9)]
    assert [s.status for s in streams] == [200] * 8 + [429]
    for s in streams[:8]:
        s.close()
