"""Who drives: road users that keep their distance, by rule."""

CLASSES = {"car": 62, "truck": 12, "bus": 8, "motorcycle": 14, "bicycle": 4}

# Length, width, height in metres: from the smallest to the largest on the roads.
SIZES = {
    "sedan": ((4.3, 5.1), (1.72, 1.92), (1.40, 1.52)),
    "suv": ((4.3, 5.0), (1.80, 2.00), (1.62, 1.85)),
    "hatch": ((3.5, 4.3), (1.60, 1.80), (1.46, 1.60)),
    "van": ((4.7, 5.5), (1.80, 2.00), (1.80, 2.10)),
    "truck": ((6.0, 11.5), (2.15, 2.55), (2.7, 3.9)),
    "bus": ((8.5, 12.0), (2.35, 2.55), (2.8, 3.4)),
    "motorcycle": ((1.9, 2.25), (0.70, 0.90), (1.50, 1.72)),
    "bicycle": ((1.65, 1.85), (0.50, 0.60), (1.60, 1.80)),
    "pickup": ((5.0, 5.6), (1.85, 2.00), (1.72, 1.90)),
    "flatbed": ((6.2, 9.0), (2.10, 2.50), (2.2, 2.8)),
    "articulated": ((13.5, 16.8), (2.45, 2.55), (3.6, 4.0)),
    "coach": ((10.5, 13.0), (2.48, 2.55), (3.5, 3.85)),
    "scooter": ((1.70, 1.90), (0.62, 0.75), (1.50, 1.70)),
}

# By class: the shapes that dev's older scenes know, and all.
PLAIN = {"car": {"sedan": 45, "suv": 28, "hatch": 17, "van": 10}}
ALL = {"car": {"sedan": 35, "suv": 28, "hatch": 12, "van": 12, "pickup": 13},
       "truck": {"truck": 40, "flatbed": 30, "articulated": 30}, "bus": {"bus": 50, "coach": 50},
       "motorcycle": {"motorcycle": 50, "scooter": 50}}

# sRGB: what is sold most comes most often. The sets share no colour.
PAINTS = {
    "dev": ["#f0f0ee", "#e8e8e4", "#101214", "#1c1e22", "#b8bcc0", "#6c7076", "#8c1c1c", "#27508c",
            "#3a3226", "#6a5a3c"],
    "held-out": ["#f6f5f0", "#dcdcd8", "#0a0b0c", "#26282a", "#a4a8ac", "#54585c", "#b02418",
                 "#16306a", "#1e4a34", "#c8a018", "#d8641c", "#7a2c4c"],
}
GAP_M = 5.0      # between two in one lane, at least
RANGE_M = 45.0   # around the zone where that is looked at


def colour(draw, family):
    r, g, b = (int(draw.one_of("paint", PAINTS[family])[i:i + 2], 16) for i in (1, 3, 5))
    shift = [draw.between(f"paint/{i}", -9, 9) for i in range(3)]
    return "#%02x%02x%02x" % tuple(max(4, min(250, round(c + s)))
                                   for c, s in zip((r, g, b), shift))


def speed(draw, kind, limit):
    """km/h: most below the limit, some a hair below it, some far above."""
    if kind == "bicycle":
        return draw.between("speed", 12, 24)
    sort = draw.unit("driver")
    top = 0.92 if kind in ("truck", "bus") else 1.0
    if sort < 0.45:
        return draw.between("speed", 0.62, 0.97) * limit * top
    if sort < 0.70:
        return limit - draw.between("speed", 0.3, 3.0)
    return limit * (1 + draw.between("speed", 0.06, 0.75) * (0.5 if top < 1 else 1))


def road_user(draw, family, recipe, limit):
    kind = draw.weighted("class", CLASSES)
    shapes = ALL if family != "dev" or recipe.get("shapes") else PLAIN
    shape = draw.weighted("shape", shapes[kind]) if kind in shapes else kind
    (l0, l1), (w0, w1), (h0, h1) = SIZES[shape]
    size = draw.unit("size")
    v = {"class": kind, "colour": colour(draw, family),
         "length": round(l0 + (l1 - l0) * size, 2),
         "width": round(w0 + (w1 - w0) * (0.6 * size + 0.4 * draw.unit("width")), 2),
         "height": round(h0 + (h1 - h0) * draw.unit("height"), 2),
         "speed_kmh": round(speed(draw, kind, limit), 1),
         "offset": round(draw.between("offset", -0.35, 0.35), 2),
         "wander": round(draw.between("wander", 0.0, 0.12), 2)}
    if shape != kind:
        v["shape"] = shape
    return v


def speed_at(v, t):
    curve = v.get("speeds")
    if not curve:
        return v["speed_kmh"]
    if t <= curve[0][0]:
        return curve[0][1]
    for (ta, va), (tb, vb) in zip(curve, curve[1:]):
        if t <= tb:
            return va + (vb - va) * (t - ta) / (tb - ta)
    return curve[-1][1]


def positions(v, sign, y_mid, seconds):
    """Y at every quarter of a second, from 4 s before the clip to 4 s after it."""
    step, n = 0.25, int((seconds + 8) / 0.25) + 1
    speeds = [speed_at(v, i * step - 4) / 3.6 for i in range(n)]
    along = [0.0]
    for a, b in zip(speeds, speeds[1:]):
        along.append(along[-1] + step * (a + b) / 2)
    k = (v["t"] + 4) / step
    i = max(0, min(n - 2, int(k)))
    here = along[i] + (along[i + 1] - along[i]) * (k - i)
    return [y_mid + sign * (s - here) for s in along]


def lanes_of(v):
    return {v["lane"], v.get("lane_to") or v["lane"]}


def is_apart(a, ya, b, yb, zone):
    if not lanes_of(a) & lanes_of(b):
        return True
    least = (a["length"] + b["length"]) / 2 + GAP_M
    return all(abs(p - q) >= least for p, q in zip(ya, yb)
               if zone[0] - RANGE_M < p < zone[1] + RANGE_M
               and zone[0] - RANGE_M < q < zone[1] + RANGE_M)


def is_inside(v, ys, zone, seconds):
    """Whether it crosses the whole zone while the clip runs, with half a second to spare."""
    for i, y in enumerate(ys):
        t = i * 0.25 - 4
        if zone[0] - v["length"] <= y <= zone[1] + v["length"] and not 0.5 < t < seconds - 0.5:
            return False
    return True


def vary(draw, v, lanes, recipe):
    """Braking, accelerating, changing lanes."""
    t = v["t"]
    if v["class"] == "bicycle":
        return
    if draw.chance("changes speed", recipe.get("speed_changes", 0.15)):
        factor = draw.between("factor", 0.55, 0.85) if draw.chance("brakes", 0.7) \
            else draw.between("factor", 1.1, 1.3)
        length = draw.between("change s", 1.5, 3.5)
        start = t + draw.between("change t", -2.0, 0.6)
        v["speeds"] = [[round(start, 2), v["speed_kmh"]],
                       [round(start + length, 2), round(v["speed_kmh"] * factor, 1)]]
    here = lanes[v["lane"] - 1]
    beside = [i + 1 for i, l in enumerate(lanes)
              if l["direction"] == here["direction"] and abs(l["x"] - here["x"]) < 4.1
              and i + 1 != v["lane"]]
    if beside and draw.chance("changes lane", recipe.get("lane_changes", 0.1)):
        v["lane_to"] = draw.one_of("lane to", beside)
        v["lane_change_t"] = round(t + draw.between("lane t", -2.5, 0.0), 2)
        v["lane_change_s"] = round(draw.between("lane s", 2.5, 5.0), 1)


def fill(draw, family, recipe, lanes, limit, zone, seconds):
    """Up to recipe's number of road users; each is tried at several times until it fits."""
    users, tracks, y_mid = [], [], (zone[0] + zone[1]) / 2
    wanted = draw.whole("users", *recipe.get("users", (9, 12)))
    for i in range(12 * wanted):
        if len(users) == wanted:
            break
        d = draw.sub(f"user/{i}")
        v = road_user(d, family, recipe, limit)
        v["lane"] = d.whole("lane", 1, len(lanes))
        v["t"] = round(d.between("t", 0.8, seconds - 0.8), 2)
        if recipe.get("abreast") and users and d.chance("abreast", 0.6):
            v["t"] = round(users[-1]["t"] + d.between("dt", -0.35, 0.35), 2)
            v["speed_kmh"] = round(users[-1]["speed_kmh"] * d.between("dv", 0.96, 1.04), 1) \
                if v["class"] != "bicycle" else v["speed_kmh"]
        vary(d, v, lanes, recipe)
        sign = 1 if lanes[v["lane"] - 1]["direction"] == "away" else -1
        ys = positions(v, sign, y_mid, seconds)
        if is_inside(v, ys, zone, seconds) and all(
                is_apart(v, ys, w, yw, zone) for w, yw in zip(users, tracks)):
            users.append(v)
            tracks.append(ys)
    users.sort(key=lambda v: v["t"])
    return users


def walkers(draw, family, left, right, zone, seconds):
    """Somebody who crosses the road on foot."""
    y, t = draw.between("y", zone[0] + 2, zone[1] - 2), draw.between("t", 2, seconds - 8)
    ends = [[round(left - 1.5, 2), round(y, 2)], [round(right + 1.5, 2), round(y + 0.7, 2)]]
    if draw.chance("back", 0.5):
        ends.reverse()
    return [{"class": "pedestrian", "colour": colour(draw, family), "lane": 0, "from": ends[0],
             "to": ends[1], "t": round(t, 2), "speed_kmh": round(draw.between("v", 3.8, 6.2), 1)}]
