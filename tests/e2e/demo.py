#!/usr/bin/python3
"""The demo city, from rendered streets to signed evidence. `./run demo` builds and starts this.

    --keep           leaves everything running and says how to stop it
    --stop           stops what --keep left running
    --video FILE --config city.yaml [--camera ID]
                     the same with a clip of your own; its camera's url is replaced
"""
import argparse
import contextlib
import json
import os
import pathlib
import secrets
import shutil
import signal
import subprocess
import sys
import time
import unicodedata

import yaml

import city as cities
import harness

DEMO = harness.VAR / "demo"
KEPT = harness.VAR / "demo.kept.json"
TOLERANCE_KMH = 3.0
ROLES = ("command", "analyst", "field", "technician", "admin")


def say(text):
    print(f"== {text}", flush=True)


def fail(text):
    print(f"demo: {text}", file=sys.stderr)
    sys.exit(2)


def width(text):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def print_table(head, rows):
    widths = [max(width(r[i]) for r in [head, *rows]) for i in range(len(head))]
    for r in [head, ["-" * w for w in widths], *rows]:
        print("  ".join(c + " " * (w - width(c)) for c, w in zip(r, widths)).rstrip())


# -- the cameras ------------------------------------------------------------------------------

class Scene:
    """One camera of the demo: its entry of city.yaml, its clip, and the truth when there is one."""

    def __init__(self, entry, clip, truth=None):
        self.entry, self.clip, self.truth = entry, pathlib.Path(clip), truth
        self.id = entry["id"]

    def rows(self):
        limit_dba = self.entry.get("microphone", {}).get("limit_dba", 85.0)
        return cities.truth_rows(self.truth, self.entry["speed_limit_kmh"], limit_dba)


def seeded_scenes():
    say("rendering the streets (kept in var/scenes for the next time)")
    scenes = []
    for scene in sorted(harness.SEEDS.glob("scenes/*.json")):
        truth, entry, clip = harness.rendered(harness.render(scene, sys.stdout))
        scenes.append(Scene(entry, clip, truth))
        print(f"   {scene.stem}: {len(truth['vehicles'])} road users, {clip.name}", flush=True)
    if not scenes:
        fail("seeds/scenes holds no scene")
    return scenes


def own_scene(video, config, camera):
    if not pathlib.Path(video).is_file():
        fail(f"{video}: no such file")
    done = harness.citybrain("check", "--config", config)
    if done.returncode:
        fail(done.stderr.strip())
    entries = yaml.safe_load(pathlib.Path(config).read_text())["cameras"]
    chosen = [e for e in entries if camera in (None, e["id"])]
    if not chosen:
        fail(f"{config}: no camera '{camera}' in it")
    entry = dict(chosen[0])
    entry.pop("sound_url", None)
    return [Scene(entry, pathlib.Path(video).resolve())]


# -- what runs --------------------------------------------------------------------------------

class Demo:
    def __init__(self, scenes, is_kept):
        self.scenes, self.is_kept = scenes, is_kept
        self.postgres = self.street = self.city = self.tail = None
        self.password = secrets.token_urlsafe(9)

    def start(self):
        shutil.rmtree(DEMO, ignore_errors=True)
        DEMO.mkdir(parents=True)
        is_bound = not self.is_kept
        say("PostgreSQL, private, on a unix socket")
        self.postgres = harness.Postgres(DEMO / "pg", is_bound, is_fresh=True).start()
        print(f"   {self.postgres.conninfo()}")
        say("RTSP cameras")
        self.street = harness.Street({s.id: s.clip for s in self.scenes}, DEMO / "rtsp.log",
                                     is_once=not self.is_kept, is_bound=is_bound)
        for name, url in self.street.urls.items():
            print(f"   {name}  {url}")
        say("keys, tables, citybraind")
        entries = [{**s.entry, "url": self.street.urls[s.id]} for s in self.scenes]
        self.city = cities.City(DEMO, self.postgres, entries, is_bound)
        self.city.daemon.start()
        print(f"   pid {self.city.daemon.program.pid}, its log in {self.city.daemon.log}")
        self.invite_people()
        say("alerts, as they come (citybrain tail)")
        self.tail = subprocess.Popen(
            [harness.CITYBRAIN, "tail", "--endpoint", self.city.alerts, "--replay",
             self.city.replay, "--from", "1"], start_new_session=True,
            preexec_fn=harness.die_with_parent)

    def invite_people(self):
        """A login for each role, under one password made for this run."""
        for role in ROLES:
            done = harness.citybrain("user", "add", role, "--db", self.city.people, "--role", role,
                                     "--all-districts", input=self.password + "\n")
            if done.returncode:
                fail(done.stderr.strip())
        self.print_addresses()

    def print_addresses(self):
        at = f"http://127.0.0.1:{self.city.port}"
        print(f"   metrics    {at}/metrics")
        print(f"   pages      {at}/")
        print(f"              log in as {', '.join(ROLES)}; password {self.password}")

    def watch(self):
        """Until each recording is over and what it gave is stored."""
        seconds = [float(s.truth["seconds"]) if s.truth and "seconds" in s.truth else 3600.0
                   for s in self.scenes]
        until = time.monotonic() + max(seconds) + 60
        names = {s.id for s in self.scenes}
        ended = set()
        while not ended >= names and time.monotonic() < until:
            time.sleep(0.25)
            if self.city.daemon.program and not self.city.daemon.program.is_running():
                fail(f"citybraind has ended: {self.city.daemon.text()[-2000:]}")
            ended |= self.street.ended()
        cities.wait_until_quiet(lambda: len(self.city.stored()))

    def stop(self):
        if self.tail:
            self.tail.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.tail.wait(5)
            if self.tail.poll() is None:
                self.tail.kill()
        if self.city:
            self.city.daemon.stop()
            self.city.remove_sockets()
        if self.street:
            self.street.stop()

    def stop_postgres(self):
        if self.postgres:
            self.postgres.remove()

    def keep(self):
        """Notes what was left running, by pid and start time, for --stop."""
        programs = [self.city.daemon.program, self.street.server, self.postgres.server]
        kept = [{"pid": p.pid, "started": start_time(p.pid), "argv": p.argv[0]} for p in programs]
        KEPT.write_text(json.dumps({"programs": kept, "folders": [
            str(self.city.sockets), str(self.postgres.socket_dir), str(self.postgres.data)]}))
        say("left running; to stop it: ./run demo --stop")
        self.print_addresses()
        print(f"   alerts     {harness.CITYBRAIN} tail --endpoint {self.city.alerts}")
        print(f"   history    {harness.CITYBRAIN} query --db '{self.postgres.conninfo()}'")


def start_time(pid):
    """Clock ticks since boot: with the pid it names one process for good."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return stat.rpartition(")")[2].split()[19]


def stop_kept():
    if not KEPT.exists():
        print("nothing was left running")
        return 0
    kept = json.loads(KEPT.read_text())
    for p in kept["programs"]:
        is_postgres = p["argv"].endswith("/postgres")
        if start_time(p["pid"]) == p["started"] is not None:
            os.kill(p["pid"], signal.SIGINT if is_postgres else signal.SIGTERM)
            print(f"stopping {p['argv']} ({p['pid']})")
            with contextlib.suppress(TimeoutError):
                harness.wait_for("its end", lambda q=p: start_time(q["pid"]) != q["started"], 20)
    for folder in kept["folders"]:
        shutil.rmtree(folder, ignore_errors=True)
    KEPT.unlink()
    return 0


# -- what came out ----------------------------------------------------------------------------

def number(value, decimals=1):
    return "-" if value is None else f"{value:.{decimals}f}"


def table_row(row):
    unit = "dB(A)" if row.direction == "sound" else "km/h"
    stored = [v["lafmax_db"] if row.direction == "sound" else v["speed_kmh"] for v in row.stored]
    measured = number(row.measured) + (f" ± {row.u95:.1f}" if row.u95 else "")
    return [row.camera, row.what, {"sound": ""}.get(row.direction, row.direction),
            f"{row.truth:.1f} {unit}", number(row.limit, 0), measured, number(row.charged),
            "yes" if row.is_due else "no", ", ".join(number(s) for s in stored) or "-",
            "ok" if len(row.stored) == int(row.is_due) else "WRONG"]


def compare(demo):
    """@return the number of things that are not as they should be"""
    stored, n_wrong, errors, table = demo.city.stored(), 0, [], []
    for s in demo.scenes:
        if not s.truth:
            continue
        rows = s.rows()
        _, records, _ = harness.measure(demo.city.config, s.id, s.clip, timeout_s=300)
        nobodies = cities.lay_measured(rows, records)
        strangers = cities.lay_stored(rows, [v for v in stored if v["camera_id"] == s.id])
        table += [table_row(r) for r in rows]
        table += [[s.id, "nobody", "", "-", "-", "-", "-", "no", v["kind"], "WRONG"]
                  for v in strangers]
        table += [[s.id, "nobody", r.get("direction", "sound"), "-", "-",
                   number(r.get("speed_kmh", r.get("lafmax_db"))), "-", "no", "-", "WRONG"]
                  for r in nobodies]
        n_wrong += len(strangers) + len(nobodies)
        n_wrong += sum(len(r.stored) != int(r.is_due) for r in rows)
        n_wrong += sum(abs(r.measured - r.truth) > TOLERANCE_KMH for r in rows
                       if r.measured is not None and r.direction != "sound")
        errors += [abs(v["speed_kmh"] - r.truth) for r in rows for v in r.stored
                   if r.direction != "sound"]
    say("truth, measured (citybrain measure on the clip), stored (PostgreSQL, by way of RTSP)")
    print_table(["camera", "who", "", "truth", "limit", "measured", "charged", "due", "stored", ""],
                table)
    if errors:
        print(f"stored speeds: {len(errors)}, largest error {max(errors):.2f} km/h")
        n_wrong += sum(e > TOLERANCE_KMH for e in errors)
    return n_wrong


def show_stored(demo):
    print_table(["time (UTC)", "camera", "kind", "km/h", "dB(A)", "limit"], [
        [f"{v['occurred_at']:%F %T}", v["camera_id"], v["kind"], number(v["speed_kmh"]),
         number(v["lafmax_db"]), number(v["limit_kmh"] or v["limit_db"])]
        for v in demo.city.stored()])


def verify_all(demo):
    """@return 0 when every package is whole and the chain unbroken"""
    folder = demo.city.assemble(DEMO / "evidence")
    say("evidence")
    print(f"   packages, put together from the store   {folder}")
    print(f"   sealed on the edge (media delivered)    {demo.city.folder / 'edge/sealed'}")
    say("citybrain verify, offline, with the node's public key")
    done = harness.citybrain("verify", folder, "--chain", "--key", demo.city.folder / "node.pub")
    print("   " + (done.stdout + done.stderr).strip().replace(f"{folder}/", "")
          .replace("\n", "\n   "))
    return 0 if done.returncode == 0 else 1


def report(demo):
    stored = demo.city.stored()
    if any(s.truth for s in demo.scenes):
        n_wrong = compare(demo)
    else:
        show_stored(demo)
        n_wrong = 0
    n_media = demo.postgres.query("SELECT count(*) FROM evidence_media")[0][0]
    print(f"stored violations: {len(stored)}, with {n_media} files")
    if stored:
        n_wrong += verify_all(demo)
    say("all as it should be" if not n_wrong else f"{n_wrong} things are not as they should be")
    return 1 if n_wrong else 0


def run(args):
    if KEPT.exists():
        fail("a demo was left running; first: ./run demo --stop")
    scenes = own_scene(args.video, args.config, args.camera) if args.video else seeded_scenes()
    demo = Demo(scenes, args.keep)
    code = 1
    try:
        demo.start()
        if args.keep:
            longest = max(float(s.truth["seconds"]) if s.truth else 30.0 for s in scenes)
            time.sleep(longest + 5)
            cities.wait_until_quiet(lambda: len(demo.city.stored()), timeout_s=15)
            show_stored(demo)
            demo.keep()
            return 0
        demo.watch()
        demo.stop()
        code = report(demo)
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        code = 130
    finally:
        if not KEPT.exists():
            demo.stop()
            demo.stop_postgres()
        elif demo.tail:
            demo.tail.kill()
    return code


def main():
    parser = argparse.ArgumentParser(prog="./run demo", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--stop", action="store_true")
    parser.add_argument("--video")
    parser.add_argument("--config")
    parser.add_argument("--camera")
    args = parser.parse_args()
    if args.stop:
        return stop_kept()
    if bool(args.video) != bool(args.config):
        parser.error("--video and --config go together")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    return run(args)


if __name__ == "__main__":
    sys.exit(main())
