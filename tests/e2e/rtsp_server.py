#!/usr/bin/python3
"""A street of RTSP cameras out of recordings, for tests and the demo.

    rtsp_server.py [--port N] [--once] [--spread S] [--audio pass|l16|pcmu|pcma|opus] NAME=FILE[+FILE...] ...

Each NAME is a camera at rtsp://127.0.0.1:PORT/NAME. Pictures are never encoded again: they are
demuxed, parsed and payloaded, and the spacing of their PTS is kept, so that a speed measured over
RTSP equals the one measured in the file. All clients of a camera see one timeline, in real time,
as from a camera: it starts with the first client, and who comes late joins at the next key frame.
Cameras loop; with --once the recording is played one time, its clients get an end of stream, and
later ones are turned away (404). --audio encodes sound that is PCM in the file. FILE+FILE plays one after the other, to change the resolution.
--spread: as if the cameras had been switched on over S seconds, one after the other: each shows its first
picture at once and goes on so much later, so that many of one recording do not have their key frames together.
A file that several cameras play is read once.

Prints `port N`, then `url NAME URL` a camera, then events: `start NAME`, `end NAME`.
Commands on stdin, each answered by `ok COMMAND …`; without NAME: all cameras.

    cut [NAME]       closes the clients' connections; they may come back
    stall [NAME]     keeps the connections and sends nothing; time goes on
    resume [NAME]    sends again
    refuse           stops listening and cuts all
    accept           listens again on the same port
    restart [NAME]   the timeline starts anew with the next client
    clients          answers with the number of media that are played
    quit             (or the end of stdin)
"""
import argparse
import collections
import sys
import threading
import time

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstApp, GstRtspServer  # noqa: E402,F401

Unit = collections.namedtuple("Unit", "track dts pts duration is_key data")

# caps of the parsed stream: what parses it, how it is payloaded
PICTURE = {
    "video/x-h264": ("h264parse config-interval=-1 ! video/x-h264,stream-format=byte-stream,alignment=au",
                     "h264parse ! rtph264pay config-interval=-1 aggregate-mode=zero-latency"),
    "video/x-h265": ("h265parse config-interval=-1 ! video/x-h265,stream-format=byte-stream,alignment=au",
                     "h265parse ! rtph265pay config-interval=-1 aggregate-mode=zero-latency"),
    "image/jpeg": ("jpegparse", "rtpjpegpay"),
    "video/mpeg": ("mpeg4videoparse", "rtpmp4vpay config-interval=1"),
}
SOUND = {
    "audio/mpeg": ("aacparse ! audio/mpeg,stream-format=raw", "rtpmp4gpay"),
    "audio/x-mulaw": ("identity", "rtppcmupay"),
    "audio/x-alaw": ("identity", "rtppcmapay"),
    "audio/x-opus": ("opusparse", "rtpopuspay"),
    "audio/x-raw": ("audioconvert ! audio/x-raw,format=S16BE", "rtpL16pay"),
}
ENCODED = {
    "l16": ("audioconvert ! audio/x-raw,format=S16BE", "rtpL16pay"),
    "pcmu": ("audioconvert ! audioresample ! audio/x-raw,rate=8000,channels=1 ! mulawenc",
             "rtppcmupay"),
    "pcma": ("audioconvert ! audioresample ! audio/x-raw,rate=8000,channels=1 ! alawenc",
             "rtppcmapay"),
    "opus": ("audioconvert ! audioresample ! audio/x-raw,rate=48000 ! opusenc", "rtpopuspay"),
}


def say(*words):
    print(*words, flush=True)


class Clip:
    """The compressed units of a recording, in decode order, with times in ns from its start."""

    def __init__(self, path, audio="pass"):
        self.caps, self.payloaders, self.units = {}, {}, []
        self.path, self.audio = path, audio
        self.read()
        if not self.units:
            raise SystemExit(f"{path}: no picture or sound stream that can be served")
        start = min(u.pts for u in self.units)
        self.units = sorted((u._replace(dts=u.dts - start, pts=u.pts - start)
                             for u in self.units), key=lambda u: u.dts)
        self.duration = max(u.pts + u.duration for u in self.units)

    def read(self):
        pipeline = Gst.Pipeline.new(None)
        source = Gst.ElementFactory.make("filesrc")
        source.props.location = self.path
        parser = Gst.ElementFactory.make("parsebin")
        pipeline.add(source)
        pipeline.add(parser)
        source.link(parser)
        sinks = []
        parser.connect("pad-added", self.on_pad, pipeline, sinks)
        pipeline.set_state(Gst.State.PLAYING)
        message = pipeline.get_bus().timed_pop_filtered(
            60 * Gst.SECOND, Gst.MessageType.EOS | Gst.MessageType.ERROR)
        if message is None or message.type == Gst.MessageType.ERROR:
            why = message.parse_error()[0].message if message else "takes more than 60 s to read"
            pipeline.set_state(Gst.State.NULL)
            raise SystemExit(f"{self.path}: {why}")
        pipeline.set_state(Gst.State.NULL)

    def on_pad(self, parser, pad, pipeline, sinks):
        name = (pad.get_current_caps() or pad.query_caps(None)).get_structure(0).get_name()
        kind = 0 if name in PICTURE else 1
        table = PICTURE.get(name) or SOUND.get(name)
        if table and self.audio != "pass" and kind == 1:
            if name != "audio/x-raw":
                self.fail(pipeline, f"its sound is {name}: --audio {self.audio} needs PCM")
                return
            table = ENCODED[self.audio]
        if table:
            parse, payload = table
        if not table or kind in self.payloaders:
            parse = "fakesink sync=false"
            branch = Gst.parse_bin_from_description(parse, True)
        else:
            self.payloaders[kind] = payload
            branch = Gst.parse_bin_from_description(
                f"queue max-size-time=0 max-size-buffers=0 max-size-bytes=0 ! {parse} ! "
                "appsink name=out sync=false emit-signals=true max-buffers=0", True)
            sink = branch.get_by_name("out")
            sink.connect("new-sample", self.on_sample, kind)
            sinks.append(sink)
        pipeline.add(branch)
        branch.sync_state_with_parent()
        pad.link(branch.get_static_pad("sink"))

    def fail(self, pipeline, why):
        error = GLib.Error.new_literal(Gst.StreamError.quark(), why, Gst.StreamError.CODEC_NOT_FOUND)
        pipeline.get_bus().post(Gst.Message.new_error(pipeline, error, why))

    def on_sample(self, sink, kind):
        sample = sink.emit("pull-sample")
        buffer, segment = sample.get_buffer(), sample.get_segment()
        self.caps.setdefault(kind, sample.get_caps())
        pts = buffer.pts if buffer.pts != Gst.CLOCK_TIME_NONE else buffer.dts
        dts = buffer.dts if buffer.dts != Gst.CLOCK_TIME_NONE else pts
        if pts == Gst.CLOCK_TIME_NONE or buffer.get_size() == 0:
            return Gst.FlowReturn.OK
        # Times in running time, which is what pictures and sound have in common.
        shift = segment.base - segment.start
        duration = buffer.duration if buffer.duration != Gst.CLOCK_TIME_NONE else 0
        is_key = not buffer.has_flags(Gst.BufferFlags.DELTA_UNIT)
        self.units.append(Unit(kind, dts + shift, pts + shift, duration, is_key,
                               buffer.extract_dup(0, buffer.get_size())))
        return Gst.FlowReturn.OK

    def launch_line(self):
        """What the RTSP server plays for each client: sources that the camera feeds."""
        line = [f"appsrc name=src{kind} is-live=true format=time block=false max-bytes=0 "
                f"! {payload} name=pay{i} pt={96 + i}"
                for i, (kind, payload) in enumerate(sorted(self.payloaders.items()))]
        return "( " + "  ".join(line) + " )"


class Client:
    """One client's sources, fed from its first key frame on."""

    def __init__(self, media, clip):
        element = media.get_element()
        self.media, self.sources, self.offset = media, {}, None
        self.born = time.monotonic()
        for kind in clip.payloaders:
            source = element.get_by_name(f"src{kind}")
            source.props.caps = clip.caps[kind]
            self.sources[kind] = source
        self.first_kind = min(clip.payloaders)

    def push(self, unit, at, is_start=False):
        """at: the unit's time on the camera's timeline less its own, ns (loops done)."""
        source = self.sources.get(unit.track)
        if source is None:
            return
        if self.offset is None:
            if not is_start and (unit.track != self.first_kind or not unit.is_key):
                return
            now = source.get_current_running_time()
            age = (time.monotonic() - self.born + 1) * Gst.SECOND
            if now == Gst.CLOCK_TIME_NONE or now > age:
                return  # it has no clock or no base time yet
            self.offset = now - (unit.dts + at)
        pts, dts = unit.pts + at + self.offset, unit.dts + at + self.offset
        if pts < 0 or dts < 0:
            return
        buffer = Gst.Buffer.new_wrapped(unit.data)
        buffer.pts, buffer.dts, buffer.duration = pts, dts, unit.duration
        if not unit.is_key:
            buffer.set_flags(Gst.BufferFlags.DELTA_UNIT)
        source.emit("push-buffer", buffer)

    def end(self):
        for source in self.sources.values():
            source.emit("end-of-stream")


class Camera(GstRtspServer.RTSPMediaFactory):
    """One mount point: a timeline in real time and the clients who watch it."""

    def __init__(self, name, clips, is_once, delay_s, on_end):
        super().__init__()
        self.name, self.clips, self.is_once, self.on_end = name, clips, is_once, on_end
        self.delay = int(delay_s * Gst.SECOND)  # between the first picture and the next
        self.duration = sum(c.duration for c in clips)
        self.lock = threading.Condition()
        self.clients, self.is_stalled, self.is_over, self.epoch = [], False, False, 0
        self.is_running = False
        self.set_shared(False)
        self.connect("media-configure", Camera.on_media)

    def do_create_element(self, url):
        return Gst.parse_launch(self.clips[0].launch_line())

    def on_media(self, media):
        client = Client(media, self.clips[0])
        media.connect("unprepared", lambda m: self.drop(client))
        with self.lock:
            self.clients.append(client)
            if not self.is_running:
                self.is_running = True
                threading.Thread(target=self.run, args=(self.epoch,), daemon=True).start()
                say("start", self.name)

    def drop(self, client):
        with self.lock:
            if client in self.clients:
                self.clients.remove(client)

    def units(self):
        """(unit, loops' shift) for ever, or one time."""
        at = 0
        while True:
            for clip in self.clips:
                for unit in clip.units:
                    yield unit, at
                at += clip.duration
            if self.is_once:
                return

    def run(self, epoch):
        start = None
        for unit, at in self.units():
            with self.lock:
                if start is None:
                    # the first client sees the first picture: wait until its pipeline plays
                    while self.epoch == epoch and not self.push_first(unit, at):
                        self.lock.wait(0.005)
                    start = time.monotonic() - (unit.dts + at) / 1e9
                    continue
                at += self.delay
                due = start + (unit.dts + at) / 1e9
                while self.epoch == epoch and (left := due - time.monotonic()) > 0:
                    self.lock.wait(left)
                if self.epoch != epoch:
                    return
                if not self.is_stalled:
                    for client in self.clients:
                        client.push(unit, at)
        with self.lock:
            self.is_over = True
            for client in self.clients:
                client.end()
        say("end", self.name)
        self.on_end(self)

    def push_first(self, unit, at):
        if not self.clients and self.is_once:
            return False
        for client in self.clients:
            client.push(unit, at, is_start=True)
        return not self.clients or any(c.offset is not None for c in self.clients)

    def restart(self):
        with self.lock:
            self.epoch += 1
            self.is_running = self.is_over = False
            self.lock.notify_all()

    def stall(self, is_stalled):
        with self.lock:
            self.is_stalled = is_stalled


class Street:
    """The server with its cameras. Start with run(); commands come from stdin."""

    def __init__(self, port, cameras, is_once, audio, spread_s):
        self.server = GstRtspServer.RTSPServer.new()
        self.server.set_address("127.0.0.1")
        self.server.set_service(str(port))
        self.mounts = self.server.get_mount_points()
        self.cameras = {}
        clips = {f: Clip(f, audio) for f in {f for _, files in cameras for f in files}}
        for i, (name, files) in enumerate(cameras):
            camera = Camera(name, [clips[f] for f in files], is_once, spread_s * i / len(cameras), self.on_end)
            self.cameras[name] = camera
            self.mounts.add_factory("/" + name, camera)
        self.source = self.server.attach(None)
        if not self.source:
            raise SystemExit(f"port {port} of 127.0.0.1 is not to be had")
        self.port = self.server.get_bound_port()
        self.server.set_service(str(self.port))
        self.loop = GLib.MainLoop()

    def on_end(self, camera):
        GLib.idle_add(self.mounts.remove_factory, "/" + camera.name)

    def cut(self, names):
        paths = {"/" + n for n in names}

        def judge(server, client):
            sessions = client.session_filter(None) or []
            for session in sessions:
                for m in session.filter(None) or []:
                    if any(m.matches(p)[0] for p in paths):
                        return GstRtspServer.RTSPFilterResult.REMOVE
            return GstRtspServer.RTSPFilterResult.KEEP

        if len(names) == len(self.cameras):
            self.server.client_filter(lambda s, c: GstRtspServer.RTSPFilterResult.REMOVE)
        else:
            self.server.client_filter(judge)

    def restart(self, camera):
        camera.restart()
        # mount points own what they are given
        self.mounts.remove_factory("/" + camera.name)
        self.mounts.add_factory("/" + camera.name, camera)

    def command(self, line):
        verb, *names = line.split() or [""]
        names = names or list(self.cameras)
        unknown = [n for n in names if n not in self.cameras]
        if unknown:
            say("error no camera", *unknown)
            return
        chosen = [self.cameras[n] for n in names]
        answer = []
        if verb == "cut":
            self.cut(names)
        elif verb in ("stall", "resume"):
            for camera in chosen:
                camera.stall(verb == "stall")
        elif verb == "refuse" and self.source:
            GLib.source_remove(self.source)
            self.source = 0
            self.cut(list(self.cameras))
        elif verb == "accept" and not self.source:
            self.source = self.server.attach(None)
        elif verb == "restart":
            for camera in chosen:
                self.restart(camera)
        elif verb == "clients":
            answer = [sum(len(c.clients) for c in chosen)]
        elif verb == "quit":
            self.loop.quit()
        elif verb not in ("refuse", "accept"):
            say("error no command", verb)
            return
        say("ok", line.strip(), *answer)

    def run(self):
        say("port", self.port)
        for name in self.cameras:
            say("url", name, f"rtsp://127.0.0.1:{self.port}/{name}")
        threading.Thread(target=self.read_stdin, daemon=True).start()
        self.loop.run()

    def read_stdin(self):
        for line in sys.stdin:
            GLib.idle_add(lambda l=line: self.command(l) and False)
        GLib.idle_add(self.loop.quit)


def camera_argument(text):
    name, _, files = text.partition("=")
    if not name or not files:
        raise argparse.ArgumentTypeError(f"{text!r}: expected NAME=FILE")
    return name, files.split("+")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0, help="0: a free one")
    parser.add_argument("--once", action="store_true")
    parser.add_argument("--spread", type=float, default=0, metavar="S")
    parser.add_argument("--audio", choices=["pass", *ENCODED], default="pass")
    parser.add_argument("camera", nargs="+", type=camera_argument, metavar="NAME=FILE[+FILE]")
    args = parser.parse_args()
    Gst.init(None)
    Street(args.port, args.camera, args.once, args.audio, args.spread).run()


if __name__ == "__main__":
    main()
