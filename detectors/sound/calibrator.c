#include "detectors/calibrator.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "meter.h"
#include "weighting.h"

#define BLOCK_S      0.1
#define STEADY_DB    0.3 /* of the blocks' levels, to find the stretch */
#define SECONDS_MIN  3.0
#define SPREAD_DB    0.2 /* allowed over it: class 1 calibrators keep within 0.1 */
#define F_HZ         1000.0
#define F_SHARE      0.02  /* class 2 calibrators keep within 1.7 % */
#define THD_N_MAX    3.0   /* per cent: as for class 2 calibrators */
#define LEVEL_MIN_DB (-70) /* dBFS: below, nobody can tell a calibrator from hum */
/* Half-widths for 95 %: a class 1 calibrator's own level (IEC 60942:2017, 0.25 dB), and the fit of
 * the coupler, pressure and temperature of the day. */
#define U_CALIBRATOR_DB 0.25
#define U_COUPLING_DB   0.15

struct block {
    double square; /* mean, without the direct voltage */
    bool is_overload;
};

static double db_of(double mean_square)
{
    return 10 * log10(fmax(mean_square, 1e-30));
}

static void look_at(const float *x, size_t n, struct block *ret)
{
    double sum = 0, square = 0;
    *ret = (struct block){0};
    for (size_t i = 0; i < n; i++) {
        double v = cb_meter_sane(x[i]);
        sum += v;
        square += v * v;
        ret->is_overload |= cb_meter_is_overload(x[i]);
    }
    ret->square = fmax(0, square / (double) n - sum * sum / (double) n / (double) n);
}

/* The longest run of blocks whose levels lie within STEADY_DB and not in the noise. */
static size_t steady_run(const struct block *b, size_t n, size_t *ret_first)
{
    size_t best = 0;
    for (size_t i = 0; i < n; i++) {
        double low = HUGE_VAL, high = -HUGE_VAL;
        size_t k = i;
        for (; k < n; k++) {
            double db = db_of(b[k].square);
            low = fmin(low, db);
            high = fmax(high, db);
            if (high - low > STEADY_DB || db < LEVEL_MIN_DB)
                break;
        }
        if (k - i > best) {
            best = k - i;
            *ret_first = i;
        }
    }
    return best;
}

/* Rising crossings of the mean, each to a fraction of a sample: a first frequency. */
static double crossing_hz(const float *x, size_t n, int rate_hz)
{
    double mean = 0, first = NAN, last = NAN;
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        mean += x[i] / (double) n;
    for (size_t i = 1; i < n; i++) {
        double a = x[i - 1] - mean, b = x[i] - mean;
        if (a >= 0 || b < 0)
            continue;
        last = (double) i - b / (b - a);
        first = isnan(first) ? last : first;
        count++;
    }
    return count > 1 ? (double) (count - 1) * rate_hz / (last - first) : 0;
}

struct tone {
    double square, rest; /* mean squares of the tone and of what is left */
    double phase;
};

/* Least squares of a sine, a cosine and a constant; orthogonal enough over a hundred periods that
 * two passes settle it. */
static struct tone fit_tone(const float *x, size_t n, double f_hz, int rate_hz)
{
    double s = 0, c = 0, d = 0, step = 2 * M_PI * f_hz / rate_hz, rest = 0;
    for (int pass = 0; pass < 3; pass++) {
        double rs = 0, rc = 0, rd = 0;
        rest = 0;
        for (size_t i = 0; i < n; i++) {
            double a = sin(step * (double) i), b = cos(step * (double) i);
            double r = x[i] - s * a - c * b - d;
            rs += r * a;
            rc += r * b;
            rd += r;
            rest += r * r;
        }
        if (pass == 2)
            break;
        s += 2 * rs / (double) n;
        c += 2 * rc / (double) n;
        d += rd / (double) n;
    }
    return (struct tone){
        .square = (s * s + c * c) / 2, .rest = rest / (double) n, .phase = atan2(c, s)};
}

/* The tone over all blocks of the stretch, its frequency by the drift of the phase. */
static void measure_tone(const float *x, size_t n_blocks, size_t block_n, int rate_hz,
                         struct cb_calibrator_report *ret)
{
    double f = crossing_hz(x, n_blocks * block_n, rate_hz), drift = 0;
    for (int pass = 0; pass < 2; pass++) {
        struct tone before = fit_tone(x, block_n, f, rate_hz);
        drift = 0;
        for (size_t i = 1; i < n_blocks; i++) {
            struct tone t = fit_tone(x + i * block_n, block_n, f, rate_hz);
            double turned = 2 * M_PI * f * (double) block_n / rate_hz;
            drift += remainder(t.phase - before.phase - turned, 2 * M_PI);
            before = t;
        }
        f += drift / (double) (n_blocks - 1) / (2 * M_PI) * rate_hz / (double) block_n;
    }
    double low = HUGE_VAL, high = -HUGE_VAL, square = 0, rest = 0;
    for (size_t i = 0; i < n_blocks; i++) {
        struct tone t = fit_tone(x + i * block_n, block_n, f, rate_hz);
        low = fmin(low, db_of(t.square));
        high = fmax(high, db_of(t.square));
        square += t.square / (double) n_blocks;
        rest += t.rest / (double) n_blocks;
    }
    ret->f_hz = f;
    ret->tone_dbfs = db_of(square);
    ret->spread_db = high - low;
    ret->thd_n_percent = 100 * sqrt(rest / fmax(square, 1e-30));
    ret->u95_db = sqrt(U_CALIBRATOR_DB * U_CALIBRATOR_DB + U_COUPLING_DB * U_COUPLING_DB +
                       ret->spread_db * ret->spread_db / 4);
}

/* The checks in the order in which one causes the next. */
static void find_fault(const struct block *b, size_t n, struct cb_calibrator_report *r)
{
    size_t n_over = 0;
    for (size_t i = 0; i < n; i++)
        n_over += b[i].is_overload;
    if (n_over)
        snprintf(r->fault, sizeof r->fault,
                 "clipped in %zu of %zu tenths of a second: lower the camera's gain", n_over, n);
    else if (fabs(r->f_hz - F_HZ) > F_SHARE * F_HZ)
        snprintf(r->fault, sizeof r->fault, "the tone is %.1f Hz, expected 1000 Hz within 2 %%",
                 r->f_hz);
    else if (r->thd_n_percent > THD_N_MAX)
        snprintf(r->fault, sizeof r->fault,
                 "distortion and noise are %.1f %%, expected %.0f %% or less", r->thd_n_percent,
                 THD_N_MAX);
    else if (r->spread_db > SPREAD_DB)
        snprintf(r->fault, sizeof r->fault, "the level moves by %.2f dB, expected %.1f dB or less",
                 r->spread_db, SPREAD_DB);
}

int cb_calibrator_measure(const float *x, size_t n, int rate_hz, struct cb_calibrator_report *ret)
{
    size_t block_n = (size_t) (rate_hz * BLOCK_S), n_blocks = block_n ? n / block_n : 0, first = 0;
    CB_AUTO_FREE struct block *b = calloc(n_blocks + 1, sizeof *b);
    struct cb_calibrator_report r = {
        .f_hz = NAN, .tone_dbfs = NAN, .spread_db = NAN, .thd_n_percent = NAN, .u95_db = NAN};
    const struct cb_rate_class *serves = cb_rate_class(rate_hz);
    r.top_hz = serves->top_hz;
    r.band_top_hz = serves->band_top_hz;
    r.class_ = serves->class_;
    if (!b)
        return -ENOMEM;
    for (size_t i = 0; i < n_blocks; i++)
        look_at(x + i * block_n, block_n, &b[i]);
    size_t run = steady_run(b, n_blocks, &first);
    if (run > 4) { /* its ends are half put on */
        first++;
        run -= 2;
    }
    r.from_s = (double) first * BLOCK_S;
    r.seconds = (double) run * BLOCK_S;
    if (run < 2 || r.seconds < SECONDS_MIN - 1e-9) {
        snprintf(r.fault, sizeof r.fault,
                 "steady for only %.1f s, expected a tone of %.0f s or more", r.seconds,
                 SECONDS_MIN);
    } else {
        measure_tone(x + first * block_n, run, block_n, rate_hz, &r);
        find_fault(b + first, run, &r);
    }
    *ret = r;
    return r.fault[0] ? -EINVAL : 0;
}
