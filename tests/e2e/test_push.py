"""Web Push: what a unit is told when its page is closed, by a push service of the tests' own."""
import os
import subprocess
import time

import pytest

import gateway as gates
import harness
from gateway import Arrivals, Gateway
from push_service import Browser, PushService, configuration

BEAT = {"cameras": [], "radius_m": 0}


@pytest.fixture
def service():
    service = PushService()
    yield service
    service.stop()
    assert not service.wrong, service.wrong


@pytest.fixture
def gate(peopled_store, tmp_path, service):
    gate = Gateway(peopled_store.copy(tmp_path), tmp_path, **configuration(tmp_path, service.origin))
    gate.start()
    yield gate
    assert gate.stop() == 0, gate.log.read_text()[-3000:]


@pytest.fixture
def arrivals(gate, tmp_path, sockets):
    arrivals = Arrivals(gate.store, tmp_path, sockets)
    yield arrivals
    arrivals.stop()


def subscribe(gate, service, login="unit1", **more):
    """(client, browser) of a unit that looks after the road on which everything happens."""
    client, browser = gate.client(login), Browser(service)
    road = gate.store.query("SELECT road FROM violation LIMIT 1")[0][0]
    assert client.send("PUT", "field/beat", {**BEAT, "roads": [road]}).status == 200
    assert client.send("PUT", "field/push", browser.subscription(**more)).status == 204
    return client, browser


def test_what_is_near_and_what_it_is_sent_to(gate, service, arrivals):
    client, browser = subscribe(gate, service, language="en")
    chief = gate.client("chief")
    ids = arrivals.bring(2)
    told = service.wait(browser, 2)
    assert sorted(m["violation"] for m in told) == sorted(ids)
    inbox = {i["position"]: i for i in client.ok("field/inbox")["items"]}
    for m in told:
        item = inbox[m["position"]]
        v = item["violation"]
        assert (m["why"], m["language"], m["login"]) == ("nearby", "en", "unit1") == (item["why"], "en", "unit1")
        for name in ("kind", "severity", "camera_name", "road", "district", "direction", "bearing_deg",
                     "occurred_at", "limit_kmh", "still", "class"):
            assert m[name] == v[name], name
        assert abs(m["speed_kmh"] - v["speed_kmh"]) <= 0.05
        assert "plate" not in m
    assert service.keys == {client.ok("settings")["push_key"]}
    # sent to another one: at once, and by its own deadline
    other = str(gate.store.ids[3])
    at = time.monotonic()
    assert chief.send("POST", f"violations/{other}/dispatches", {"unit": "unit1"}).status == 201
    assigned = service.wait(browser, 3)[2]
    assert (assigned["why"], assigned["violation"]) == ("assigned", other)
    print(f"figure: from dispatch to push service {1000 * (time.monotonic() - at):.0f} ms")
    ttl = {m["why"]: int(h["TTL"]) for _, m, h in service.messages}
    assert 1500 < ttl["nearby"] <= 1800 and 172_000 < ttl["assigned"] <= 172_800
    # its own answers are no news to it
    assert client.send("POST", "field/answers", {"violation": other, "answer": "accepted"}).status == 201
    assert client.send("POST", "field/answers", {"violation": ids[0], "answer": "accepted"}).status == 201
    last = arrivals.bring(1)
    assert [m["violation"] for m in service.wait(browser, 4)[3:]] == last
    lines = gate.client("boss").ok("access", who="web:unit1")["lines"]
    assert {(line["violation"], line["detail"]) for line in lines if line["action"] == "push"} >= {
        (ids[0], "nearby"), (other, "assigned")}


def test_only_who_it_is_for(gate, service, arrivals):
    near, far = subscribe(gate, service), (gate.client("unit2"), Browser(service))
    assert far[0].send("PUT", "field/push", far[1].subscription()).status == 204  # near nothing
    arrivals.bring(2)
    service.wait(near[1], 2)
    assert gate.client("chief").send("POST", f"violations/{gate.store.ids[0]}/dispatches",
                                     {"unit": "unit2"}).status == 201  # in its 南山
    assert [m["violation"] for m in service.wait(far[1], 1)] == [str(gate.store.ids[0])]
    assert len(service.of(near[1])) == 2


def test_a_session_that_ends_is_told_no_more(gate, service, arrivals):
    gone, browser = subscribe(gate, service)
    stays, other = subscribe(gate, service)
    arrivals.bring(1)
    service.wait(browser, 1)
    service.wait(other, 1)
    assert gone.send("POST", "logout").status == 204
    arrivals.bring(1)
    service.wait(other, 2)
    assert stays.send("DELETE", "field/push").status == 204
    third, last = subscribe(gate, service)
    arrivals.bring(1)
    service.wait(last, 1)
    assert len(service.of(browser)) == 1 and len(service.of(other)) == 2
    # another password, another role, another district: all sessions are over
    done = harness.citybrain("user", "set", "unit1", "--password", "--db", gate.store.db,
                             input=gates.PASSWORD + "\n")
    assert done.returncode == 0, done.stderr
    assert gate.store.query("SELECT count(*) FROM push_subscription") == [(0,)]


def test_a_browser_that_comes_again_goes_on_where_it_was(gate, service, arrivals):
    """No push twice, none missed, whatever session it has; and another user of it begins anew."""
    _, browser = subscribe(gate, service)
    ids = arrivals.bring(2)
    service.wait(browser, 2)
    client = gate.client("unit1")
    for _ in range(2):
        assert client.send("PUT", "field/push", browser.subscription()).status == 204
    assert gate.store.query("SELECT count(*) FROM push_subscription") == [(1,)]
    ids += arrivals.bring(1)
    assert sorted(m["violation"] for m in service.wait(browser, 3)) == sorted(ids)
    far = gate.client("unit2")
    assert far.send("PUT", "field/push", browser.subscription()).status == 204
    assert gate.store.query("SELECT login FROM push_subscription") == [("unit2",)]
    _, other = subscribe(gate, service)
    arrivals.bring(1)
    service.wait(other, 1)
    assert len(service.of(browser)) == 3


def test_a_service_that_asks_for_time_gets_it(gate, service, arrivals):
    _, browser = subscribe(gate, service)
    service.answers = [(429, {"Retry-After": "3"}), (503, {}), (201, {})]
    ids = arrivals.bring(1)
    assert [m["violation"] for m in service.wait(browser, 1)] == ids
    first, second, third = [at for _, at in service.asked]
    assert second - first >= 3 and third - second >= 2
    assert 'citybrain_push_total{outcome="later"} 2' in gate.client().request("GET", "/metrics").bytes.decode()


def test_who_is_no_longer_subscribed_is_forgotten(gate, service, arrivals):
    _, browser = subscribe(gate, service)
    _, other = subscribe(gate, service)
    service.answers = [(410, {})]
    arrivals.bring(2)
    harness.wait_for("one that is left", lambda: gate.store.query("SELECT count(*) FROM push_subscription") == [(1,)])
    harness.wait_for("two to one of them", lambda: 2 in (len(service.of(browser)), len(service.of(other))))


def test_what_was_not_taken_is_sent_after_a_restart(gate, service, arrivals):
    """The gateway is away, and then the service is."""
    _, browser = subscribe(gate, service)
    gate.stop()
    ids = arrivals.bring(1)
    gate.start()
    service.wait(browser, 1)
    service.answers = [(503, {})] * 2
    ids += arrivals.bring(1)
    harness.wait_for("a refusal", lambda: len(service.asked) >= 2)
    gate.program.kill()
    gate.start()
    ids += arrivals.bring(1)
    # killed between sending and noting, what it had claimed is nobody's for a minute
    assert sorted(m["violation"] for m in service.wait(browser, 3, timeout_s=90)) == sorted(ids)


def test_what_is_on_its_way_at_the_end_is_handed_back(gate, service, arrivals):
    """A restart costs no unit the minute of its claim."""
    _, browser = subscribe(gate, service)
    service.answering.clear()
    ids = arrivals.bring(1)
    harness.wait_for("a request", service.came.is_set)
    assert gate.stop() == 0
    [(left_s, n_failed)] = gate.store.query(
        "SELECT extract(epoch FROM due_at - clock_timestamp())::float8, n_failed FROM push_subscription")
    assert left_s < 10 and n_failed == 1
    service.answering.set()
    gate.start()
    assert ids[0] in [m["violation"] for m in service.wait(browser, 1)]


def test_two_gateways_send_it_once(gate, service, arrivals, tmp_path):
    _, browser = subscribe(gate, service)
    (tmp_path / "other").mkdir()
    login = gate.store.postgres.conninfo(gate.store.name, f"gateway_{gate.store.name}")
    other = Gateway(gate.store, tmp_path / "other", conninfo=login,
                    **configuration(tmp_path, service.origin)).start()
    ids = [i for _ in range(5) for i in arrivals.bring(4)]
    assert sorted(m["violation"] for m in service.wait(browser, 20)) == sorted(ids)
    assert other.stop() == 0
    assert len(service.of(browser)) == 20


def test_old_news_is_no_news(gate, service, arrivals):
    """What the push service did not take for half an hour is of no use near by."""
    _, browser = subscribe(gate, service)
    service.answers = [(503, {})] * 1000
    arrivals.bring(1)
    harness.wait_for("a refusal", lambda: service.asked)
    gate.stop()
    gate.store.alter("UPDATE event SET at = at - interval '31 minutes'")
    service.answers = []
    gate.start()
    last = arrivals.bring(1)
    assert [m["violation"] for m in service.wait(browser, 1)] == last


@pytest.mark.parametrize("change, field", [
    ({"endpoint": "https://elsewhere.example/push/1"}, "endpoint"),
    ({"endpoint": "{origin}@elsewhere.example/push/1"}, "endpoint"),
    ({"endpoint": "{origin}"}, "endpoint"),
    ({"endpoint": "{origin}.example/push/1"}, "endpoint"),
    ({"endpoint": "file:///etc/passwd"}, "endpoint"),
    ({"endpoint": "{origin}/a b"}, "endpoint"),
    ({"p256dh": "AAAA"}, "p256dh"),
    ({"p256dh": "B" + "A" * 86}, "p256dh"),  # no point of the curve
    ({"auth": "AAAA"}, "auth"),
    ({"auth": None}, "auth"),
    ({"language": "fr"}, "language"),
])
def test_a_wrong_subscription_is_refused_by_name(gate, service, change, field):
    client, body = gate.client("unit1"), Browser(service).subscription()
    body.update({k: v and v.replace("{origin}", service.origin) for k, v in change.items()})
    body = {k: v for k, v in body.items() if v is not None}
    answer = client.send("PUT", "field/push", body)
    assert (answer.status, answer.json["field"]) == (422, field), answer
    assert gate.store.query("SELECT count(*) FROM push_subscription") == [(0,)]


def test_without_it(peopled_store, tmp_path, service):
    gate = Gateway(peopled_store.copy(tmp_path), tmp_path).start()
    client = gate.client("unit1")
    assert client.ok("settings")["push_key"] is None
    assert client.send("PUT", "field/push", Browser(service).subscription()).status == 404
    assert gate.stop() == 0


@pytest.mark.parametrize("parts, words", [
    ({"push_key": None}, "gateway.push_key"),
    ({"push_services": None}, "gateway.push_services"),
    ({"push_contact": "ops@city.example"}, "gateway.push_contact"),
    ({"push_services": "http://push.example"}, "https://host"),
    ({"push_services": "https://push.example/path"}, "https://host"),
    ({"push_services": "https://*.com"}, "https://*.host"),
    ({"push_key": "/nowhere.pem"}, "/nowhere.pem"),
    ({"push_key": "rsa"}, "P-256"),
    ({"push_key": "open"}, "mode 0644"),
])
def test_a_wrong_configuration_is_refused_by_name(peopled_store, tmp_path, parts, words):
    made = configuration(tmp_path, "https://push.example")
    made.update(parts)
    if made["push_key"] == "rsa":
        subprocess.run(["openssl", "genrsa", "-out", tmp_path / "rsa.pem", "2048"], check=True, capture_output=True)
        os.chmod(tmp_path / "rsa.pem", 0o600)
        made["push_key"] = str(tmp_path / "rsa.pem")
    elif made["push_key"] == "open":
        made["push_key"] = str(tmp_path / "city.push.pem")
        os.chmod(made["push_key"], 0o644)
    gate = Gateway(peopled_store.copy(tmp_path), tmp_path, **{k: v for k, v in made.items() if v})
    program = harness.Program([harness.CITYBRAIND, "--config", gate.config, "--role", "gateway"], gate.log)
    assert program.process.wait(30) != 0
    assert words in gate.log.read_text()


def test_a_key_is_never_overwritten(tmp_path):
    configuration(tmp_path, "https://push.example")
    before = (tmp_path / "city.push.pem").read_bytes()
    done = harness.citybrain("keygen", "--out", tmp_path / "city", "--push")
    assert done.returncode == 1 and "never overwritten" in done.stderr
    assert (tmp_path / "city.push.pem").read_bytes() == before
    assert os.stat(tmp_path / "city.push.pem").st_mode & 0o777 == 0o600
