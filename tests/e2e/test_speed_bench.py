"""The benchmark of speeds: its scenes are made by rule and cover what they must, and its scorer
tells right from wrong. Nothing is rendered or measured here."""
import copy
import json
import pathlib
import subprocess
import sys

import pytest

import harness

BENCH = harness.ROOT / "bench/speed-accuracy"
sys.path.insert(0, str(BENCH))

import report  # noqa: E402
import scenes  # noqa: E402
import score  # noqa: E402


@pytest.fixture(scope="module", params=["dev", "held-out", "17"])
def made(request):
    return [scenes.scene(request.param, name) for name in scenes.names()]


def test_same_set_same_scenes_in_another_process(tmp_path):
    """Nothing hangs on the hash seed of the process or on what was drawn before."""
    for folder in ("a", "b"):
        subprocess.run([BENCH / "run", "--set", "dev", "--only", "n*", "--only", "side-2", "--write",
                        tmp_path / folder], check=True, timeout=60)
    files = sorted(p.name for p in (tmp_path / "a").iterdir())
    assert "side-2.json" in files and len(files) > 5
    for name in files:
        text = (tmp_path / "a" / name).read_text()
        assert text == (tmp_path / "b" / name).read_text()
        assert text == scenes.text(scenes.scene("dev", pathlib.Path(name).stem))


def test_sets_share_no_vehicle():
    def users(set_name):
        return {(v["colour"], v.get("length"), v["speed_kmh"], v["t"])
                for n in scenes.names() for v in scenes.scene(set_name, n)["vehicles"]}
    assert not users("dev") & users("held-out")


def test_every_line_is_covered(made):
    def some(condition):
        return sum(1 for s in made if condition(s))
    light = [s["light"] for s in made]
    assert len(made) >= 60 and sum(len(s["vehicles"]) for s in made) >= 500
    assert some(lambda s: s["light"].get("sun_elevation_deg", 90) < 10) >= 3
    assert some(lambda s: 10 < s["light"].get("sun_elevation_deg", 90) < 20) >= 3
    assert all(sum(1 for x in light if x.get(k, 0) > 0) >= n
               for k, n in (("rain", 6), ("snow", 3), ("wet", 4), ("step_t", 4)))
    assert some(lambda s: s["light"]["kind"] == "night") >= 6
    assert some(lambda s: s["camera"].get("shake_px", 0) > 0) >= 4
    assert some(lambda s: s["video"]["bitrate_kbps"] < 560) >= 4
    assert some(lambda s: s["scenery"].get("birds") and s["scenery"].get("wind")) >= 3
    assert some(lambda s: s.get("boxes")) >= 3
    heights = [s["camera"]["height"] for s in made]
    assert min(heights) < 4.8 and max(heights) > 8.7 and 4.5 <= min(heights) <= max(heights) <= 9
    angles = [s["about"]["angle_deg"] for s in made]
    assert min(angles) < 6 and max(angles) > 80 and some(lambda s: 40 < s["about"]["angle_deg"] < 70)
    assert {s["video"]["height"] for s in made} == {360, 480, 720, 1080}
    assert {s["video"]["fps"] for s in made} >= {12.5, 15.0, 25.0, 30.0}
    assert some(lambda s: s["video"]["pts_jitter_ms"] > 0) >= 20
    assert some(lambda s: s["video"]["pts_jitter_ms"] == 0) >= 20
    kinds = [v["class"] for s in made for v in s["vehicles"]]
    assert all(kinds.count(k) >= n for k, n in (("car", 200), ("truck", 40), ("bus", 25),
                                                ("motorcycle", 50)))
    assert any("lane_to" in v for s in made for v in s["vehicles"])
    assert any("speeds" in v for s in made for v in s["vehicles"])
    near = [v for s in made for v in s["vehicles"]
            if s["speed_limit_kmh"] - 3.1 < v["speed_kmh"] < s["speed_limit_kmh"]]
    fast = [v for s in made for v in s["vehicles"] if v["speed_kmh"] > 1.06 * s["speed_limit_kmh"]]
    assert len(near) > 60 and len(fast) > 100


def test_the_simulator_takes_them(tmp_path):
    """Its own reader, its own truth: all are inside the clip, which the rule has promised."""
    n_due = 0
    for name in ("wet-night-1", "occluded-1", "birds-foliage-2", "side-3", "snow-2", "dense-1"):
        one = scenes.scene("held-out", name)
        (tmp_path / "scene.json").write_text(scenes.text(one))
        subprocess.run([harness.SIM, tmp_path / "scene.json", "--out", tmp_path / name,
                        "--truth-only", "--quiet"], check=True, timeout=60)
        truth = json.loads((tmp_path / name / "truth.json").read_text())
        due = [t for t in map(score.Truth, truth["vehicles"]) if t.is_due]
        n_due += len(due)
        assert len(due) >= 0.8 * len([v for v in one["vehicles"] if v["class"] != "pedestrian"])
    assert n_due >= 45


# -- the scorer ---------------------------------------------------------------------------------

def vehicle(number, kmh, lane_x, start_s, kind="car"):
    """Away from the camera from Y = 0 at start_s; the zone is 10 to 40."""
    v = kmh / 3.6
    at = [round(0.1 * i, 1) for i in range(200)]
    samples = [[t, lane_x, v * (t - start_s)] for t in at if 0 <= v * (t - start_s) <= 55]
    return {"id": number, "class": kind, "direction": "away", "lane": 1, "dims_m": [4.6, 1.8, 1.5],
            "speed_kmh": kmh, "t_zone_enter": start_s + 10 / v, "t_zone_exit": start_s + 40 / v,
            "in_clip": True, "contact_to_bumper_m": 0.9, "samples": samples}


def truth():
    return {"speed_limit_kmh": 60, "vehicles": [
        vehicle(1, 54.0, 0, 2), vehicle(2, 81.0, 3.5, 5), vehicle(3, 59.0, 0, 9, "truck")]}


def passage(v, kmh=None, **other):
    """A perfect passage of a vehicle, or one that says kmh; charged by the rule."""
    speed = v["speed_kmh"] if kmh is None else kmh
    path = [s for s in v["samples"] if 10 <= s[2] <= 40]
    p = {"track": v["id"], "t_first": path[0][0], "t_last": path[-1][0], "class": v["class"],
         "direction": "away", "speed_kmh": speed, "speed_uncertainty_kmh": 1.0,
         "charged_kmh": speed - 3, "violation": "speeding" if speed - 3 > 60 else None,
         "reason": None, "path": copy.deepcopy(path)}
    return {**p, **other}


def figures(passages):
    return score.figures(score.score_scene("x", truth(), passages))


def test_perfect_is_scored_perfect():
    f = figures([passage(v) for v in truth()["vehicles"]])
    assert (f["true"], f["found"], f["false"], f["missed"], f["refused"]) == (3, 3, 0, 0, 0)
    assert f["recall"] == f["precision"] == f["r91"] == f["coverage"] == f["class_right"] == 1
    assert f["mae"] < 0.01 and f["worst"] < 0.01
    assert f["false_accusations"] == f["overcharged"] == 0


def test_refused_and_missed_are_not_found():
    a, b, _ = truth()["vehicles"]
    f = figures([passage(a), passage(b, speed_kmh=None, charged_kmh=None, violation=None,
                                     speed_uncertainty_kmh=None, reason="several_vehicles")])
    assert (f["found"], f["refused"], f["missed"], f["false"]) == (1, 1, 1, 0)
    assert f["recall"] == pytest.approx(1 / 3) and f["precision"] == 1


def test_errors_are_what_they_are():
    a, b, c = truth()["vehicles"]
    f = figures([passage(a, 56.0), passage(b, 76.0), passage(c)])
    assert f["mae"] == pytest.approx((2 + 5 + 0) / 3, abs=0.01)
    assert f["bias"] == pytest.approx((2 - 5) / 3, abs=0.01)
    assert f["median"] == pytest.approx(2, abs=0.01) and f["worst"] == pytest.approx(5, abs=0.01)
    assert f["r91"] == pytest.approx(2 / 3) and f["coverage"] == pytest.approx(1 / 3)


def test_second_passage_of_one_vehicle_is_false():
    vehicles = truth()["vehicles"]
    f = figures([passage(v) for v in vehicles] + [passage(vehicles[0], track=9)])
    assert f["false"] == 1 and f["precision"] == pytest.approx(3 / 4) and f["found"] == 3


def test_passage_in_an_empty_lane_is_false_and_its_neighbour_missed():
    a, b, c = truth()["vehicles"]
    stray = passage(a)
    stray["path"] = [[t, x - 4.0, y] for t, x, y in stray["path"]]
    f = figures([stray, passage(b), passage(c)])
    assert (f["false"], f["missed"], f["found"]) == (1, 1, 2)


def test_accusing_who_kept_the_limit():
    a, b, c = truth()["vehicles"]
    f = figures([passage(a), passage(b), passage(c, 64.0)])  # drove 59
    assert f["false_accusations"] == 1 and f["overcharged"] == 1
    ghost = passage(a, 90.0, track=9)
    ghost["path"] = [[t, x + 9, y] for t, x, y in ghost["path"]]
    assert figures([passage(a), passage(b), passage(c), ghost])["false_accusations"] == 1


def test_true_speed_is_that_of_the_measured_stretch():
    """Brakes from 20 to 10 m/s at once at 4 s: half the path, the whole path."""
    v = vehicle(1, 72.0, 0, 2)
    v["samples"] = [[t / 10, 0, 20 * (min(t, 40) - 20) / 10 + 10 * max(0, t - 40) / 10]
                    for t in range(20, 60)]
    t = score.Truth(v)
    assert t.mean_kmh(2.5, 3.5) == pytest.approx(72)
    assert t.mean_kmh(4.5, 5.5) == pytest.approx(36)
    assert t.mean_kmh(3.0, 5.0) == pytest.approx(54)


def test_goals_fail_for_a_bad_meter_and_hold_for_a_good_one():
    scene = {"x": scenes.scene("dev", "day-1")}
    vehicles = truth()["vehicles"]

    def held(passages):
        rows = score.score_scene("x", truth(), passages)
        return {g[0]: g[4] for g in report.goals(rows, scene)}
    good, bad = held([passage(v) for v in vehicles]), held([passage(v, 70.0) for v in vehicles])
    assert good["recall by day"] and good["mean error"] and good["false accusations"]
    assert not bad["mean error"] and not bad["false accusations"] and not bad["charged above truth"]
