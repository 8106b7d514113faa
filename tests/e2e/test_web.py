"""The pages in Debian's Chromium against a whole city: camera, daemon, PostgreSQL. web/tests/e2e holds
what is done there; here is the city, a connection that can be cut, and what is looked at afterwards."""
import http.server
import json
import re
import select
import shutil
import socket
import subprocess
import threading
import time

import pytest

import city as cities
import gateway as gates
import harness
from push_service import Browser, PushService, configuration

WEB = harness.ROOT / "web"
PAGES = harness.BUILD / "web"
SCENE = harness.ROOT / "tests/e2e/scenes/short.json"
JAVASCRIPT_MOST = 300_000


class Wire:
    """A TCP proxy whose connections can be cut, and refused until it is joined again."""

    def __init__(self, port):
        self.to, self.is_cut, self.cut_at, self.pairs = port, False, 0.0, set()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                here, _ = self.listener.accept()
            except OSError:
                return
            if self.is_cut:
                here.close()
                continue
            try:
                there = socket.create_connection(("127.0.0.1", self.to))
            except OSError:
                here.close()
                continue
            pair = (here, there)
            self.pairs.add(pair)
            threading.Thread(target=self.carry, args=(pair,), daemon=True).start()

    def carry(self, pair):
        here, there = pair
        try:
            while True:
                for s in select.select(pair, [], [])[0]:
                    data = s.recv(65536)
                    if not data:
                        return
                    (there if s is here else here).sendall(data)
        except (OSError, ValueError):
            pass
        finally:
            self.pairs.discard(pair)
            here.close()
            there.close()

    def cut(self):
        self.is_cut, self.cut_at = True, time.monotonic()
        for pair in list(self.pairs):
            for s in pair:
                try:
                    s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def join(self):
        self.is_cut = False

    def close(self):
        self.listener.close()
        self.cut()


class World:
    """The city with its people, the wire to it, and what the browser's side may ask for."""

    def __init__(self, folder, postgres):
        _, entry, clip = harness.rendered(harness.render(SCENE))
        self.folder = folder
        self.street = harness.Street({entry["id"]: clip}, folder / "rtsp.log")
        self.pushes = PushService()
        self.phone = Browser(self.pushes)
        self.city = cities.City(folder / "city", postgres, [{**entry, "url": self.street.urls[entry["id"]]}],
                                database="web", gateway=configuration(folder, self.pushes.origin))
        for login, (role, districts) in gates.LOGINS.items():
            gates.add_user(postgres.conninfo("web"), login, role, districts)
        self.city.daemon.start()
        self.wire = Wire(self.city.port)
        world = self

        class Control(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                answer = {"/cut": world.wire.cut, "/join": world.wire.join, "/wait": world.wait,
                          "/phone": world.phone.subscription, "/pushed": world.pushed}[self.path]()
                body = json.dumps(answer).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.control = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Control)
        threading.Thread(target=self.control.serve_forever, daemon=True).start()
        self.out = harness.VAR / "web"
        shutil.rmtree(self.out, ignore_errors=True)
        self.out.mkdir(parents=True)
        self.file = folder / "world.json"
        self.file.write_text(json.dumps({
            "base": f"http://127.0.0.1:{self.wire.port}", "password": gates.PASSWORD, "road": entry["road"],
            "control": f"http://127.0.0.1:{self.control.server_port}", "out": str(self.out),
            "chromium": "/usr/bin/chromium"}))

    def wait(self):
        """While it is cut: for half a minute, and until something has happened meanwhile."""
        n = len(self.city.stored())
        harness.wait_for("three more violations, 30 s after the cut", lambda: time.monotonic() - self.wire.cut_at > 30
                         and len(self.city.stored()) >= n + 3, 120)

    def pushed(self):
        """What the phone was sent, taken apart; once there is something."""
        return self.pushes.wait(self.phone, 1)

    def drive(self, scenario):
        done = subprocess.run(["node", WEB / "tests/e2e/drive.mjs", scenario, self.file], text=True,
                              capture_output=True, timeout=900, check=False)
        print(done.stdout)
        assert done.returncode == 0, done.stdout + done.stderr[-6000:]

    def end(self):
        self.control.shutdown()
        self.wire.close()
        code = self.city.daemon.stop()
        self.street.stop()
        self.city.remove_sockets()
        self.pushes.stop()
        assert not self.pushes.wrong, self.pushes.wrong
        return code


@pytest.fixture(scope="module")
def world(tmp_path_factory, postgres):
    made = World(tmp_path_factory.mktemp("web"), postgres)
    yield made
    assert made.end() == 0, made.city.daemon.text()[-3000:]


@pytest.mark.parametrize("scenario", ["shift", "evidence", "cut", "looks", "offline", "pushed"])
def test_in_the_browser(world, scenario):
    world.drive(scenario)


def test_the_pages_stay_small_and_name_no_other_host():
    scripts = [p for p in PAGES.glob("**/*.js") if "maplibre" not in p.name]
    assert 0 < sum(p.stat().st_size for p in scripts) < JAVASCRIPT_MOST
    index = (PAGES / "index.html").read_text()
    assert not re.search(r"https?://|<style|<script(?![^>]*src=)|style=", index)
    assert "resolved" not in (WEB / "package-lock.json").read_text()
