"""A clip played by Debian's Chromium, headless: what it says of it, as a person's browser would."""
import http.server
import json
import pathlib
import shutil
import subprocess
import tempfile
import threading

import harness

CHROMIUM = shutil.which("chromium")
PAGE = b"""<!doctype html><video id=v muted></video><script>
const v = document.getElementById("v");
function tell(what) {
  fetch("/told", {method: "POST", body: JSON.stringify({what, error: v.error && v.error.message,
    seconds: v.duration, at: v.currentTime, width: v.videoWidth, height: v.videoHeight,
    frames: v.getVideoPlaybackQuality().totalVideoFrames, sound_bytes: v.webkitAudioDecodedByteCount})});
}
v.onended = () => tell("ended");
v.onerror = () => tell("error");
v.src = "/clip";
v.play().catch(e => tell("refused: " + e));
</script>"""


def play(clip):
    """{what: "ended" when it was played to its end, seconds, width, height, frames, sound_bytes, error}"""
    told, has_told = {}, threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = pathlib.Path(clip).read_bytes() if self.path == "/clip" else PAGE
            self.send_response(200)
            self.send_header("Content-Type", "video/mp4" if self.path == "/clip" else "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self):
            told.update(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()
            has_told.set()

        def log_message(self, *_):
            pass
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    profile = tempfile.mkdtemp(prefix="citybrain-chromium-")
    browser = subprocess.Popen(
        [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required",
         f"--user-data-dir={profile}", f"http://127.0.0.1:{server.server_address[1]}/"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=harness.die_with_parent)
    try:
        has_told.wait(90)
    finally:
        browser.terminate()
        browser.wait(20)
        server.shutdown()
        shutil.rmtree(profile, ignore_errors=True)
    return told
