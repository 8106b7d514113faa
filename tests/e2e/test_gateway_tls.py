"""The gateway by TLS of its own, and behind a proxy that has it."""
import socket
import ssl
import subprocess

import pytest

import harness
from gateway import Gateway


def make_certificate(folder):
    """(certificate, key) of 127.0.0.1, signed by itself."""
    folder.mkdir()
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                    "-nodes", "-days", "2", "-subj", "/CN=gateway", "-addext", "subjectAltName=IP:127.0.0.1",
                    "-keyout", folder / "tls.key", "-out", folder / "tls.crt"], check=True, capture_output=True)
    return folder / "tls.crt", folder / "tls.key"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("tls") / "own")


@pytest.fixture
def make(peopled_store, tmp_path):
    """make(**parts): a running gateway of this configuration."""
    made = []

    def start(**parts):
        made.append(Gateway(peopled_store.copy(tmp_path), tmp_path, **parts).start())
        return made[-1]
    yield start
    assert [g.stop() for g in made] == [0] * len(made)


def test_tls(make, certificate):
    gate = make(tls_certificate=str(certificate[0]), tls_key=str(certificate[1]))
    gate.tls = ssl.create_default_context(cafile=str(certificate[0]))
    client = gate.client()
    answer = client.login("chief")
    assert answer.status == 200 and "; Secure" in answer.headers["Set-Cookie"]
    assert len(client.ok("violations")["violations"]) == 6
    record = client.get(f"violations/{gate.store.ids[3]}/files/record.json")
    assert record.status == 200 and record.headers["Strict-Transport-Security"]
    events = client.events(after=0)
    assert events.next(kinds={"alert"})
    events.close()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_old_tls_is_refused(make, certificate, version):
    gate = make(tls_certificate=str(certificate[0]), tls_key=str(certificate[1]))
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.load_verify_locations(certificate[0])
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = old.maximum_version = version
    with socket.create_connection(("127.0.0.1", gate.port), 10) as s, pytest.raises(ssl.SSLError):
        old.wrap_socket(s, server_hostname="127.0.0.1")


def test_no_answer_without_tls(make, certificate):
    gate = make(tls_certificate=str(certificate[0]), tls_key=str(certificate[1]))
    with socket.create_connection(("127.0.0.1", gate.port), 10) as s:
        s.sendall(b"GET /api/v1/me HTTP/1.0\r\n\r\n")
        assert b"HTTP/1" not in s.recv(1000)


@pytest.mark.parametrize("parts, words", [
    ({"tls_certificate": "{crt}"}, "expected both or none"),
    ({"tls_certificate": "{crt}", "tls_key": "/nowhere.key"}, "/nowhere.key"),
    ({"tls_certificate": "{crt}", "tls_key": "{crt}"}, "{crt}: expected a secret key as PEM"),
    ({"tls_certificate": "{key}", "tls_key": "{key}"}, "{key}: expected a certificate as PEM"),
    ({"tls_certificate": "{crt}", "tls_key": "{other}"}, "{other}: is not the key of the certificate {crt}"),
])
def test_wrong_files_are_named(peopled_store, tmp_path, certificate, parts, words):
    store = peopled_store.copy(tmp_path)
    other = make_certificate(tmp_path / "other")[1]
    names = {"crt": certificate[0], "key": certificate[1], "other": other}
    parts = {k: v.format(**names) for k, v in parts.items()}
    with pytest.raises(RuntimeError) as refused:
        Gateway(store, tmp_path, **parts).start()
    assert words.format(**names) in str(refused.value)


def test_behind_a_proxy(make):
    """Cookies are for TLS alone, and who fails to log in is who the proxy says, the last word being its own."""
    gate = make(behind_proxy=True)
    client = gate.client()
    answer = client.send("POST", "login", {"login": "chief", "password": "wrong"},
                         headers={"X-Forwarded-For": "198.51.100.7, 203.0.113.9"})
    assert answer.status == 401
    assert gate.store.query("SELECT address FROM login_attempt") == [("203.0.113.9",)]
    assert "; Secure" in client.login("chief").headers["Set-Cookie"]


def test_nobody_without_a_proxy_says_who_he_is(make):
    gate = make()
    gate.client().send("POST", "login", {"login": "chief", "password": "wrong"},
                       headers={"X-Forwarded-For": "203.0.113.9"})
    assert gate.store.query("SELECT address FROM login_attempt") == [("127.0.0.1",)]
