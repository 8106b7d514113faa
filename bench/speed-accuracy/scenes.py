"""The scenes of the benchmark, by rule: a set's name and a scene's name are all that goes in.

Each condition of CONDITIONS gives a few scenes. Within a condition heights, sizes, frame rates and
views are spread evenly, all else is drawn. dev is what one looks at while building; held-out shares
no seed, size, colour or time with it and is only scored.
"""
import json

import traffic
import view
from draw import Draw

SECONDS = 20.0
SIZES = {360: (640, 360), 480: (854, 480), 720: (1280, 720), 1080: (1920, 1080)}
RATES = (12.5, 15.0, 25.0, 30.0)

DAY = {"kind": "day", "elevation": (28, 68)}
NIGHT = {"kind": "night", "shutter": (4, 9), "noise": (0.8, 2.0), "sizes": (360, 360, 480, 720)}

# angles: degrees between road and view (0 along it, 90 across). Everything may be overridden.
CONDITIONS = {
    "day": {"n": 6, **DAY, "sizes": (360, 480, 720, 1080)},
    "overcast": {"n": 3, "kind": "overcast"},
    "long-shadows": {"n": 4, "kind": "day", "elevation": (11, 20)},
    "joined-shadows": {"n": 4, "kind": "day", "elevation": (16, 28), "across": True,
                       "abreast": True, "lanes": (2, 3)},
    "low-sun": {"n": 4, "kind": "day", "elevation": (3.5, 9)},
    "exposure": {"n": 4, **DAY, "step": True},
    "night": {"n": 6, **NIGHT},
    "night-rain": {"n": 3, **NIGHT, "rain": (0.3, 0.9)},
    "rain": {"n": 5, "kind": "overcast", "rain": (0.25, 1.0), "noise": (0.6, 1.5)},
    "shake": {"n": 5, **DAY, "shake": (0.3, 1.0)},
    "low-bitrate": {"n": 5, "kind": "overcast", "bitrate": (450, 550), "sizes": (480, 720),
                    "noise": (0.5, 1.2)},
    "oblique": {"n": 6, **DAY, "angles": (22, 62)},
    "side": {"n": 6, **DAY, "angles": (68, 90)},
    "dense": {"n": 4, **DAY, "users": (14, 17), "lanes": (3, 4), "angles": (0, 20)},
    "snow": {"n": 3, "kind": "overcast", "snow": (0.3, 1.0), "noise": (1.2, 2.8)},
    "wet": {"n": 2, "kind": "overcast", "wet": (0.5, 1.0), "rain": (0.1, 0.4)},
    "wet-night": {"n": 3, **NIGHT, "wet": (0.5, 1.0)},
    "birds-foliage": {"n": 3, **DAY, "birds": (12, 30), "wind": (0.1, 0.3), "trees": 1.0,
                      "angles": (0, 12), "sizes": (360, 360, 480)},
    "occluded": {"n": 3, **DAY, "posts": (1, 3)},
    "shapes": {"n": 4, **DAY, "shapes": True, "angles": (0, 50)},
    "manoeuvres": {"n": 4, **DAY, "speed_changes": 0.6, "lane_changes": 0.5, "lanes": (3, 4)},
}


def names():
    return [f"{c}-{i + 1}" for c, recipe in CONDITIONS.items() for i in range(recipe["n"])]


def family_of(set_name):
    return "dev" if set_name == "dev" else "held-out"


def lanes_of(draw, recipe):
    """Lanes from left to right; who comes keeps to the left half of the picture (right-hand rule)."""
    n = draw.whole("lanes", *recipe.get("lanes", (2, 3)))
    width = round(draw.between("lane width", 3.25, 3.75), 2)
    toward = n // 2 if draw.chance("two ways", 0.7) else n * draw.whole("one way", 0, 1)
    if recipe.get("abreast") and n == 2:
        toward = n * draw.whole("one way", 0, 1)
    shift = round(draw.between("shift", -1, 1), 2)
    return [{"x": round((i - (n - 1) / 2) * width + shift, 3), "width": width,
             "direction": "toward" if i < toward else "away"} for i in range(n)]


def video(draw, common, recipe, index):
    """Size, frame rate, jitter and bit rate; spread evenly over the condition's scenes."""
    n, sizes = recipe["n"], recipe.get("sizes", (360, 360, 480, 480, 720))
    width, height = SIZES[sizes[int(common.stratum("size", index, n) * len(sizes))]]
    fps = RATES[int(common.stratum("fps", index, n) * len(RATES))]
    if height == 1080:
        fps = min(fps, 15.0)  # what takes longest to render
    rate = recipe.get("bitrate")
    jitter = common.stratum("jitter", index, n) < 0.5
    return {"width": width, "height": height, "fps": fps,
            "bitrate_kbps": round(draw.between("bit rate", *rate)) if rate
            else round(width * height / 640 / 360 * draw.between("bit rate", 1500, 2500)),
            "pts_jitter_ms": round(draw.between("jitter", 2, 14), 1) if jitter else 0}


def sun(draw, recipe):
    azimuth = draw.between("azimuth", -180, 180)
    if recipe.get("across"):
        azimuth = draw.one_of("from", (-90, 90)) + draw.between("azimuth", -30, 30)
    return {"sun_azimuth_deg": round(azimuth, 1),
            "sun_elevation_deg": round(draw.between("elevation", *recipe["elevation"]), 1)}


def light(draw, recipe):
    conf = {"kind": recipe["kind"], "exposure": round(draw.between("exposure", 0.85, 1.2), 2),
            "shutter_ms": round(draw.between("shutter", *recipe.get("shutter", (0.8, 3))), 2),
            "noise": round(draw.between("noise", *recipe.get("noise", (0.4, 0.9))), 2)}
    if recipe["kind"] == "day":
        conf.update(sun(draw, recipe))
    for what in ("rain", "snow", "wet"):
        if recipe.get(what):
            conf[what] = round(draw.between(what, *recipe[what]), 2)
    if recipe.get("step"):
        darker = draw.chance("darker", 0.5)
        factor = draw.between("step", 0.5, 0.7) if darker else draw.between("step", 1.4, 1.9)
        conf.update(step_t=round(draw.between("step t", 5, 14), 2), step_factor=round(factor, 2))
    return conf


def scenery(draw, recipe, angle, eye, left, right):
    """Beside the road the pavement reaches behind the camera, and no tree stands before it."""
    conf = {"trees": angle < 15 and draw.chance("trees", recipe.get("trees", 0.6)),
            "buildings": draw.chance("buildings", 0.7), "lamps": True,
            "sidewalk": round(draw.between("sidewalk", 2, 5), 1),
            "building_height": round(draw.between("storeys", 6, 40), 1),
            "lamp_spacing": round(draw.between("lamps", 24, 40), 1)}
    if recipe.get("birds"):
        conf["birds"] = draw.whole("birds", *recipe["birds"])
        conf["wind"] = round(draw.between("wind", *recipe["wind"]), 2)
    beside = max(left - eye[0], eye[0] - right)
    if beside > -1:
        conf["sidewalk"] = round(max(conf["sidewalk"], min(30.0, beside + 2)), 1)
    return conf


def seen_angle(pan_deg):
    """Between the view and the road, 0 to 90, whichever way it looks."""
    pan = abs((pan_deg + 180) % 360 - 180)
    return round(min(pan, 180 - pan), 1)


def hanging(eye, x, y, d):
    """Over a lane: small, near the camera, above what drives below it."""
    k = min(0.5, max(0.08, 1 - 4.4 / eye[2]))
    at = [eye[0] + k * (x - eye[0]), eye[1] + k * (y - eye[1]), eye[2] * (1 - k)]
    half = k * d.between("hangs", 0.3, 0.7)
    return {"from": [round(at[0] - half, 3), round(at[1] - 0.03, 3), round(at[2] - half, 3)],
            "to": [round(at[0] + half, 3), round(at[1], 3), round(at[2] + half, 3)]}


def posts(draw, recipe, eye, zone, left, right):
    """Posts beside the road and signs over it, on lines of sight to points of the zone."""
    boxes = []
    for i in range(draw.whole("posts", *recipe["posts"])):
        d = draw.sub(f"post/{i}")
        x, y = d.between("x", left, right), d.between("y", zone[0] + 2, zone[1] - 2)
        k = d.between("near", 0.35, 0.6)
        px, py = eye[0] + k * (x - eye[0]), eye[1] + k * (y - eye[1])
        half, top = d.between("half", 0.05, 0.10), eye[2] * (1 - k) + 1.0
        if left - 0.6 < px < right + 0.6:
            boxes.append(hanging(eye, x, y, d))
            continue
        boxes.append({"from": [round(px - half, 2), round(py - half, 2), 0],
                      "to": [round(px + half, 2), round(py + half, 2), round(top, 2)]})
    return boxes


def scene(set_name, name):
    """One scene as citybrain-sim reads it; `about` says what it is to try."""
    condition, number = name.rsplit("-", 1)
    index, recipe = int(number) - 1, CONDITIONS[condition]
    common, draw = Draw(set_name, condition), Draw(set_name, name)
    family, n = family_of(set_name), recipe["n"]
    lanes = lanes_of(draw, recipe)
    left, right = lanes[0]["x"] - lanes[0]["width"] / 2, lanes[-1]["x"] + lanes[-1]["width"] / 2
    low, high = recipe.get("angles", (0, 30))
    angle = low + (high - low) * common.stratum("angle", index, n)
    height = round(4.5 + 4.5 * common.stratum("height", index, n), 2)
    picture = video(draw, common, recipe, index)
    eye, y_min, y_max, pan, tilt, focal = view.place(
        angle, height, draw.between("zone", 18, 30), left, right, draw.unit("aside"),
        (picture["width"], picture["height"]))
    zone = [round(y_min, 1), round(y_max, 1)]
    limit = draw.one_of("limit", (40, 50, 60, 60, 70, 80, 100, 120))
    users = traffic.fill(draw, family, recipe, lanes, limit, zone, SECONDS)
    if draw.chance("on foot", 0.2) and limit <= 60:
        users += traffic.walkers(draw.sub("on foot"), family, left, right, zone, SECONDS)
    camera = {"x": round(eye[0], 2), "y": 0, "height": height, "tilt_deg": round(tilt, 2),
              "pan_deg": round(pan, 2), "roll_deg": round(draw.between("roll", -1, 1), 2),
              "focal_px": round(focal, 1)}
    if recipe.get("shake"):
        low, high = recipe["shake"]
        camera["shake_px"] = round(low + (high - low) * common.stratum("shake", index, n), 2)
    one = {"about": {"set": set_name, "condition": condition, "angle_deg": seen_angle(pan)},
           "id": name, "name": name, "speed_limit_kmh": limit, "seconds": SECONDS, "zone": zone,
           "video": picture, "camera": camera, "light": light(draw, recipe),
           "scenery": scenery(draw, recipe, angle, eye, left, right), "lanes": lanes,
           "survey": {"points": draw.whole("points", 8, 12),
                      "noise_px": round(draw.between("noise px", 0.1, 0.3), 2),
                      "noise_m": 0.01},
           "sound": {"codec": "none"}, "vehicles": users}
    if recipe.get("posts"):
        one["boxes"] = posts(draw, recipe, eye, zone, left, right)
    return one


def seed(set_name, name):
    """What is random inside the simulator."""
    return Draw(set_name, name).whole("simulator", 1, 999999999)


def text(one):
    return json.dumps(one, indent=1, sort_keys=True) + "\n"
