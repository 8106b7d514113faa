"""Many recordings at once in one daemon: each is measured as `citybrain measure` measures it alone."""
import collections
import json
import pathlib
import shutil

import harness
from lone_edge import Edge

SCENE = pathlib.Path(__file__).with_name("scenes") / "short.json"
N_CAMERAS = 24
FPS = 12
LIMIT_KMH = 80  # one of the scene's vehicles is too fast: a package a camera
SKIPPED_S = (0, 2, 4)  # recordings that differ


def recordings(folder):
    """(the camera's entry, clips): the scene at few pictures a second, cut at three key frames."""
    scene = json.loads(SCENE.read_text())
    scene["video"] |= {"fps": FPS, "gop": FPS}
    scene["speed_limit_kmh"] = LIMIT_KMH
    file = folder / "many.json"
    file.write_text(json.dumps(scene, ensure_ascii=False))
    _, entry, whole = harness.rendered(harness.render(file))
    clips = [folder / f"from-{s}.mkv" for s in SKIPPED_S]
    for skipped_s, clip in zip(SKIPPED_S, clips):
        harness.ffmpeg("-ss", skipped_s, "-i", whole, "-map", "0", "-c", "copy", clip)
    return entry, clips


def told(passage):
    """What a passage says, without the anchor of its time to the day."""
    return json.dumps({k: v for k, v in passage.items() if k not in ("utc_offset_ns", "path", "camera")},
                      sort_keys=True)


def alone(folder, cameras):
    """(passages in all, {camera: what its accused passages say}), one recording after the other."""
    n, accused, known = 0, {}, {}
    for camera in cameras:
        if camera["url"] not in known:
            config = harness.write_config(folder / "alone.yaml", [camera])
            code, records, errors = harness.measure(config, camera["id"])
            assert code == 0, errors
            known[camera["url"]] = [r for r in records if r["type"] == "passage"]
        n += len(known[camera["url"]])
        accused[camera["id"]] = sorted(told(p) for p in known[camera["url"]] if p["violation"])
    return n, accused


def sealed(edge):
    """{camera: what its sealed passages say}"""
    found = collections.defaultdict(list)
    for record in (edge.folder / "edge/sealed").glob("*/record.json"):
        violation = json.loads(record.read_text())["violation"]
        found[violation["camera"]].append(told(violation["passage"]))
    return {camera: sorted(passages) for camera, passages in found.items()}


def sums(edge):
    return {name: sum(values) for name, values in edge.metrics().items()}


def compare(edge, n_passages, accused):
    harness.wait_for("the recordings' ends", lambda: edge.n_ended() == N_CAMERAS, 90, 0.25)
    harness.wait_for("all passages", lambda: sums(edge)["citybrain_passages_total"] >= n_passages, 60, 0.25)
    figures = sums(edge)
    assert figures["citybrain_passages_total"] == n_passages
    assert figures["citybrain_camera_dropped_total"] == figures["citybrain_camera_lost_total"] == 0
    assert edge.stop() == 0  # what waits is sealed first
    assert sealed(edge) == accused


def test_many_recordings_are_measured_as_each_alone(tmp_path):
    entry, clips = recordings(tmp_path)
    cameras = [{**entry, "id": f"c{i}", "url": str(clips[i % len(clips)])} for i in range(N_CAMERAS)]
    n_passages, accused = alone(tmp_path, cameras)
    assert n_passages >= 4 * N_CAMERAS and all(accused.values())
    folder = harness.short_folder()
    edge = Edge(folder, cameras)
    try:
        compare(edge, n_passages, accused)
    finally:
        edge.stop()
        shutil.rmtree(folder)
