#include "classify.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>

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
 * the power, but no two firings are alike, and each lets a gust of gas out; the pitch goes on, as a
 * flywheel's must; the level does too, unlike syllables and beats, yet it does not stay, unlike a
 * machine's: the vehicle passes by or is revved. The pipe, some 1 m long and open, sounds low and
 * leaves little over 1.6 kHz, where saws, jets, rain and music have much. Each of these has points
 * in a table fitted on events whose cause is known; their sum is the logit of the probability. One
 * straight line between knots a feature, and none can turn: what it speaks for is physics
 * (bench/exhaust/fit.py), only how loudly is fitted. Before the table stand vetoes, by hand: what
 * no engine is without. They bound what the table can call an engine where it has seen no sound of
 * that kind.
 */
#define SCORE_KNOTS   4
#define WHY_TERMS     3
#define BACKFIRE_MOST 0.90 /* a rule by hand, seen at work on one recording: not to be surer */

struct score_term {
    enum cb_feature feature;
    double knot[SCORE_KNOTS], points[SCORE_KNOTS];
};

struct score_veto {
    enum cb_feature feature;
    double impossible, possible;
};

#include "scorecard.inc"

static double points_of(const struct score_term *t, double x)
{
    if (!(x > t->knot[0]))
        return t->points[0];
    for (int i = 1; i < SCORE_KNOTS; i++)
        if (x <= t->knot[i]) {
            double u = (x - t->knot[i - 1]) / (t->knot[i] - t->knot[i - 1]);
            return t->points[i - 1] + u * (t->points[i] - t->points[i - 1]);
        }
    return t->points[SCORE_KNOTS - 1];
}

/* The most that a term can give: it only rises, or only falls. */
static double most_of(const struct score_term *t)
{
    return fmax(t->points[0], t->points[SCORE_KNOTS - 1]);
}

static double possible(const double *f, enum cb_feature *ret_which)
{
    double least = fmax(grade(f[CB_F_LOW_DB], -34.0, -26.0), turns(f));
    *ret_which = CB_F_LOW_DB;
    for (size_t i = 0; i < CB_LEN(score_vetoes); i++) {
        const struct score_veto *v = &score_vetoes[i];
        double g = grade(f[v->feature], v->impossible, v->possible);
        if (g < least) {
            least = g;
            *ret_which = v->feature;
        }
    }
    return least;
}

static double engine(const double *f)
{
    double sum = SCORE_BIAS;
    for (size_t i = 0; i < CB_LEN(score_terms); i++)
        sum += points_of(&score_terms[i], f[score_terms[i].feature]);
    enum cb_feature which;
    return fmin(possible(f, &which), fmin(SCORE_MOST, 1 / (1 + exp(-sum))));
}

/* The veto that settled it, if one did; else the terms that gave the most for an engine, or held
 * back the most from one. */
static void say_why(const double *f, bool is_engine, char ret[CB_NOISE_WHY_LEN])
{
    bool is_said[CB_LEN(score_terms)] = {false};
    enum cb_feature veto;
    if (!is_engine && possible(f, &veto) <= 0.5) {
        snprintf(ret, CB_NOISE_WHY_LEN, "no engine: %s %.3g (veto)", cb_feature_name(veto),
                 f[veto]);
        return;
    }
    int n = snprintf(ret, CB_NOISE_WHY_LEN, is_engine ? "engine:" : "no engine:");
    for (int k = 0; k < WHY_TERMS && n > 0 && n < CB_NOISE_WHY_LEN; k++) {
        size_t best = 0;
        double most = -1;
        for (size_t i = 0; i < CB_LEN(score_terms); i++) {
            double p = points_of(&score_terms[i], f[score_terms[i].feature]);
            double weight = is_engine ? p : most_of(&score_terms[i]) - p;
            if (!is_said[i] && weight > most) {
                most = weight;
                best = i;
            }
        }
        is_said[best] = true;
        enum cb_feature which = score_terms[best].feature;
        n += snprintf(ret + n, (size_t) (CB_NOISE_WHY_LEN - n), "%s %s %.3g (%+.1f)",
                      k ? "," : "", cb_feature_name(which), f[which], is_engine ? most : -most);
    }
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
    const double of[CB_NOISE_CLASS_COUNT] = {
        [CB_NOISE_HORN] = horn(f), [CB_NOISE_SIREN] = siren(f), [CB_NOISE_IMPULSE] = impulse(f)};
    /* what has all the signs of a horn is none, however loud and steady it is */
    double exhaust = fmin(1 - of[CB_NOISE_HORN], engine(f)), top = 0.5;
    exhaust = fmax(exhaust, fmin(BACKFIRE_MOST, backfire(f)));
    struct cb_noise_verdict v = {.class_ = CB_NOISE_OTHER};
    for (int c = 0; c < CB_NOISE_CLASS_COUNT; c++) {
        if (of[c] > top) { /* from where on a class is more likely than none of them */
            top = of[c];
            v.class_ = (enum cb_noise_class) c;
        }
    }
    if (exhaust > CB_CALL_FROM)
        v.class_ = CB_NOISE_MODIFIED_EXHAUST;
    say_why(f, exhaust > CB_CALL_FROM, v.why);
    v.confidence = v.class_ == CB_NOISE_MODIFIED_EXHAUST ? exhaust
                   : v.class_ == CB_NOISE_OTHER          ? 1 - exhaust
                                                         : top * (1 - exhaust);
    v.confidence = fmin(SCORE_MOST, fmax(0.02, v.confidence));
    return v;
}
