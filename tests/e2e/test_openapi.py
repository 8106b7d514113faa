"""schema/openapi.yaml and the server are the same thing: every operation is called as each role, every
answer is validated by the file, and the server has no route that is not in it."""
import re

import jsonschema
import pytest

import gateway as gates
from gateway import OPENAPI, OPERATIONS, resolved, validate
from push_service import configuration

OF_ROLE = {"command": "chief", "analyst": "analyst", "field": "unit1", "technician": "tech",
           "admin": "boss"}


@pytest.fixture
def gate(peopled_store, tmp_path):
    """With all that can be configured, so that no operation is missing."""
    gate = gates.Gateway(peopled_store.copy(tmp_path), tmp_path,
                         **configuration(tmp_path, "https://push.example")).start()
    yield gate
    assert gate.stop() == 0, gate.log.read_text()[-3000:]


def test_the_file_is_an_openapi_document():
    assert OPENAPI["openapi"].startswith("3.1")
    names = [o["operationId"] for _, _, o in OPERATIONS]
    assert len(set(names)) == len(names)
    for _, _, operation in OPERATIONS:
        for response in resolved(operation["responses"]).values():
            for media in response.get("content", {}).values():
                jsonschema.Draft202012Validator.check_schema(media["schema"])


def fill(path, store, name):
    return (path.replace("{id}", str(store.ids[3])).replace("{name}", name)
            .replace("{search}", "fast").replace("{page}", "index.html"))


def call(client, method, path, operation, store, name="record.json"):
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example")
    if body and "violation" in body:
        body = {**body, "violation": str(store.ids[3])}
    if body and "unit" in body:
        body = {**body, "unit": "unit1"}
    query = {p["name"]: p["example"] for p in resolved(operation.get("parameters", []))
             if p["in"] == "query" and "example" in p}
    return client.request(method.upper(), fill(path, store, name), body, **query)


@pytest.mark.parametrize("role", OF_ROLE)
def test_every_operation(gate, role):
    """Each role calls each operation: who may is answered as described, who may not with 403."""
    chief = gate.client("chief")
    assert chief.send("POST", f"violations/{gate.store.ids[3]}/dispatches", {"unit": "unit1"}).status == 201
    client = gate.client(OF_ROLE[role])
    wrong = []
    order = {"login": 1, "deleteSearch": 1, "logout": 3, "getEvents": 2}
    for method, path, operation in sorted(OPERATIONS, key=lambda o: order.get(o[2]["operationId"], 0)):
        if operation["operationId"] in ("getEvents", "login"):
            continue  # test_events, test_gateway
        answer = call(client, method, path, operation, gate.store)
        roles = operation.get("x-roles")
        if roles is None:
            is_right = answer.status in (200, 404)
        elif role in roles:
            is_right = answer.status < 400 or answer.status == 409
        else:
            is_right = (answer.status, answer.json["error"]) == (403, "forbidden")
        if not is_right:
            wrong.append((method, path, answer))
        else:
            validate(operation, answer)
    assert not wrong, gate.log.read_text()[-3000:]


def test_nobody_may_anything(gate):
    stranger = gate.client()
    for method, path, operation in OPERATIONS:
        if operation.get("security") == []:
            continue
        answer = call(stranger, method, path, operation, gate.store)
        validate(operation, answer)
        assert (answer.status, answer.json["error"]) == (401, "unauthenticated"), (method, path)


def routes_of_the_server():
    """(method, path) of the table that the server matches by."""
    source = (gates.harness.ROOT / "daemon/gateway/routes.c").read_text()
    rows = source[source.index("struct cb_route routes[]"):source.index("const struct cb_route *cb_route_find")]
    found = set(re.findall(r'\{"(\w+)", V1 "([^"]+)"', rows))
    found |= {("GET", p) for p in re.findall(r'(?:ASK|CALL)\("([^"]+)"', rows)}
    found |= set(re.findall(r'DO\("(\w+)", "([^"]+)"', rows))
    return {(m, "/api/v1/" + p) for m, p in found}


def test_no_route_is_outside_the_file(gate):
    described = {(m.upper(), p) for m, p, _ in OPERATIONS if p.startswith("/api/")}
    assert routes_of_the_server() == described
    client = gate.client("boss")
    for path in ("/api", "/api/", "/api/v1", "/api/v1/", "/api/v2/me", "/api/v1/me/", "/api/v1/users",
                 "/api/v1/violations/x", "/api/v1/kpis"):
        answer = client.request("GET", path)
        assert (answer.status, answer.json["error"]) == (404, "not_found"), path
    for path in {p for _, p, _ in OPERATIONS if p.startswith("/api/")}:
        has = {m.upper() for m, p, _ in OPERATIONS if p == path}
        for method in {"GET", "POST", "PUT", "DELETE", "PATCH"} - has:
            answer = client.request(method, fill(path, gate.store, "clip.mp4"))
            assert answer.status == 405, (method, path, answer)
            assert set(answer.headers["Allow"].split(", ")) == has
