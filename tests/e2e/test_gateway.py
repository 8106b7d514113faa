"""The gateway over a real store: logins, rights, evidence, decisions, what it refuses."""
import pytest

import gateway as gates
from gateway import Gateway


@pytest.fixture
def gate(store, tmp_path):
    """The first two violations lie in 南山, the others in 福田; a user of each role."""
    store.alter("UPDATE violation SET district = '南山' WHERE sequence <= 2",
                "UPDATE violation_id SET district = '南山' WHERE id IN"
                " (SELECT id FROM violation WHERE sequence <= 2)",
                "UPDATE violation SET district = '福田' WHERE sequence > 2",
                "UPDATE violation_id SET district = '福田' WHERE id IN"
                " (SELECT id FROM violation WHERE sequence > 2)",
                "UPDATE event e SET district = i.district FROM violation_id i WHERE i.id = e.violation_id")
    for login, (role, districts) in gates.LOGINS.items():
        gates.add_user(store.db, login, role, districts)
    gate = Gateway(store, tmp_path).start()
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
