"""The recordings of ../shared/corpus/audio (or $CITYBRAIN_CORPUS), measured at a street level.

They carry no calibration. A clip is scaled by stating the microphone's sensitivity so that its
LAFmax is the level wanted: the samples stay as they are, and what is soft in the clip stays soft.
"""
import glob
import hashlib
import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CORPUS = os.environ.get('CITYBRAIN_CORPUS') or os.path.join(ROOT, '..', 'shared', 'corpus')
OPEN_PIPES = ('race_engine', 'backfire')


def files():
    """(label, path) of each recording; leaves with 77 where there are none."""
    found = sorted(glob.glob(os.path.join(CORPUS, 'audio', '*', '*.*')))
    if not found:
        print(f'skipped: no recordings in {CORPUS}/audio', file=sys.stderr)
        sys.exit(77)
    return [(os.path.basename(os.path.dirname(p)), os.path.abspath(p)) for p in found]


def measure(citybrain, path, sensitivity_dbfs):
    with tempfile.NamedTemporaryFile('w', suffix='.yaml') as f:
        f.write(f'cameras:\n  - id: c\n    url: {path}\n    microphone: '
                f'{{sensitivity_dbfs_at_94db: {sensitivity_dbfs:.3f}, limit_dba: 85}}\n')
        f.flush()
        done = subprocess.run([citybrain, 'measure', '--config', f.name, '--camera', 'c'],
                              check=True, capture_output=True, text=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def noises(citybrain, path, level_db):
    """The noises of a recording whose loudest moment is level_db; kept until the program changes."""
    with open(citybrain, 'rb') as f:
        program = hashlib.sha256(f.read()).hexdigest()
    name = hashlib.sha256(f'{program} {path} {level_db}'.encode()).hexdigest()
    kept = os.path.join(ROOT, 'var', 'exhaust', 'recordings', f'{name}.json')
    if os.path.exists(kept):
        with open(kept) as f:
            return json.load(f)
    lafmax = measure(citybrain, path, -40)[-1]['lafmax_db']
    found = [n for n in measure(citybrain, path, -40 + lafmax - level_db) if n['type'] == 'noise']
    os.makedirs(os.path.dirname(kept), exist_ok=True)
    with open(kept, 'w') as f:
        json.dump(found, f)
    return found
