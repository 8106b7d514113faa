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
import zlib

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


def png(colour, size=256):
    """A picture of one colour."""
    def chunk(kind, data):
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")
    rows = (b"\0" + bytes(colour) * size) * size
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size.to_bytes(4, "big") * 2 + b"\x08\x02\0\0\0")
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


class TileServer:
    """A MapLibre style and its tiles, from another host than the pages; every fifth tile is not there."""

    def __init__(self):
        self.asked = []
        tiles = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                tiles.asked.append(self.path)
                is_style = self.path == "/style.json"
                is_there = is_style or len(tiles.asked) % 5
                body = json.dumps(tiles.style()).encode() if is_style else png((40, 60, 90))
                self.send_response(200 if is_there else 404)
                self.send_header("Access-Control-Allow-Origin", "*")
                self.send_header("Content-Type", "application/json" if is_style else "image/png")
                self.end_headers()
                self.wfile.write(body if is_there else b"")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def style(self):
        return {"version": 8, "sources": {"tiles": {"type": "raster", "tileSize": 256,
                                                    "tiles": [self.origin + "/tile/{z}/{x}/{y}.png"]}},
                "layers": [{"id": "ground", "type": "background", "paint": {"background-color": "#203040"}},
                           {"id": "tiles", "type": "raster", "source": "tiles"}]}

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class World:
    """The city with its people, the wire to it, and what the browser's side may ask for."""

    def __init__(self, folder, postgres):
        _, entry, clip = harness.rendered(harness.render(SCENE))
        self.folder = folder
        self.street = harness.Street({entry["id"]: clip}, folder / "rtsp.log")
        self.pushes, self.tiles = PushService(), TileServer()
        self.phone = Browser(self.pushes)
        self.city = cities.City(folder / "city", postgres, [{**entry, "url": self.street.urls[entry["id"]]}],
                                database="web", gateway=configuration(folder, self.pushes.origin))
        for login, (role, districts) in gates.LOGINS.items():
            gates.add_user(postgres.conninfo("web"), login, role, districts)
        self.city.daemon.start()
        self.tiled = self.start_tiled()
        self.wire = Wire(self.city.port)
        world = self

        class Control(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                answer = {"/cut": world.wire.cut, "/join": world.wire.join, "/wait": world.wait,
                          "/phone": world.phone.subscription, "/pushed": world.pushed,
                          "/tiles": lambda: world.tiles.asked}[self.path]()
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
            "base": f"http://127.0.0.1:{self.wire.port}", "tiled": f"http://127.0.0.1:{self.tiled_port}",
            "password": gates.PASSWORD, "road": entry["road"],
            "control": f"http://127.0.0.1:{self.control.server_port}", "out": str(self.out),
            "chromium": "/usr/bin/chromium"}))

    def start_tiled(self):
        """Another gateway of the same city, whose map has a style."""
        self.tiled_port = harness.free_port()
        config = harness.write_config(
            self.folder / "tiled.yaml", [gates.CAMERA],
            gateway={**self.city.gateway(), "listen": f"127.0.0.1:{self.tiled_port}",
                     "map_style_url": self.tiles.origin + "/style.json"},
            store={"database": self.city.conninfo, "media_dir": str(self.folder / "city/media")})
        return harness.Program([harness.CITYBRAIND, "--config", config, "--role", "gateway"],
                               self.folder / "tiled.log")

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
        code = self.tiled.stop() or self.city.daemon.stop()
        self.street.stop()
        self.city.remove_sockets()
        self.pushes.stop()
        self.tiles.stop()
        assert not self.pushes.wrong, self.pushes.wrong
        return code


@pytest.fixture(scope="module")
def world(tmp_path_factory, postgres):
    made = World(tmp_path_factory.mktemp("web"), postgres)
    yield made
    assert made.end() == 0, made.city.daemon.text()[-3000:]


@pytest.mark.parametrize("scenario", ["shift", "evidence", "cut", "looks", "offline", "pushed", "tiles"])
def test_in_the_browser(world, scenario):
    world.drive(scenario)


def test_the_pages_stay_small_and_name_no_other_host():
    scripts = [p for p in PAGES.glob("**/*.js") if "maplibre" not in p.name]
    assert 0 < sum(p.stat().st_size for p in scripts) < JAVASCRIPT_MOST
    index = (PAGES / "index.html").read_text()
    assert not re.search(r"https?://|<style|<script(?![^>]*src=)|style=", index)
    assert "resolved" not in (WEB / "package-lock.json").read_text()
