#!/usr/bin/python3
"""Random faults against the real daemons while violations stream in; at the end every violation that
was announced must be in PostgreSQL once, whole, its chain unbroken.

    chaos.py [--rounds N] [--seed N] [--violations N] [--each] [--keep]

The edge is citybraind with its detectors' pictures exchanged (passages.c): from the speed stage on
all is the product. Edge and store speak tcp with CURVE across two network namespaces. The seed
gives the faults and their lengths; what they meet is the machine's."""
import argparse
import collections
import json
import os
import pathlib
import random
import signal
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import faults  # noqa: E402
import world as worlds  # noqa: E402
from world import harness  # noqa: E402

RECOVERY_S = 180
FPS = 12


def choose(rng, kinds, i, is_each):
    """One fault, or two at once that do not touch the same part."""
    first = kinds[i % len(kinds)] if is_each else rng.choice(kinds)
    others = [k for k in kinds if faults.may_meet(first, k)]
    return [first, rng.choice(others)] if others and rng.random() < 0.3 else [first]


def play(world, rng, chosen, n_wanted):
    """One round. @return seconds from the faults' end until a new violation and all before it are
    stored"""
    listener = world.listener
    n_before = len(listener.ids)
    world.run_for(rng.uniform(0.0, 1.0))
    acting = [kind(world, rng) for kind in chosen]
    for f in acting:
        f.begin()
    world.run_for(max(rng.uniform(*f.hold_s) for f in acting))
    for f in reversed(acting):
        f.end()
    start = time.monotonic()
    world.tend()
    due = listener.told + 1  # the first that comes after
    world.wait_for("all stored", lambda: world.n_stored(due) == due, RECOVERY_S)
    took_s = time.monotonic() - start
    for f in acting:
        f.mend()
    world.wait_for("violations", lambda: len(listener.ids) - n_before >= n_wanted, RECOVERY_S)
    listener.catch_up()
    return took_s


def is_quiet(world):
    done = harness.citybrain("outbox", "--data", world.edge_disk.folder)
    return done.stdout.startswith("0 waiting") and "\n0 alerts not announced" in done.stdout


def settle(world):
    """No more violations; what waits is delivered, what is announced is known."""
    world.edge.stop()
    world.edge = world.make_edge(world.quiet_clip)
    world.wait_for("an empty outbox", lambda: is_quiet(world), RECOVERY_S)
    world.run_for(6)  # a heartbeat more
    world.listener.catch_up()


def audit(world):
    """What is wrong, as sets of ids; and what `citybrain verify` says."""
    announced = set(world.listener.ids.values())
    rows = [r[0] for r in world.query("SELECT id::text FROM violation")]
    stored = collections.Counter(rows)
    by_sequence = world.query("SELECT count(*) FROM (SELECT sequence FROM violation GROUP BY "
                              "sequence HAVING count(*) > 1) d")[0][0]
    done = harness.citybrain(
        "verify", "--db", world.conninfo("postgres"), "--media", world.media_disk.folder, "--key",
        world.folder / "node.pub", "--json", timeout_s=1200)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    outbox = harness.citybrain("outbox", "--data", world.edge_disk.folder).stdout
    unproven = {r["path"] for r in lines if r["type"] == "package" and not r["whole"]}
    proven = {r["path"] for r in lines if r["type"] == "package" and r["whole"]}
    breaks = [r["fault"] for r in lines if r["type"] == "chain_break"]
    return {
        "lost": announced - stored.keys(),
        "duplicated": {i for i, n in stored.items() if n > 1} | set(range(by_sequence)),
        "unverifiable": unproven | (announced & stored.keys()) - proven,
        "chain breaks": breaks,
        "stored, never announced": stored.keys() - announced,
        "alerts changed": world.listener.changed,
        "sequences never heard": [n for n in range(1, world.listener.told + 1)
                                  if n not in world.listener.ids],
        "set aside": [] if "; 0 set aside" in outbox else [outbox],
        "verify failed": [] if done.returncode == 0 else [done.stderr[-500:]],
    }


def report(world, times, wrong, n_rounds, seconds):
    print(f"\n{'fault':28} {'rounds':>6} {'median':>8} {'longest recovery':>18}")
    for name, t in sorted(times.items()):
        print(f"{name:28} {len(t):6} {statistics.median(t):7.1f}s {max(t):17.1f}s")
    every = [s for t in times.values() for s in t]
    print(f"\n{n_rounds} rounds in {seconds / 60:.1f} min, {len(world.listener.ids)} violations "
          f"announced ({world.listener.n_live} heard live, {world.listener.n_replayed} replayed), "
          f"{world.edge.n_starts} + {world.store.n_starts} starts of edge and store")
    if every:
        print(f"recovery: median {statistics.median(every):.1f} s, longest {max(every):.1f} s")
    print(", ".join(f"{len(v)} {k}" for k, v in wrong.items()))
    for k, v in wrong.items():
        if v:
            print(f"  {k}: {sorted(map(str, v))[:10]}")


def chaos(o, folder):
    """@return true when nothing is wrong"""
    rng, times = random.Random(o.seed), collections.defaultdict(list)
    is_apart = os.environ.get("CITYBRAIN_CHAOS_APART") == "1"
    kinds = [k for k in faults.ALL if is_apart or not k.needs_apart]
    if o.only:
        kinds = [k for k in kinds if k.__name__ in o.only.split(",")]
    skipped = [k.__name__ for k in faults.ALL if k.needs_apart and not is_apart]
    print(f"seed {o.seed}, {o.rounds} rounds" + (
        f"; SKIPPED, as namespaces and mounts are not permitted: {', '.join(skipped)}"
        if skipped else ""), flush=True)
    w = worlds.World(folder, is_apart, FPS)
    begin = time.monotonic()
    is_good = False
    n_done, late = 0, []
    try:
        w.wait_for("the first violations", lambda: len(w.listener.ids) >= 5, 60)
        while n_done < o.rounds or len(w.listener.ids) < o.violations:
            chosen = choose(rng, kinds, n_done, o.each)
            try:
                took_s = play(w, rng, chosen, o.per_round)
            except TimeoutError as e:  # what is stored by now is told all the same
                late.append(f"{' + '.join(k.__name__ for k in chosen)}: {e}")
                break
            for kind in chosen:
                times[kind.__name__ + (" and another" if len(chosen) > 1 else "")].append(took_s)
            n_done += 1
            print(f"round {n_done:3}: {' + '.join(k.__name__ for k in chosen):32} recovered in "
                  f"{took_s:5.1f} s, {len(w.listener.ids)} announced", flush=True)
        starts = w.edge.n_starts
        ends = w.edge.ends + w.store.ends
        if not late:
            settle(w)
            w.edge.n_starts += starts
        wrong = {**audit(w), "not recovered": late}
        report(w, times, wrong, n_done, time.monotonic() - begin)
        if ends:
            print(f"exit codes nobody asked for: {collections.Counter(ends)}")
        is_good = not any(wrong.values())
    finally:
        if not is_good:
            for name in ("edge", "store"):
                print(f"--- the end of {name}.log\n" +
                      (w.folder / f"{name}.log").read_text()[-3000:], flush=True)
        if o.keep and not is_good:
            print(f"kept in {w.folder}")
        else:
            w.remove()
    return is_good


def main():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--rounds", type=int, default=200)
    p.add_argument("--violations", type=int, default=5000, help="at least as many are announced")
    p.add_argument("--per-round", type=int, default=25)
    p.add_argument("--seed", type=int, default=20261125)
    p.add_argument("--each", action="store_true", help="each kind of fault in its turn")
    p.add_argument("--only", help="these kinds of faults, parted by commas")
    p.add_argument("--keep", action="store_true", help="leave everything where it failed")
    o = p.parse_args()
    if "CITYBRAIN_CHAOS_APART" not in os.environ:  # once more, in namespaces that end with it
        is_apart = worlds.may_have_namespaces()
        os.environ["CITYBRAIN_CHAOS_APART"] = "1" if is_apart else "0"
        if is_apart:
            os.execvp("unshare", ["unshare", "--mount", "--net", "--propagation", "private",
                                  sys.executable, *sys.argv])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(0 if chaos(o, harness.VAR / f"chaos-{os.getpid()}") else 1)


if __name__ == "__main__":
    main()
