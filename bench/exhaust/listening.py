"""Renders the scenes of a set, once, and has them listened to."""
import concurrent.futures
import hashlib
import json
import os
import subprocess
import sys

import scenes

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCENES_N = 288
# What a scene's sound depends on: pictures may change without it being made anew.
SOUND_SOURCES = ['sound.c', 'synth.c', 'burst.c', 'confuser.c', 'propagate.c', 'level.c', 'motion.c',
                 'rng.c', 'wav.c']


class Programs:
    """Where they are, built if need be."""

    def __init__(self, build):
        self.sim = os.path.join(build, 'tests', 'sim', 'citybrain-sim')
        self.hear = os.path.join(build, 'bench', 'exhaust', 'exhaust-hear')
        subprocess.run(['ninja', '-C', build, 'tests/sim/citybrain-sim', 'bench/exhaust/exhaust-hear'],
                       stdout=subprocess.DEVNULL, check=True)


def render(sim, stamp, folder, name, scene):
    """The folder with the scene's sound and truth; made when scene or simulator have changed."""
    text = json.dumps(scene, indent=1)
    key = hashlib.sha256((stamp + text).encode()).hexdigest()
    path = os.path.join(folder, name)
    os.makedirs(path, exist_ok=True)
    mark = os.path.join(path, 'key')
    if os.path.exists(mark) and open(mark).read() == key:
        return path
    if os.path.exists(mark):
        os.remove(mark)
    with open(os.path.join(path, 'scene.json'), 'w') as f:
        f.write(text)
    seed = int(hashlib.sha256(name.encode()).hexdigest()[:7], 16)
    subprocess.run([sim, f'{path}/scene.json', '--out', path, '--seed', str(seed), '--sound-only',
                    '--threads', '1', '--quiet'], check=True)
    with open(mark, 'w') as f:
        f.write(key)
    return path


def hear(program, path):
    """What the detector says; kept until the program or the sound changes."""
    with open(program, 'rb') as f, open(os.path.join(path, 'key'), 'rb') as k:
        key = hashlib.sha256(f.read() + k.read()).hexdigest()
    kept = os.path.join(path, 'heard.json')
    if os.path.exists(kept):
        with open(kept) as f:
            heard = json.load(f)
        if heard['key'] == key:
            return heard['noises']
    done = subprocess.run([program, path], check=True, capture_output=True, text=True)
    noises = [json.loads(line) for line in done.stdout.splitlines()]
    with open(kept, 'w') as f:
        json.dump({'key': key, 'noises': noises}, f)
    return noises


def one(args, folder, stamp, item):
    name, words, scene = item
    path = render(args.sim, stamp, folder, name, scene)
    with open(os.path.join(path, 'truth.json')) as f:
        truth = json.load(f)
    return {'name': name, 'words': words, 'scene': scene, 'truth': truth,
            'noises': hear(args.hear, path)}


def with_one_microphone(item):
    name, words, scene = item
    scene['sound']['microphones'] = scene['sound']['microphones'][:1]
    return name, words, scene


def measure(set_name, n, build, only=None, jobs=None, is_mono=False):
    """Each scene of the set with its truth and what was heard of it, in their order.

    Its sound is made when it is not there yet; only: a word of the scene's conditions, or its name;
    is_mono: with the first microphone alone, which is all that features and class are made from.
    """
    args = Programs(build)
    stamp = ''
    for name in SOUND_SOURCES:
        with open(os.path.join(ROOT, 'tests', 'sim', name), 'rb') as f:
            stamp += hashlib.sha256(f.read()).hexdigest()
    folder = os.path.join(ROOT, 'var', 'exhaust', set_name + ('-mono' if is_mono else ''))
    items = [i for i in scenes.scenes(set_name, n) if not only or only in i[1] or only == i[0]]
    items = [with_one_microphone(i) for i in items] if is_mono else items
    with concurrent.futures.ThreadPoolExecutor(jobs or os.cpu_count()) as pool:
        return list(pool.map(lambda item: one(args, folder, stamp, item), items))
