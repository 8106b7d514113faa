"""The tables, and what issue-wide goals they are held against."""
import score

# name, figure, holds, words
GOALS = (
    ("recall by day", "day", "recall", lambda x: x >= 0.98, ">= 98 %"),
    ("recall at night and in rain", "dark or wet", "recall", lambda x: x >= 0.95, ">= 95 %"),
    ("precision", "all", "precision", lambda x: x >= 0.98, ">= 98 %"),
    ("mean error", "all", "mae", lambda x: x <= 0.8, "<= 0.8 km/h"),
    ("95th percentile", "all", "p95", lambda x: x <= 2.0, "<= 2.0 km/h"),
    ("within OIML R 91", "all", "r91", lambda x: x >= 1, "all"),
    ("interval true", "all", "coverage", lambda x: 0.93 <= x <= 0.99, "93 to 99 %"),
    ("false accusations", "all", "false_accusations", lambda x: x == 0, "none"),
    ("charged above truth", "all", "overcharged", lambda x: x == 0, "none"),
)
HEAD = (f"{'':16s} {'true':>5s} {'found':>5s} {'refus':>5s} {'miss':>4s} {'false':>5s} {'recall':>6s} {'seen':>6s} "
        f"{'prec':>6s} {'bias':>6s} {'MAE':>5s} {'med':>5s} {'p95':>6s} {'worst':>6s} {'R91':>6s} "
        f"{'cover':>6s} {'U95':>5s} {'class':>6s} {'accus':>5s} {'over':>4s}")


def number(x, spec, scale=1):
    width = int(spec.split(".")[0].lstrip("+"))
    return "-".rjust(width) if x is None else format(x * scale, spec.replace("+", "+") + "f")


def line(name, f):
    return (f"{name:16s} {f['true']:5d} {f['found']:5d} {f['refused']:5d} {f['missed']:4d} "
            f"{f['false']:5d} {number(f['recall'], '6.1', 100)} {number(f['seen'], '6.1', 100)} "
            f"{number(f['precision'], '6.1', 100)} "
            f"{number(f['bias'], '+6.2')} {number(f['mae'], '5.2')} {number(f['median'], '5.2')} "
            f"{number(f['p95'], '6.2')} {number(f['worst'], '6.2')} {number(f['r91'], '6.1', 100)} "
            f"{number(f['coverage'], '6.1', 100)} {number(f['u95'], '5.2')} "
            f"{number(f['class_right'], '6.1', 100)} {f['false_accusations']:5d} {f['overcharged']:4d}")


def table(title, groups):
    """groups: {name: rows}"""
    print(f"\n{title}\n{HEAD}")
    for name, rows in groups.items():
        print(line(name, score.figures(rows)))


def grouped(rows, key):
    out = {}
    for r in rows:
        out.setdefault(key(r), []).append(r)
    return dict(sorted(out.items()))


def is_dark_or_wet(scene):
    light = scene["light"]
    return light["kind"] == "night" or light.get("rain", 0) > 0 or light.get("snow", 0) > 0


def view_of(scene):
    angle = scene["about"]["angle_deg"]
    return next(name for name, top in (("0-20 deg", 20), ("20-45 deg", 45), ("45-70 deg", 70),
                                       ("70-90 deg", 91)) if angle < top)


def breakdowns(rows, by_name):
    """Title and groups of each table; by_name: {scene's name: scene}."""
    def of(row):
        return by_name[row["scene"]]
    return (
        ("condition", grouped(rows, lambda r: of(r)["about"]["condition"])),
        ("view against the road", grouped(rows, lambda r: view_of(of(r)))),
        ("camera height", grouped(rows, lambda r: f"{int(of(r)['camera']['height'] / 1.5) * 1.5:g} m up")),
        ("picture", grouped(rows, lambda r: f"{of(r)['video']['height']:4d}p")),
        ("frames a second", grouped(rows, lambda r: f"{of(r)['video']['fps']:4.1f}" + (
            " jitter" if of(r)["video"]["pts_jitter_ms"] else ""))),
        ("true class", grouped([r for r in rows if r["true_class"]], lambda r: r["true_class"])),
        ("light and weather", {
            "day": [r for r in rows if not is_dark_or_wet(of(r))],
            "dark or wet": [r for r in rows if is_dark_or_wet(of(r))], "all": rows}))


def goals(rows, by_name):
    """[(name, figure, words, holds)]"""
    sets = {"all": rows,
            "day": [r for r in rows if not is_dark_or_wet(by_name[r["scene"]])],
            "dark or wet": [r for r in rows if is_dark_or_wet(by_name[r["scene"]])]}
    out = []
    for name, part, key, holds, words in GOALS:
        value = score.figures(sets[part])[key]
        out.append((name, key, value, words, value is not None and holds(value)))
    return out


def print_goals(lines):
    print("\ngoals")
    for name, key, value, words, holds in lines:
        share = key in ("recall", "precision", "r91", "coverage")
        shown = "-" if value is None else f"{100 * value:.1f} %" if share else f"{value:.2f}" \
            if isinstance(value, float) else str(value)
        print(f"  {name:28s} {shown:>8s}   goal {words:12s} {'pass' if holds else 'MISS'}")


def what_went_wrong(rows):
    """One scene's troubles in words, worst first."""
    said = []
    for r in rows:
        who = f"{r['t']:.1f} s " if r["t"] is not None else ""
        if r["false_accusation"]:
            said.append((0, f"{who}FALSE ACCUSATION: {r['speed']} of true {r['true']}"))
        elif r["overcharged"]:
            said.append((1, f"{who}charged {r['charged']} of true {r['true']:.1f}"))
        elif r["speed"] is not None and r["truth_id"] is None:
            said.append((2, f"{who}nobody there, {r['speed']} km/h"))
        elif r["due"] and r["track"] is None:
            said.append((3, f"{who}{r['true_class']} {r['truth_id']} missed"))
        elif r["due"] and r["speed"] is None:
            said.append((4, f"{who}{r['true_class']} refused: {r['reason']}"))
        elif r["due"] and abs(r["speed"] - r["true"]) > max(1.5, r["u95"]):
            said.append((5, f"{who}{r['true_class']} {r['speed'] - r['true']:+.1f} of "
                            f"{r['true']:.1f} (± {r['u95']})"))
    return [text for _, text in sorted(said, key=lambda x: x[0])]


def print_worst(rows, n=12):
    troubles = sorted(((what_went_wrong(part), name) for name, part in
                       grouped(rows, lambda r: r["scene"]).items()), key=lambda x: -len(x[0]))
    print("\nworst scenes")
    for said, name in troubles[:n]:
        if said:
            print(f"  {name}: {len(said)}: " + "; ".join(said[:5]) + ("; …" if len(said) > 5 else ""))
