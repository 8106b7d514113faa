"""Passages against truth: who is who, and what the figures are.

Truth speed of a passage is the vehicle's mean speed over the very time in which the passage was
measured: true distance between the path's first and last fix by the time between them. A
vehicle that brakes inside the zone has no one speed; the meter answers for the stretch it reports
the path of, and a path that is too short to be one is the meter's to refuse. Times, not places,
bound the stretch, because a path may follow any point of a rigid body. Limits are judged by the same
figure: "kept the limit" is a true mean at or below it over that stretch.

Counted are the motor vehicles and bicycles that cross the whole zone in the clip. Who is only partly
in it (people who cross the road) may be measured or not, but never accused.
"""
import bisect
import math

ASIDE_M = 1.5     # a passage lies no farther beside the vehicle's outline than that,
ALONG_M = 4.0     # nor before or behind it; nearer ones are matched first
FOREIGN_SHARE = 0.5  # of a path's fixes must lie there
OPTIONAL = ("pedestrian",)
UNACCUSABLE = ("pedestrian", "bicycle")


class Truth:
    """One road user of truth.json."""

    def __init__(self, v):
        self.id, self.kind, self.direction = v["id"], v["class"], v["direction"]
        self.length, self.width, self.height = v["dims_m"]
        self.samples = v["samples"]
        self.times = [s[0] for s in self.samples]
        self.is_due = v["in_clip"] and self.kind not in OPTIONAL
        self.zone_kmh = v["speed_kmh"]
        self.lane = v["lane"]
        # from the contact line to the middle of the body, along +Y
        ahead = self.length / 2 - v["contact_to_bumper_m"]
        self.to_middle = ahead if self.lane else 0.0
        self.enter, self.leave = v["t_zone_enter"], v["t_zone_exit"]

    def at(self, t):
        """Where the contact line is, straight between samples; None when it was not noted."""
        i = bisect.bisect_right(self.times, t)
        if i == 0 or i == len(self.times):
            return tuple(self.samples[i - 1][1:]) if i and t == self.times[-1] else None
        a, b = self.samples[i - 1], self.samples[i]
        k = (t - a[0]) / (b[0] - a[0])
        return a[1] + k * (b[1] - a[1]), a[2] + k * (b[2] - a[2])

    def mean_kmh(self, t0, t1):
        """Distance by time between two times, cut to what was noted; None without a stretch."""
        if not self.times:
            return None
        t0, t1 = max(t0, self.times[0]), min(t1, self.times[-1])
        if t1 - t0 < 0.05:
            return None
        inner = [t for t in self.times if t0 < t < t1]
        points = [self.at(t) for t in (t0, *inner, t1)]
        way = sum(math.dist(a, b) for a, b in zip(points, points[1:]))
        return way / (t1 - t0) * 3.6

    def distance(self, fix):
        """Metres from a fix [t, X, Y] to the outline on the road; INF when it was not there."""
        here = self.at(fix[0])
        if here is None:
            return math.inf
        dx, dy = abs(fix[1] - here[0]), abs(fix[2] - here[1] - self.to_middle)
        aside, along = max(0.0, dx - self.width / 2), max(0.0, dy - self.length / 2)
        return math.hypot(aside, along) if aside <= ASIDE_M and along <= ALONG_M else math.inf


def mean_distance(truth, path):
    """Of the fixes to the vehicle; INF when too few of them lie at it."""
    gaps = [truth.distance(f) for f in path]
    near = [g for g in gaps if math.isfinite(g)]
    if len(near) < FOREIGN_SHARE * len(gaps) or not near:
        return math.inf
    # a passage that spent the most time at the vehicle is the vehicle's
    return sum(near) / len(near) + (len(gaps) - len(near)) / len(gaps)


def match(passages, truths):
    """{index of passage: truth}, one to one: the nearest first, those with a speed before those
    without, for who was measured once and refused once was measured."""
    pairs = []
    for i, p in enumerate(passages):
        if not p["path"]:
            continue
        for t in truths:
            d = mean_distance(t, p["path"])
            if math.isfinite(d):
                pairs.append((p["speed_kmh"] is None, d, i, t.id, t))
    found, taken = {}, set()
    for _, _, i, number, t in sorted(pairs, key=lambda x: x[:4]):
        if i not in found and number not in taken:
            found[i] = t
            taken.add(number)
    return found


def row_of(name, p, t, limit):
    """What one passage says and what was true."""
    row = {"scene": name, "track": p["track"], "t": p["t_first"], "class": p["class"],
           "speed": p["speed_kmh"], "u95": p["speed_uncertainty_kmh"], "reason": p.get("reason"),
           "charged": p["charged_kmh"], "accused": p["violation"] is not None, "truth_id": None,
           "true_class": None, "true": None, "due": False}
    if t:
        path = p["path"]
        true = t.mean_kmh(path[0][0], path[-1][0])
        row.update(truth_id=t.id, true_class=t.kind, due=t.is_due,
                   true=true if true is not None else t.zone_kmh)
    keeps = row["true"] is None or row["true"] <= limit or row["true_class"] in UNACCUSABLE
    row["false_accusation"] = row["accused"] and keeps
    row["overcharged"] = bool(row["charged"] is not None and row["true"] is not None
                              and row["charged"] > row["true"])
    return row


def score_scene(name, truth, passages):
    """Rows of one scene: passages first, then those that nobody saw."""
    truths = [Truth(v) for v in truth["vehicles"]]
    found = match(passages, truths)
    limit = truth["speed_limit_kmh"]
    rows = [row_of(name, p, found.get(i), limit) for i, p in enumerate(passages)]
    seen = {t.id for t in found.values()}
    for t in truths:
        if t.is_due and t.id not in seen:
            rows.append({"scene": name, "track": None, "t": t.enter, "class": None, "speed": None,
                         "u95": None, "reason": None, "charged": None, "accused": False,
                         "truth_id": t.id, "true_class": t.kind, "true": t.zone_kmh, "due": True,
                         "false_accusation": False, "overcharged": False})
    return rows


def percentile(values, share):
    """Straight between order statistics."""
    v = sorted(values)
    k = share * (len(v) - 1)
    i = min(int(k), len(v) - 2) if len(v) > 1 else 0
    return v[i] if len(v) == 1 else v[i] + (k - i) * (v[i + 1] - v[i])


def within_r91(error, true):
    return abs(error) <= (3.0 if true <= 100 else 0.03 * true)


def errors_of(measured):
    """Figures of those measured; None where there is nobody."""
    if not measured:
        return dict.fromkeys(("bias", "mae", "median", "p95", "worst", "r91", "coverage", "u95"))
    errors = [r["speed"] - r["true"] for r in measured]
    wide = [abs(e) for e in errors]
    n = len(wide)
    return {"bias": sum(errors) / n, "mae": sum(wide) / n, "median": percentile(wide, 0.5),
            "p95": percentile(wide, 0.95), "worst": max(wide),
            "r91": sum(within_r91(e, r["true"]) for e, r in zip(errors, measured)) / n,
            "coverage": sum(w <= r["u95"] for w, r in zip(wide, measured)) / n,
            "u95": sum(r["u95"] for r in measured) / n}


def figures(rows):
    """All figures of some rows; shares are 0 to 1."""
    due = [r for r in rows if r["due"]]
    found = [r for r in due if r["speed"] is not None]
    spoken = [r for r in rows if r["speed"] is not None]
    false = [r for r in spoken if r["truth_id"] is None]
    measured = [r for r in spoken if r["true"] is not None and r["due"]]
    missed = sum(r["track"] is None for r in due)
    known = [r for r in due if r["class"] not in (None, "unknown")]
    return {"true": len(due), "found": len(found),
            "refused": sum(r["speed"] is None and r["track"] is not None for r in due),
            "missed": missed, "seen": 1 - missed / len(due) if due else None, "false": len(false),
            "ghosts_refused": sum(r["truth_id"] is None and r["speed"] is None for r in rows),
            "recall": len(found) / len(due) if due else None,
            "precision": 1 - len(false) / len(spoken) if spoken else None, **errors_of(measured),
            "false_accusations": sum(r["false_accusation"] for r in rows),
            "overcharged": sum(r["overcharged"] for r in rows),
            "class_right": sum(r["class"] == r["true_class"] for r in known) / len(known)
            if known else None, "class_unknown": sum(r["class"] == "unknown" for r in due)}


def confusion(rows):
    """{(true class, class): how many} of those found."""
    out = {}
    for r in rows:
        if r["due"] and r["class"]:
            key = (r["true_class"], r["class"])
            out[key] = out.get(key, 0) + 1
    return out


def why_refused(rows):
    out = {}
    for r in rows:
        if r["track"] is not None and r["speed"] is None:
            key = (r["reason"] or "?") + ("" if r["truth_id"] else " (nobody there)")
            out[key] = out.get(key, 0) + 1
    return out
