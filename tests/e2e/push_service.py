"""A push service and browsers of the tests' own. They take messages apart by RFC 8291 and 8188 and check
RFC 8292 with python3-cryptography, which shares nothing with the product but the standards."""
import base64
import http.server
import json
import threading
import time

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import harness


def to_base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64url(text):
    assert "=" not in text, "padding is not sent"
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def point(public_key):
    return public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def hkdf(salt, key, info, length):
    return HKDF(hashes.SHA256(), length, salt, info).derive(key)


class Browser:
    """What a browser keeps of its subscription."""
    numbers = iter(range(1, 10**6))

    def __init__(self, service):
        self.key, self.auth = ec.generate_private_key(ec.SECP256R1()), b"0123456789abcdef"
        self.path = f"/push/{next(self.numbers)}"
        self.endpoint = service.origin + self.path
        self.public = point(self.key.public_key())
        service.browsers[self.path] = self

    def subscription(self, **more):
        return {"endpoint": self.endpoint, "p256dh": to_base64url(self.public),
                "auth": to_base64url(self.auth), **more}

    def decrypt(self, body):
        salt, size, n_name = body[:16], int.from_bytes(body[16:20], "big"), body[20]
        name, record = body[21:21 + n_name], body[21 + n_name:]
        assert size >= 18 and len(record) <= size and len(body) <= 4096
        sender = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), name)
        shared = self.key.exchange(ec.ECDH(), sender)
        ikm = hkdf(self.auth, shared, b"WebPush: info\0" + self.public + name, 32)
        content_key = hkdf(salt, ikm, b"Content-Encoding: aes128gcm\0", 16)
        nonce = hkdf(salt, ikm, b"Content-Encoding: nonce\0", 12)
        text = AESGCM(content_key).decrypt(nonce, record, None).rstrip(b"\0")
        assert text[-1:] == b"\x02", "the last record's delimiter"
        return json.loads(text[:-1])


def check_vapid(header, origin):
    """Its public key, base64url; a proof that RFC 8292 would not take fails."""
    scheme, _, rest = header.partition(" ")
    words = dict(w.strip().split("=", 1) for w in rest.split(","))
    signed, _, signature = words["t"].rpartition(".")
    head, claims = (json.loads(from_base64url(w)) for w in signed.split("."))
    assert (scheme, head) == ("vapid", {"typ": "JWT", "alg": "ES256"})
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), from_base64url(words["k"]))
    raw = from_base64url(signature)
    assert len(raw) == 64
    der = utils.encode_dss_signature(*(int.from_bytes(h, "big") for h in (raw[:32], raw[32:])))
    key.verify(der, signed.encode(), ec.ECDSA(hashes.SHA256()))
    assert claims["aud"] == origin and claims["sub"].startswith("mailto:")
    assert 0 < claims["exp"] - time.time() <= 24 * 3600
    return words["k"]


class PushService:
    def __init__(self):
        self.browsers, self.messages, self.answers, self.asked, self.wrong = {}, [], [], [], []
        self.keys, self.lock = set(), threading.Lock()
        self.answering = threading.Event()  # cleared: a request waits
        self.answering.set()
        self.came = threading.Event()
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                service.came.set()
                service.answering.wait()
                status, headers = service.take(self.path, self.headers, body)
                self.send_response(status)
                for name, value in {"Content-Length": "0", **headers}.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.origin = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, path, headers, body):
        """(status, headers); a message counts when it is taken."""
        with self.lock:
            self.asked.append((path, time.monotonic()))
            status, more = self.answers.pop(0) if self.answers else (201, {"Location": "/m/1"})
            try:
                message = self.read(path, headers, body)
            except Exception as e:  # noqa: BLE001  (told by the test, which has another thread)
                self.wrong.append(repr(e))
                return 400, {}
            if status == 201:
                self.messages.append((self.browsers[path], message, dict(headers)))
            return status, more

    def read(self, path, headers, body):
        self.keys.add(check_vapid(headers["Authorization"], self.origin))
        assert headers["Content-Encoding"] == "aes128gcm" and headers["Urgency"] == "high"
        assert int(headers["TTL"]) > 0 and len(from_base64url(headers["Topic"])) <= 24
        message = self.browsers[path].decrypt(body)
        assert headers["Topic"] == message["violation"].replace("-", "")
        return message

    def of(self, browser):
        with self.lock:
            return [m for b, m, _ in self.messages if b is browser]

    def wait(self, browser, count, timeout_s=60.0):
        harness.wait_for(f"{count} pushes", lambda: len(self.of(browser)) >= count or self.wrong, timeout_s)
        assert not self.wrong, self.wrong
        return self.of(browser)

    def stop(self):
        self.answering.set()
        self.server.shutdown()
        self.server.server_close()


def configuration(folder, origin):
    """The gateway's keys of Web Push."""
    if not (folder / "city.push.pem").exists():
        done = harness.citybrain("keygen", "--out", folder / "city", "--push")
        assert done.returncode == 0, done.stderr
    return {"push_services": origin, "push_key": str(folder / "city.push.pem"),
            "push_contact": "mailto:ops@city.example"}
