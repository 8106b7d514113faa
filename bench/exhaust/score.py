"""Scores what exhaust-hear said against a scene's truth. No threshold here is the detector's.

A noise called modified exhaust is right when a modified exhaust alone made at least half of the
power of the level that the noise states (3 dB), when it peaked: a horn over a softer exhaust is no
exhaust. An exhaust is found when one such noise peaks while it sounds within 10 dB of its own peak
(and 0.3 s around); at other times, of another blip of the throttle, it counts as neither. "At >= 10 dB": for precision, noises 10 dB and more over the scene's
steady background; for recall, exhausts 10 dB and more over all else that sounds at their peak.
"""
import math

NEAR_S = 0.3
PEAK_REACH_S = 0.1
HALF_DB = 3.01
OVER_DB = 10.0
APART_DEG = 8.0
BINS = [0.0, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 1.001]


class Judged:
    """One scene's counts."""

    def __init__(self):
        self.right = self.false = self.right_over = self.false_over = 0
        self.true_over = self.found_over = self.true_under = self.found_under = 0
        self.double = 0
        self.accused_falsely = 0     # violations on what was none
        self.level_db, self.azimuth_deg = [], {1: [], 2: [], 4: []}
        self.who = {'right': 0, 'none': 0, 'wrong': 0}        # all that were found
        self.who_apart = {'right': 0, 'none': 0, 'wrong': 0}  # nobody else near
        self.sure = []               # (confidence, was right) of each called an exhaust
        self.mistakes = []


def angle_off(a, b):
    return abs((a - b + 180) % 360 - 180)


def mirrored(azimuth_deg, mics):
    """The other direction that a line of microphones can't tell from this one."""
    line = math.degrees(math.atan2(mics[1][0] - mics[0][0], mics[1][1] - mics[0][1]))
    return 2 * line - azimuth_deg


def exhausts_of(result):
    return [e for e in result['truth']['events'] if e['type'] == 'modified_exhaust']


def own_db(event, t):
    """Level of the source alone about that time, at the first microphone."""
    every = event['own_every_s']
    first = max(0, math.ceil((t - PEAK_REACH_S) / every))
    near = event['own_db'][first:math.floor((t + PEAK_REACH_S) / every) + 1]
    return max((v for v in near if v is not None), default=-math.inf)


def maker_of(noise, exhausts):
    """The exhaust that made at least half of the power of the level that a noise states, or None."""
    made = [(own_db(e, noise['t_peak']), e) for e in exhausts]
    db, event = max(made, key=lambda m: m[0], default=(-math.inf, None))
    return event if noise['lafmax_db'] - db <= HALF_DB else None


def is_in_window(noise, event):
    return event['t_start'] - NEAR_S <= noise['t_peak'] <= event['t_end'] + NEAR_S


def is_apart(vehicles, culprit):
    """Nobody else in the direction of the culprit, as the microphone sees it."""
    at = {v[0]: v[1] for v in vehicles}
    return all(angle_off(at[culprit], a) >= APART_DEG for i, a in at.items() if i != culprit)


def judge_origin(j, line, event, mics):
    noise, vehicles = line['noise'], line['vehicles']
    culprit = event['vehicle']
    verdict = ('none' if noise['track'] is None else
               'right' if noise['track'] == culprit else 'wrong')
    j.who[verdict] += 1
    if is_apart(vehicles, culprit):
        j.who_apart[verdict] += 1
    if verdict == 'wrong':
        j.mistakes.append(('who', noise))
    if noise['azimuth_deg'] is None or len(mics) == 1:
        return
    want = {v[0]: v[1] for v in vehicles}[culprit]
    off = angle_off(noise['azimuth_deg'], want)
    if noise['track'] is None and len(mics) == 2:
        off = min(off, angle_off(mirrored(noise['azimuth_deg'], mics), want))
    j.azimuth_deg[len(mics)].append(off)


def judge(result):
    j = Judged()
    exhausts, ambient = exhausts_of(result), result['scene']['sound']['ambient_dba']
    mics = result['scene']['sound']['microphones']
    best = {}
    for line in result['noises']:
        noise = line['noise']
        if noise['class'] != 'modified_exhaust':
            continue
        event = maker_of(noise, exhausts)
        if event and not is_in_window(noise, event):
            continue  # the same exhaust once more: neither right nor false
        over = noise['lafmax_db'] >= ambient + OVER_DB
        j.sure.append((noise['confidence'], event is not None))
        j.right += event is not None
        j.false += event is None
        j.right_over += event is not None and over
        j.false_over += event is None and over
        if event is None:
            j.accused_falsely += noise['violation'] is not None
            j.mistakes.append(('false', noise))
            continue
        key = event['vehicle']
        j.double += key in best
        if key not in best or noise['lafmax_db'] > best[key][0]['noise']['lafmax_db']:
            best[key] = (line, event)
    for event in exhausts:
        over = event['lafmax_own_db'] - event['background_db'] >= OVER_DB
        found = event['vehicle'] in best
        j.true_over += over
        j.found_over += over and found
        j.true_under += not over
        j.found_under += not over and found
        if over and not found:
            near = [n['noise'] for n in result['noises']
                    if event['t_start'] - 0.5 <= n['noise']['t_peak'] <= event['t_end'] + 0.5]
            j.mistakes.append(('missed', near[0] if near else None))
        if over and found:
            line = best[event['vehicle']][0]
            j.level_db.append(line['noise']['lafmax_db'] - event['lafmax_db'])
            if abs(j.level_db[-1]) > 0.5:
                j.mistakes.append((f'level {j.level_db[-1]:+.1f} dB', line['noise']))
            judge_origin(j, line, event, mics)
    j.mistakes = [describe(result, kind, noise) for kind, noise in j.mistakes]
    return j


def describe(result, kind, noise):
    words = ', '.join(result['words'])
    if noise is None:
        return f'{kind}: {result["name"]} ({words}): nothing was cut out'
    features = ' '.join(f'{k}={v:.3g}' for k, v in noise.get('features', {}).items())
    return (f'{kind}: {result["name"]} ({words}): {noise["class"]} {noise["confidence"]:.2f} at '
            f'{noise["t_peak"]:.2f} s, {noise["lafmax_db"]:.1f} dB, {noise.get("reason", "")} {features}')


class Figures:
    """Sums over scenes."""

    def __init__(self):
        self.n, self.sum = 0, Judged()

    def add(self, j):
        self.n += 1
        for name, value in vars(j).items():
            mine = getattr(self.sum, name)
            if isinstance(value, dict):
                for k, v in value.items():
                    mine[k] = mine[k] + v
            else:
                setattr(self.sum, name, mine + value)

    def summary(self):
        s = self.sum
        level = sorted(abs(v) for v in s.level_db)
        return {
            'scenes': self.n, 'precision': share(s.right_over, s.right_over + s.false_over),
            'recall': share(s.found_over, s.true_over),
            'recall_below_10_db': share(s.found_under, s.true_under),
            'exhausts': s.true_over + s.true_under, 'false': s.false, 'false_over': s.false_over,
            'accused_falsely': s.accused_falsely, 'doubles': s.double,
            'level_mae_db': mean(level), 'level_within_0_5_db': share(
                sum(v <= 0.5 for v in level), len(level)),
            'level_worst_db': level[-1] if level else None,
            'azimuth_mae_deg_2': mean(s.azimuth_deg[2]), 'azimuth_mae_deg_4': mean(s.azimuth_deg[4]),
            'who': shares(s.who), 'who_apart': shares(s.who_apart),
            'reliability': reliability(s.sure)}


def share(part, whole):
    return part / whole if whole else None


def mean(values):
    return sum(values) / len(values) if values else None


def shares(counts):
    n = sum(counts.values())
    return {**{k: share(v, n) for k, v in counts.items()}, 'n': n}


def reliability(sure):
    """[stated from, to, how many, mean stated, share right] for each bin that has any."""
    rows = []
    for low, high in zip(BINS, BINS[1:]):
        inside = [(p, ok) for p, ok in sure if low <= p < high]
        if inside:
            rows.append([low, min(high, 1.0), len(inside), mean([p for p, _ in inside]),
                         mean([float(ok) for _, ok in inside])])
    return rows


def cell(value, scale=1.0, digits=1):
    return '–' if value is None else f'{value * scale:.{digits}f}'


def print_table(groups):
    print(f'{"condition":22}{"scenes":>7}{"exh.":>6}{"false":>6}{"prec.%":>8}{"recall%":>8}'
          f'{"<10dB%":>8}{"|dL| dB":>8}{"±.5 %":>7}{"az2°":>6}{"az4°":>6}'
          f'{"right":>7}{"none":>6}{"wrong":>6}')
    for word, g in groups.items():
        f, who = g.summary(), g.sum.who
        print(f'{word:22}{f["scenes"]:7}{f["exhausts"]:6}{f["false"]:6}'
              f'{cell(f["precision"], 100):>8}{cell(f["recall"], 100):>8}'
              f'{cell(f["recall_below_10_db"], 100):>8}{cell(f["level_mae_db"], 1, 2):>8}'
              f'{cell(f["level_within_0_5_db"], 100, 0):>7}{cell(f["azimuth_mae_deg_2"]):>6}'
              f'{cell(f["azimuth_mae_deg_4"]):>6}{who["right"]:7}{who["none"]:6}{who["wrong"]:6}')
    print('\nconfidence of what was called a modified exhaust: stated, and how often it was one')
    for low, high, n, stated, was in groups['all'].summary()['reliability']:
        print(f'  {low:.2f}–{high:.2f}  n {n:4}  stated {stated:.3f}  was {was:.3f}')


def print_goals(g, quiet):
    """@return whether all hold"""
    f = g.summary()
    apart = f['who_apart']
    goals = [
        ('precision at >= 10 dB, %', f['precision'], 100, '>=', 99.0),
        ('recall at >= 10 dB, %', f['recall'], 100, '>=', 97.0),
        ('LAFmax within ±0.5 dB of the truth, %', f['level_within_0_5_db'], 100, '>=', 100.0),
        ('azimuth MAE, 0.2 m pair, °', f['azimuth_mae_deg_2'], 1, '<=', 3.0),
        ('azimuth MAE, four microphones, °', f['azimuth_mae_deg_4'], 1, '<=', 1.5),
        ('attribution right, apart, %', apart['right'], 100, '>=', 95.0),
        ('attribution wrong, apart, %', apart['wrong'], 100, '<=', 0.5),
        ('attribution wrong, all, %', f['who']['wrong'], 100, '<=', 0.5)]
    all_hold = True
    for name, value, scale, sense, goal in goals:
        holds = value is not None and (value * scale >= goal if sense == '>='
                                       else value * scale <= goal)
        all_hold = all_hold and holds
        if not quiet:
            print(f'{name:40} {cell(value, scale, 2):>7}  goal {sense} {goal:g}  '
                  f'{"holds" if holds else "MISSED"}')
    if not quiet:
        print(f'accused falsely: {f["accused_falsely"]}; noises that tell of one pass twice: '
              f'{f["doubles"]}')
    return all_hold
