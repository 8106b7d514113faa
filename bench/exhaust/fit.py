#!/usr/bin/python3
"""Fits the scorecard by which an event is called a modified exhaust.

  bench/exhaust/fit.py [--write] [--build DIR]

Takes the features of every event of the set `dev` (bench/exhaust/run --set dev renders it) and of
the recordings of ../shared/corpus/audio at 90 and 100 dB, where they are there; labels them by the
truth; and fits a logistic regression whose terms are ramps of one feature each. The direction of
each feature is physics and fixed below (SENSE); a weight of the wrong sign is not allowed, so a
term can be read: more of this never makes that more likely. --write makes
detectors/sound/scorecard.inc from it. Prints the fit, five-fold over scenes, and each recording
left out in turn (by file). Needs python3-numpy; no random numbers.
"""
import argparse
import glob
import hashlib
import json
import os
import sys

import numpy as np

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import corpus  # noqa: E402
import listening  # noqa: E402
import score  # noqa: E402

# feature: which way it speaks for an open pipe, and why it can.
SENSE = {
    'comb_db': +1,      # lines at equal distances stand out: firings
    'f0_hold': +1,      # and go on from moment to moment: a flywheel
    'comb_share': +1,   # they hold the power: tyres, gas and weather do not
    'low_db': +1,       # a pipe of a metre and more sounds low
    'high_db': -1,      # and radiates little that is high: saws, hiss, rain do
    'high_db ': +1,     # but more than through a silencer, which takes nearly all of it
    'f0_hz': -1,        # nothing fires 500 times a second
    'order_ratio': -1,  # a tone that is its own lowest line is a horn, a siren, a voice
    'flatness': -1,     # noise is flat
    'tone_share': -1,   # one line that holds it all is a whistle
    'tone_steady': -1,  # a tone that never moves is a diaphragm's
    'ripple_db': -1,    # syllables, beats, blows
    'beat_db': -1,      # and in step: music, a hammer
    'crest_db': -1,     # a bang
    'loud_s': +1,       # nothing that drives by is over in a fifth of a second
}
KNOTS = 4          # of each feature, at quantiles of all events
PENALTY = 0.02     # on squared weights, a weight of 1 being one logit
FALSE_WEIGHT = 1.5 # a false accusation is worse than a missed one
RECORDED_SHARE = 0.35
LEVELS_DB = (90, 100)


def names():
    return list(SENSE)


def vector(noise):
    return [noise['features'][k.strip()] for k in names()]


def generated(args):
    """(features, label, group, weight) of each event; what is half an exhaust teaches nothing."""
    rows = []
    for result in listening.measure('dev', listening.SCENES_N, args.build):
        exhausts = score.exhausts_of(result)
        for line in result['noises']:
            noise = line['noise']
            label = score.maker_of(noise, exhausts) is not None
            mixed = any(noise['lafmax_db'] - score.own_db(e, noise['t_peak']) < 10
                        for e in exhausts)
            if label or not mixed:
                rows.append((vector(noise), label, result['name'], 1.0, result['words']))
    return rows


def recorded(args):
    if not glob.glob(os.path.join(corpus.CORPUS, 'audio', '*', '*.*')):
        print('no recordings: generated sounds alone', file=sys.stderr)
        return []
    rows = []
    for label, path in corpus.files():
        clip = [n for level in LEVELS_DB for n in corpus.noises(args.citybrain, path, level)]
        for noise in clip:
            rows.append((vector(noise), label in corpus.OPEN_PIPES, path, 1.0 / len(clip), [label]))
    return rows


def knots_of(x):
    """Quantiles, apart from one another; rounded so that they can be read."""
    found = []
    for j in range(x.shape[1]):
        q = [float(f'{v:.3g}') for v in np.quantile(x[:, j], np.linspace(0.04, 0.96, KNOTS))]
        while len(set(q)) < KNOTS:
            q = [q[0] + i * max(1e-3, (q[-1] - q[0]) / (KNOTS - 1)) for i in range(KNOTS)]
        found.append(q)
    return np.array(found)


def ramps(x, knots):
    """Each feature as KNOTS - 1 ramps from 0 to 1, turned the way it speaks for a pipe."""
    out = []
    for j, name in enumerate(names()):
        for a, b in zip(knots[j], knots[j][1:]):
            r = np.clip((x[:, j] - a) / (b - a), 0, 1)
            out.append(r if SENSE[name] > 0 else 1 - r)
    return np.array(out).T


def fit(z, y, weight, start=None, steps=4000):
    """Weights >= 0 and a bias, by projected gradient with momentum."""
    w, bias = (np.zeros(z.shape[1]), 0.0) if start is None else (start[1].copy(), start[2])
    pace, vw, vb = 1.0, np.zeros(z.shape[1]), 0.0
    total = weight.sum()
    for _ in range(steps):
        p = 1 / (1 + np.exp(-(z @ w + bias)))
        g = weight * (p - y) / total
        vw = 0.9 * vw - pace * (z.T @ g + PENALTY / 100 * w)
        vb = 0.9 * vb - pace * g.sum()
        w, bias = np.maximum(0, w + vw), bias + vb
    return w, bias


def logits(model, x):
    knots, w, bias = model
    return ramps(x, knots) @ w + bias


def train(rows, start=None):
    """start: a model of nearly the same events, whose knots are kept and which is moved a little."""
    x = np.array([r[0] for r in rows])
    y = np.array([float(r[1]) for r in rows])
    weight = np.array([r[3] for r in rows]) * np.where(y > 0, 1.0, FALSE_WEIGHT)
    knots = knots_of(x) if start is None else start[0]
    w, bias = fit(ramps(x, knots), y, weight, start, 4000 if start is None else 500)
    return knots, w, bias


def confusion(pairs, cut=0.0):
    tp = sum(y and s > cut for s, y in pairs)
    fp = sum((not y) and s > cut for s, y in pairs)
    fn = sum(y and s <= cut for s, y in pairs)
    return tp, fp, fn


def folds(full, made, taken):
    """Scores of events that were left out: generated by scene in five parts, recordings by file."""
    held = []
    for k in range(5):
        def part(r):
            return int(hashlib.sha256(r[2].encode()).hexdigest(), 16) % 5 == k
        model = train([r for r in made if not part(r)] + [r for r in taken if not part(r)], full)
        for r in made:
            if part(r):
                held.append((logits(model, np.array([r[0]]))[0], r[1], r))
    return held


def left_out(full, made, taken):
    held = []
    for path in sorted({r[2] for r in taken}):
        model = train(made + [r for r in taken if r[2] != path], full)
        for r in taken:
            if r[2] == path:
                held.append((logits(model, np.array([r[0]]))[0], r[1], r))
    return held


def calibrate(pairs):
    """Slope and offset (Platt) of the logit on events left out, to make it a probability, and the
    most that so many events allow to be claimed: Laplace's rule of succession on the calls."""
    s = np.array([p[0] for p in pairs])
    y = np.array([float(p[1]) for p in pairs])
    a, b = 1.0, 0.0
    for _ in range(20000):
        p = 1 / (1 + np.exp(-(a * s + b)))
        a -= 0.02 * ((p - y) * s).mean()
        b -= 0.02 * (p - y).mean()
    called = int((s > 0).sum())
    return a, b, (called + 1) / (called + 2)


def write(model, calibration, n_made, n_taken, path):
    knots, w, bias = model
    a, b, most = calibration
    text = ['/* Made by bench/exhaust/fit.py: do not edit. Fitted on %d events of generated scenes\n'
            ' * (set dev) and %d of recordings. Logits: points[i] at knot[i], straight between, held\n'
            ' * outside. */' % (n_made, n_taken),
            f'#define SCORE_BIAS  ({a * bias + b:.4f})',
            f'#define SCORE_MOST  {most:.4f} /* nothing is claimed to be surer */',
            'static const struct score_term score_terms[] = {']
    for j, name in enumerate(names()):
        mine = a * w[j * (KNOTS - 1):(j + 1) * (KNOTS - 1)]
        steps = np.concatenate([[0], np.cumsum(mine)]) if SENSE[name] > 0 else \
            np.concatenate([np.cumsum(mine[::-1])[::-1], [0]])
        row_k = ', '.join(f'{v:.4g}' for v in knots[j])
        row_p = ', '.join(f'{v:.3f}' for v in steps)
        text.append(f'    {{{FEATURES[name.strip()]}, {{{row_k}}}, {{{row_p}}}}},')
    text.append('};')
    with open(path, 'w') as f:
        f.write('\n'.join(text) + '\n')


FEATURES = {'comb_db': 'CB_F_COMB_DB', 'f0_hold': 'CB_F_F0_HOLD', 'comb_share': 'CB_F_COMB_SHARE',
            'low_db': 'CB_F_LOW_DB', 'high_db': 'CB_F_HIGH_DB', 'f0_hz': 'CB_F_F0_HZ',
            'order_ratio': 'CB_F_ORDER_RATIO', 'flatness': 'CB_F_FLATNESS',
            'tone_share': 'CB_F_TONE_SHARE', 'tone_steady': 'CB_F_TONE_STEADY',
            'ripple_db': 'CB_F_RIPPLE_DB', 'beat_db': 'CB_F_BEAT_DB', 'crest_db': 'CB_F_CREST_DB',
            'loud_s': 'CB_F_SECONDS'}


def report(title, held):
    tp, fp, fn = confusion([(s, y) for s, y, _ in held])
    print(f'{title}: {len(held)} events, found {tp}, missed {fn}, false {fp}')
    for s, y, r in sorted(held, key=lambda h: -abs(h[0])):
        if y != (s > 0):
            values = ' '.join(f'{k}={v:.3g}' for k, v in zip(names(), r[0]) if k[-1] != ' ')
            print(f'  {"missed" if y else "FALSE "} {s:+.1f} {os.path.basename(r[2])} '
                  f'({", ".join(r[4])}) {values}')


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('--write', action='store_true')
    p.add_argument('--build', default=os.path.join(corpus.ROOT, 'build'))
    args = p.parse_args()
    args.citybrain = os.path.join(args.build, 'daemon', 'cli', 'citybrain')
    made, taken = generated(args), recorded(args)
    if taken:
        n_files = len({r[2] for r in taken})
        k = RECORDED_SHARE * len(made) / (1 - RECORDED_SHARE) / n_files
        taken = [(x, y, g, w * k, words) for x, y, g, w, words in taken]
    model = train(made + taken)
    report('fitted on', [(s, r[1], r) for s, r in
                         zip(logits(model, np.array([r[0] for r in made + taken])), made + taken)])
    held = folds(model, made, taken)
    report('generated, five-fold by scene', held)
    alone = left_out(model, made, taken) if taken else []
    report('recordings, each left out', alone)
    calibration = calibrate([(s, y) for s, y, _ in held + alone])
    print('slope %.3f offset %.3f most %.4f' % calibration)
    for name, w in zip(names(), model[1].reshape(len(names()), KNOTS - 1)):
        print(f'  {name:14}' + ' '.join(f'{v:6.2f}' for v in w))
    if args.write:
        write(model, calibration, len(made), len(taken),
              os.path.join(corpus.ROOT, 'detectors', 'sound', 'scorecard.inc'))


if __name__ == '__main__':
    main()
