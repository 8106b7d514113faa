#include "classify.h"

#include <math.h>

#include "base/mem.h"

/* How far x has gone from `no` to `yes`, [0, 1]; either may be the greater. */
static double grade(double x, double no, double yes)
{
    return fmax(0, fmin(1, (x - no) / (yes - no)));
}

static double all_of(const double *g, size_t n)
{
    double least = 1;
    for (size_t i = 0; i < n; i++)
        least = fmin(least, g[i]);
    return least;
}
#define ALL_OF(...) all_of((const double[]){__VA_ARGS__}, CB_LEN(((double[]){__VA_ARGS__})))

/* Lines far closer together than the strongest is high, and they stay. */
static double turns(const double *f)
{
    return ALL_OF(grade(f[CB_F_F0_HZ] / fmax(f[CB_F_TONE_HZ], 1), 0.45, 0.30),
                  grade(f[CB_F_F0_HOLD], 0.7, 0.85), grade(f[CB_F_LOW_DB], -36.0, -31.0));
}

/*
 * An engine heard through an open pipe. Firing makes lines at equal distances that hold most of
 * the power (a silenced exhaust is under its tyres and its own flow: less than half); the pitch
 * goes on, as a flywheel's must; the level does too, unlike syllables and beats; the pipe, some
 * 1 m long and open, leaves little over 1.6 kHz, where saws, jets, rain and music have much; and
 * there is some under 250 Hz, where horns have nothing, or the lines are far closer together than
 * the strongest is high: each turn of the shaft leaves its mark. */
static double engine(const double *f)
{
    /* the brighter a sound is, the more of it must be in the lines: a saw is bright and hoarse */
    double pipe = (f[CB_F_COMB_SHARE] - 0.60) / 0.10 + (-7.0 - f[CB_F_HIGH_DB]) / 3.0;
    double low = fmax(grade(f[CB_F_LOW_DB], -34.0, -26.0), turns(f));
    return ALL_OF(low, grade(f[CB_F_F0_HZ], 450.0, 400.0),
                  grade(f[CB_F_COMB_DB], 5.5, 6.5), /* of noise: 4 to 5 */
                  /* cleaner than firings can be, and never moving: a diaphragm */
                  fmax(grade(f[CB_F_COMB_DB], 16.5, 15.5), grade(f[CB_F_TONE_OCT], 0.02, 0.05)),
                  grade(f[CB_F_COMB_SHARE], 0.54, 0.64), grade(pipe, 0.6, 1.2),
                  grade(f[CB_F_F0_HOLD], 0.35, 0.60), /* by chance: 0.3 to 0.5 */
                  grade(f[CB_F_HIGH_DB], -5.0, -6.5),
                  grade(f[CB_F_RIPPLE_DB], 5.0, 3.5), /* speech: 7 and more */
                  grade(f[CB_F_SECONDS], 0.10, 0.30));
}

/*
 * Unburnt fuel going off in the pipe: bang on bang, faster than anyone hammers, low as the pipe's
 * length makes it. Rail joints, rotor blades and pneumatic hammers are slower or brighter.
 */
static double backfire(const double *f)
{
    return ALL_OF(grade(f[CB_F_BANGS], 4.0, 7.0), /* of noise under 120 Hz: 2.5 at most */
                  grade(f[CB_F_LOW_DB], -8.0, -5.5), grade(f[CB_F_HIGH_DB], -8.0, -11.0),
                  grade(f[CB_F_RIPPLE_DB], 6.0, 4.5), grade(f[CB_F_SECONDS], 0.3, 0.6));
}

/* Few tones from some 300 Hz up, as sharp as a diaphragm makes them, that stay where they are. */
static double horn(const double *f)
{
    double bare =
        fmax(grade(f[CB_F_LOW_DB], -30.0, -36.0),
             /* an air horn goes down to 180 Hz, but is shrill too */
             fmin(grade(f[CB_F_COMB_DB], 13.0, 15.0), grade(f[CB_F_HIGH_DB], -7.0, -5.5)));
    return ALL_OF(bare, grade(f[CB_F_COMB_DB], 6.0, 7.0), grade(f[CB_F_FLATNESS], 0.12, 0.06),
                  grade(f[CB_F_LIKENESS], 0.70, 0.85));
}

/*
 * A tone that moves over a fifth of an octave and more, smoothly or between two pitches, with
 * nothing beneath it. A yelp moves too fast for the window; what is left to see is that all the
 * time one loudspeaker works at its limit: no noise is so even.
 */
static double siren(const double *f)
{
    double slow = ALL_OF(grade(f[CB_F_TONE_SHARE], 0.22, 0.34), grade(f[CB_F_TONE_OCT], 0.12, 0.20),
                         grade(f[CB_F_LIKENESS], 0.92, 0.85));
    double fast = ALL_OF(grade(f[CB_F_CREST_DB], 3.5, 2.5), grade(f[CB_F_TONE_OCT], 0.3, 0.6));
    return ALL_OF(fmax(slow, fast), 1 - turns(f), grade(f[CB_F_LOW_DB], -25.0, -31.0),
                  grade(f[CB_F_TONE_HZ], 300.0, 400.0), grade(f[CB_F_TONE_HZ], 2500.0, 2000.0),
                  grade(f[CB_F_RIPPLE_DB], 7.0, 4.0), grade(f[CB_F_SECONDS], 0.4, 1.0));
}

/* It is over before a vehicle could have passed, stands far above its own mean, and has no pitch.
 */
static double impulse(const double *f)
{
    return ALL_OF(grade(f[CB_F_SECONDS], 0.55, 0.30), grade(f[CB_F_CREST_DB], 8.0, 10.0),
                  grade(f[CB_F_COMB_DB], 9.0, 6.5));
}

struct cb_noise_verdict cb_classify(const double f[CB_F_COUNT])
{
    double of[CB_NOISE_CLASS_COUNT] = {
        [CB_NOISE_MODIFIED_EXHAUST] = fmax(engine(f), backfire(f)),
        [CB_NOISE_HORN] = horn(f),
        [CB_NOISE_SIREN] = siren(f),
        [CB_NOISE_IMPULSE] = impulse(f),
    };
    enum cb_noise_class best = CB_NOISE_OTHER;
    double second = 0, top = 0.5; /* from where on a class is more likely than none of them */
    for (int c = CB_NOISE_OTHER + 1; c < CB_NOISE_CLASS_COUNT; c++) {
        if (of[c] > top) {
            second = best == CB_NOISE_OTHER ? second : top;
            top = of[c];
            best = (enum cb_noise_class) c;
        } else {
            second = fmax(second, of[c]);
        }
    }
    /* a rival counts from where it could have been the class; nothing heard is ever certain */
    double confidence = best == CB_NOISE_OTHER ? 1 - second : top - fmax(0, second - 0.5);
    return (struct cb_noise_verdict){best, fmin(0.98, fmax(0.02, confidence))};
}
