"""Plain sounds for the fit, beside those of the simulator: engines that turn as evenly as a good
machine on a test bench, and horns. Written once, reproducibly.

The simulator's engines have one roughness; fitted on them alone, the scorecard takes that roughness
for what an engine is, and refuses one whose firings are more alike or that does not pass by.
"""
import os
import wave

import numpy as np

import corpus

ENGINES_N, HORNS_N = 96, 32
RATES = (8000, 16000, 44100, 48000)
PAD_S = 2.5         # of street before and after: a level over it is wanted
STREET = 10 ** (-40 / 20)
GUST_S = 0.003


def convolved(x, h):
    n = 1 << (len(x) + len(h)).bit_length()
    return np.fft.irfft(np.fft.rfft(x, n) * np.fft.rfft(h, n), n)[:len(x)]


def decaying(n, rate, hz, q):
    t = np.arange(n) / rate
    return np.exp(-np.pi * hz / q * t) * np.sin(2 * np.pi * hz * t)


def engine(rng, rate):
    """Firings through the resonances of a pipe; in half of them each hisses too."""
    cylinders = int(rng.choice([1, 1, 2, 2, 3, 4, 4, 6, 8]))
    start = min(320.0, rng.uniform(2500, 9000) / 120 * cylinders)
    end = start * rng.choice([1.05, 1.2, rng.uniform(0.7, 1.9)])
    n = int(rng.uniform(1.0, 3.0) * rate)
    phase = np.cumsum(start + (end - start) * np.arange(n) / n) / rate
    fired = np.flatnonzero(np.diff(np.floor(phase)) > 0)
    unlike = 1 + rng.uniform(0.05, 0.25) * rng.uniform(-1, 1, 16)
    pulses = np.zeros(n)
    order = np.arange(len(fired)) % cylinders
    pulses[fired] = unlike[order] * (1 + rng.uniform(0.02, 0.2) * rng.uniform(-1, 1, len(fired)))
    lowest, pipe = rng.uniform(60, 130), np.zeros(int(0.2 * rate))
    for ratio, gain in ((1, 1.0), (2.3, 0.8), (4.7, 0.6), (8.8, 0.4), (14.0, 0.25)):
        hz = lowest * ratio * rng.uniform(0.9, 1.1)
        pipe += gain * rng.uniform(0.6, 1.4) * decaying(len(pipe), rate, hz, rng.uniform(3, 7))
    x = convolved(pulses, pipe)
    x /= np.std(x)
    fade = np.exp(-np.arange(int(0.02 * rate)) * 2 * np.pi * 900 / rate)
    flow = convolved(rng.uniform(-1, 1, n), fade)
    x += rng.uniform(0.02, 0.25) * flow / np.std(flow)
    if rng.random() < 0.5:
        gust = convolved(pulses, np.exp(-np.arange(int(0.03 * rate)) / (GUST_S * rate)))
        gust *= rng.uniform(-1, 1, n)
        x += rng.uniform(0.05, 0.3) * gust / np.std(gust)
    if rng.random() < 0.5:
        nearest = rng.uniform(0.3, 1.2)
        x *= nearest / np.hypot(nearest, (np.arange(n) - n / 2) / rate)
    return x


def horn(rng, rate):
    """One to three notes, steady, each with its overtones."""
    n = int(rng.uniform(0.6, 2.5) * rate)
    t, x = np.arange(n) / rate, np.zeros(n)
    lowest = rng.uniform(150, 480)
    for ratio in [1, 1.26, 1.5][:int(rng.integers(1, 4))]:
        hz, slope = lowest * ratio * rng.uniform(0.99, 1.01), rng.uniform(0.4, 1.3)
        for h in range(1, int(min(24, 0.45 * rate / hz)) + 1):
            x += np.sin(2 * np.pi * h * hz * t + rng.uniform(0, 6)) / h ** slope
    return x


def write(path, x, rng, rate):
    pad = np.zeros(int(PAD_S * rate))
    x = np.concatenate([pad, x / np.std(x), pad])
    x += STREET * rng.uniform(-1, 1, len(x))  # full scale is then some 110 dB: the meter has room
    with wave.open(path, 'wb') as f:
        f.setnchannels(1)
        f.setsampwidth(2)
        f.setframerate(rate)
        f.writeframes((x * (6000 / np.abs(x).max())).astype('<i2').tobytes())


def files():
    """(is an engine, path, its LAFmax in dB) of each."""
    folder = os.path.join(corpus.ROOT, 'var', 'exhaust', 'engines')
    os.makedirs(folder, exist_ok=True)
    for i in range(ENGINES_N + HORNS_N):
        rng = np.random.Generator(np.random.PCG64(1000 + i))
        is_engine, rate = i < ENGINES_N, RATES[i % len(RATES)]
        level_db = float(rng.uniform(78, 102) if is_engine else rng.uniform(88, 106))
        path = os.path.join(folder, f'{i:03}-{"engine" if is_engine else "horn"}.wav')
        write(path, engine(rng, rate) if is_engine else horn(rng, rate), rng, rate)
        yield is_engine, path, round(level_db)
