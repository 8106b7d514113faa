#!/usr/bin/python3
"""Fits the scorecard by which an event is called a modified exhaust.

  bench/exhaust/fit.py [--write] [--build DIR]

Takes the features of every event of the sets `dev` and `fit` (rendered when they are not there yet:
some 500 scenes), of plain engines and horns (engines.py), and of the recordings of
../shared/corpus/audio at 95 dB, where they are there; leaves out what a veto settles; labels them
by the truth; and fits a logistic regression whose terms are ramps of one feature each. The
direction of each feature is physics and fixed below (SENSE); a weight of the wrong sign is not
allowed, so a term can be read: more of this never makes that more likely. Nor may one feature
weigh more than MOST, or what MOST_OF allows it. --write makes
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
import engines  # noqa: E402
import listening  # noqa: E402
import score  # noqa: E402

# feature: which way it speaks for an open pipe, and why it can.
SENSE = {
    'comb_db': -1,      # no two firings are alike: what is cleaner is silenced, or no engine
    'comb_over': +1,    # lines at equal distances hold the power: tyres, gas, weather have none
    'uneven_db': +1,    # a pipe rings at some of them: a pulse a turn, a saw tooth fall evenly
    'gas_pulse': +1,    # what hisses comes in gusts, one a firing: a pipe that is open
    'flatness': +1,     # and rushes between the lines too: nothing does in a horn
    'second_comb': -1,  # one shaft: no chord, no second voice
    'notes_per_s': -1,  # which speeds up and slows down: it does not step from note to note
    'level_held': -1,   # it passes by, or is revved: what stays as loud is a machine
    'no_load_db': -1,   # the faster it turns the louder it is
    'low_db': +1,       # a pipe of a metre and more sounds low
    'high_db': -1,      # and radiates little that is high: saws, hiss, rain do
    'high_db ': +1,     # but more than through a silencer, which takes nearly all of it
    'f0_hz': -1,        # nothing fires 500 times a second
    'tone_steady': -1,  # a tone that never moves is a diaphragm's
    'ripple_db': -1,    # syllables, beats, blows
    'beat_db': -1,      # and in step: music, a hammer
    'crest_db': -1,     # a bang
    'level_db': +1,     # as approved it makes 80 dB at 7.5 m at most
}
# What no engine is without, however much the rest may speak for one, by hand: they bound what the
# table can call an engine where it has seen no sound of that kind. From (impossible) to (possible).
VETO = {
    'comb_db': (6.0, 7.0),     # of noise: 4 to 5; of blades: 6 to 6.6
    'f0_hz': (450.0, 400.0),   # nothing fires 450 times a second
    'comb_over': (0.10, 0.20), # of noise: 0 to 0.1
    'f0_hold': (0.35, 0.60),   # by chance: 0.3 to 0.5
    'high_db': (-2.5, -3.3),   # a saw: -2.5 and more
    'high_db ': (-32.0, -28.0), # a silencer takes nearly all of it
    'low_db ': (-1.5, -2.5),   # thunder has nothing else; a pipe rings over its firings too
    'level_db': (71.0, 75.0),  # what left the factory; an open pipe is 8 dB over that
    'ripple_db': (5.0, 3.5),   # speech: 7 and more
    'loud_s': (0.30, 0.40),    # a vowel: a third of a second
    'notes_per_s': (1.2, 0.6), # music: 1 to 3
    'flatness': (0.005, 0.011), # a horn has nothing between its lines
    'peak_lines': (0.25, 0.5), # a bang, a bark or a hiss on top of an engine is not the engine's level
}
KNOTS = 4          # of each feature, at quantiles of all events
PENALTY = 0.2      # on squared weights, a weight of 1 being one logit
SPARSE = 0.001     # on weights: what tells little is left out
FALSE_WEIGHT = 1.5 # a false accusation is worse than a missed one
STRANGE_WEIGHT = 2 # and worst of all of what is no vehicle: there are few of them, of many kinds
RECORDED_SHARE = 0.35
PLAIN_SHARE = 0.2  # of the generated events' weight, engines.py's
MOST = 2.5         # of the weight of one ramp
# What the simulator has one kind of, and engines have many: how rough, how steady.
MOST_OF = {'comb_db': 0.5, 'tone_steady': 0.5, 'flatness': 1.0}
LEVEL_DB = 95
# Set, of how many scenes, those with that condition: what is nearest to an engine is wanted often.
# One microphone each, which is all that features are made of.
SETS = [('dev', 250, None), ('fit', 100, None), ('fit', 800, 'ordinary')]
SETS += [('fit', 800, word) for word in ('chainsaw', 'bass', 'music', 'propeller')]


def names():
    return list(SENSE)


def vector(noise):
    return [noise['features'][k.strip()] for k in names()]


def is_possible(noise):
    """No veto speaks more against than for it: only such events are the scorecard's to judge."""
    return all((noise['features'][k.strip()] - no) / (yes - no) >= 0.5
               for k, (no, yes) in VETO.items())


def generated(args):
    """(features, label, scene, weight, conditions) of each event; what is half an exhaust teaches
    nothing. With them the names of the scenes that come as often as the rule of scenes.py has it.
    """
    rows, results, by_rule = [], {}, set()
    for set_name, n, word in SETS:
        for r in listening.measure(set_name, n, args.build, word, is_mono=True):
            results[r['name']] = r
            by_rule |= set() if word else {r['name']}
    for result in results.values():
        exhausts = score.exhausts_of(result)
        for line in result['noises']:
            noise = line['noise']
            label = score.maker_of(noise, exhausts) is not None
            mixed = any(noise['lafmax_db'] - score.own_db(e, noise['t_peak']) < 10
                        for e in exhausts)
            if (label or not mixed) and is_possible(noise):
                strange = not label and 'confuser alone' in result['words']
                weight = STRANGE_WEIGHT if strange else 1.0
                rows.append((vector(noise), label, result['name'], weight, result['words']))
    return rows, by_rule


def recorded(args):
    if not glob.glob(os.path.join(corpus.CORPUS, 'audio', '*', '*.*')):
        print('no recordings: generated sounds alone', file=sys.stderr)
        return []
    rows = []
    for label, path in corpus.files():
        clip = corpus.noises(args.citybrain, path, LEVEL_DB)
        for noise in filter(is_possible, clip):
            rows.append((vector(noise), label in corpus.OPEN_PIPES, path, 1.0 / len(clip), [label]))
    return rows


def plain(args):
    rows = []
    for is_engine, path, level_db in engines.files():
        found = [n for n in corpus.noises(args.citybrain, path, level_db) if is_possible(n)]
        rows += [(vector(n), is_engine, path, 1.0 / len(found), ['plain']) for n in found]
    return rows


def shared(rows, share, n):
    """The rows, each source of which weighs the same, so that they make that share beside n more."""
    n_sources = max(1, len({r[2] for r in rows}))
    k = share * n / (1 - share) / n_sources
    return [(x, y, g, w * k, words) for x, y, g, w, words in rows]


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
    """Weights from 0 to the most allowed and a bias, by projected gradient with momentum."""
    most = np.repeat([MOST_OF.get(name, MOST) for name in names()], KNOTS - 1)
    w, bias = (np.zeros(z.shape[1]), 0.0) if start is None else (start[1].copy(), start[2])
    pace, vw, vb = 1.0, np.zeros(z.shape[1]), 0.0
    total = weight.sum()
    for _ in range(steps):
        p = 1 / (1 + np.exp(-(z @ w + bias)))
        g = weight * (p - y) / total
        vw = 0.9 * vw - pace * (z.T @ g + PENALTY / 100 * w + SPARSE)
        vb = 0.9 * vb - pace * g.sum()
        w, bias = np.clip(w + vw, 0, most), bias + vb
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


def write(model, calibration, n_made, n_plain, n_taken, path):
    knots, w, bias = model
    a, b, most = calibration
    text = ['/* Made by bench/exhaust/fit.py: do not edit. Fitted on %d events of generated scenes\n'
            ' * (sets dev and fit), %d plain sounds and %d of recordings. Logits: points[i] at knot[i],\n'
            ' * straight between, held outside. */' % (n_made, n_plain, n_taken),
            f'#define SCORE_BIAS  ({a * bias + b:.4f})',
            f'#define SCORE_MOST  {most:.4f} /* nothing is claimed to be surer */',
            'static const struct score_veto score_vetoes[] = {']
    text += [f'    {{{FEATURES[k.strip()]}, {no:g}, {yes:g}}},' for k, (no, yes) in VETO.items()]
    text += ['};', 'static const struct score_term score_terms[] = {']
    for j, name in enumerate(names()):
        mine = a * w[j * (KNOTS - 1):(j + 1) * (KNOTS - 1)]
        if mine.max() < 0.005:
            continue
        steps = np.concatenate([[0], np.cumsum(mine)]) if SENSE[name] > 0 else \
            np.concatenate([np.cumsum(mine[::-1])[::-1], [0]])
        row_k = ', '.join(f'{v:.4g}' for v in knots[j])
        row_p = ', '.join(f'{v:.3f}' for v in steps)
        text.append(f'    {{{FEATURES[name.strip()]}, {{{row_k}}}, {{{row_p}}}}},')
    text.append('};')
    with open(path, 'w') as f:
        f.write('\n'.join(text) + '\n')


FEATURES = {'comb_db': 'CB_F_COMB_DB', 'comb_over': 'CB_F_COMB_OVER',
            'uneven_db': 'CB_F_UNEVEN_DB', 'gas_pulse': 'CB_F_GAS', 'flatness': 'CB_F_FLATNESS',
            'second_comb': 'CB_F_SECOND', 'notes_per_s': 'CB_F_NOTES',
            'level_held': 'CB_F_LEVEL_HELD', 'no_load_db': 'CB_F_NO_LOAD_DB',
            'low_db': 'CB_F_LOW_DB', 'high_db': 'CB_F_HIGH_DB', 'f0_hz': 'CB_F_F0_HZ',
            'f0_hold': 'CB_F_F0_HOLD', 'tone_steady': 'CB_F_TONE_STEADY',
            'ripple_db': 'CB_F_RIPPLE_DB', 'beat_db': 'CB_F_BEAT_DB', 'crest_db': 'CB_F_CREST_DB',
            'level_db': 'CB_F_LEVEL_DB', 'loud_s': 'CB_F_SECONDS',
            'peak_lines': 'CB_F_PEAK_LINES'}


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
    (made, by_rule), taken, even = generated(args), recorded(args), plain(args)
    n_made = len(made)
    taken = shared(taken, RECORDED_SHARE, n_made)
    made += shared(even, PLAIN_SHARE, n_made)
    model = train(made + taken)
    report('fitted on', [(s, r[1], r) for s, r in
                         zip(logits(model, np.array([r[0] for r in made + taken])), made + taken)])
    held = folds(model, made, taken)
    report('generated, five-fold by scene', [h for h in held if h[2][4] != ['plain']])
    report('plain, five-fold', [h for h in held if h[2][4] == ['plain']])
    alone = left_out(model, made, taken) if taken else []
    report('recordings, each left out', alone)
    # not on what was wanted more often than it comes
    fair = [(s, y) for s, y, r in held if r[2] in by_rule]
    for cut in (0, 1, 2):
        print('by rule, logit over %d: found %d, false %d, missed %d' % (cut, *confusion(fair, cut)))
    calibration = calibrate(fair + [(s, y) for s, y, _ in alone])
    print('slope %.3f offset %.3f most %.4f' % calibration)
    for name, w in zip(names(), model[1].reshape(len(names()), KNOTS - 1)):
        print(f'  {name:14}' + ' '.join(f'{v:6.2f}' for v in w))
    if args.write:
        write(model, calibration, n_made, len(even), len(taken),
              os.path.join(corpus.ROOT, 'detectors', 'sound', 'scorecard.inc'))


if __name__ == '__main__':
    main()
