#include "harmonics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "dsp/dsp_sound.h"
#include "speed/numeric.h"
#include "spectrum.h"

#define CONTRAST_MAX_DB 20.0 /* a line can't count for more: one whistle is no comb */
#define SURROUND_HZ     120.0
#define STEP            1.006 /* from one f0 to the next: half a bin at the tenth harmonic */
#define TOP_HZ          3000.0
#define N_HARMONICS     24
#define DIVISOR_MIN     0.85
#define N_FULL_TRUST    8 /* harmonics from which on a comb is not chance */
#define SHAFT_MOST      8 /* firings a cycle */
#define SHAFT_BINS      5 /* lines nearer to one another are not parted */
#define SHAFT_TOP_HZ    1500.0
#define SHAFT_DB        2.0
#define UNEVEN_LINES    6 /* so many are wanted to tell */
#define THERE_DB        6.0

void cb_contrast(float *ret_db, const float *power, size_t n, double bin_hz)
{
    float db[CB_BINS_MAX] = {0}, median[CB_BINS_MAX];
    double half = SURROUND_HZ / bin_hz;
    for (size_t k = 0; k < n; k++)
        db[k] = 10 * log10f(power[k] + 1e-20f);
    cb_dsp_moving_median(median, db, n, (size_t) fmin(half, 60));
    for (size_t k = 0; k < n; k++)
        ret_db[k] = fmaxf(0, fminf((float) CONTRAST_MAX_DB, db[k] - median[k]));
}

static size_t nearest(double bin)
{
    return (size_t) (bin + 0.5);
}

/* Of each bin the greatest value within one of it: a line may lie between two bins. */
static void spread(float *ret, const float *x, size_t n)
{
    for (size_t k = 0; k + 1 < n; k++) {
        float v = x[k] > x[k + 1] ? x[k] : x[k + 1];
        ret[k] = k > 0 && x[k - 1] > v ? x[k - 1] : v;
    }
    ret[n - 1] = 0;
}

static float near_hz(const float *x, size_t n, double bin)
{
    size_t k = nearest(bin);
    if (k + 1 >= n)
        return 0;
    float v = fmaxf(x[k], x[k + 1]);
    return k > 0 ? fmaxf(v, x[k - 1]) : v;
}

static int count_harmonics(size_t n, double bin_hz, double f0_hz)
{
    double top_hz = fmin(TOP_HZ, (double) (n - 2) * bin_hz);
    return (int) fmin(top_hz / f0_hz, N_HARMONICS);
}

/* A spectrum in which combs are looked for. */
struct lines {
    const float *contrast_db;
    float near_db[CB_BINS_MAX]; /* the same, spread by a bin */
    size_t n;
    double bin_hz;
};

static void lines_init(struct lines *l, const float *contrast_db, size_t n, double bin_hz)
{
    l->contrast_db = contrast_db;
    l->n = n;
    l->bin_hz = bin_hz;
    spread(l->near_db, contrast_db, n);
}

static double score(const struct lines *l, double f0_hz)
{
    int m = count_harmonics(l->n, l->bin_hz, f0_hz);
    double on = 0, between = 0, step = f0_hz / l->bin_hz;
    for (int h = 1; h <= m; h++) {
        on += l->near_db[nearest(h * step)];
        between += l->contrast_db[nearest((h - 0.5) * step)];
    }
    return m ? (on - between) / m * sqrt(fmin(m, N_FULL_TRUST) / N_FULL_TRUST) : 0;
}

/* Power in the lines, and in the gaps of as many bins between them. */
static void weigh_lines(const float *power, size_t n, double bin_hz, struct cb_comb *c)
{
    double all = cb_dsp_sum(power, n), in = 0, gap = 0;
    double reach = fmin(2, 0.25 * c->f0_hz / bin_hz); /* a line is no wider than half the gap */
    for (int h = 1; h <= count_harmonics(n, bin_hz, c->f0_hz); h++) {
        double at = h * c->f0_hz / bin_hz, half = c->f0_hz / bin_hz / 2;
        for (size_t k = (size_t) ceil(at - reach); (double) k <= at + reach && k < n; k++) {
            in += power[k];
            size_t below = (size_t) fmax(0, (double) k - half);
            gap += power[below];
        }
    }
    c->share = all > 0 ? in / all : 0;
    c->over = all > 0 ? fmax(0, in - gap) / all : 0;
}

/* Every third line of a comb is a comb too, and scores as well: the finest that holds is meant. */
static void prefer_divisor(const struct lines *l, struct cb_comb *c)
{
    const double best_db = c->score_db, f0_hz = c->f0_hz;
    for (int k = 2; k <= 6 && f0_hz / k >= CB_COMB_LOW_HZ; k++) {
        for (int i = -1; i <= 1; i++) {
            double f = f0_hz / k * (1 + i * (STEP - 1) / k);
            double v = score(l, f);
            if (v >= DIVISOR_MIN * best_db)
                *c = (struct cb_comb){.f0_hz = f, .score_db = v};
        }
    }
}

static struct cb_comb best_comb(const struct lines *l)
{
    struct cb_comb best = {0};
    for (double f0 = CB_COMB_LOW_HZ; f0 <= CB_COMB_HIGH_HZ; f0 *= STEP) {
        double v = score(l, f0);
        if (v > best.score_db)
            best = (struct cb_comb){.f0_hz = f0, .score_db = v};
    }
    return best;
}

void cb_comb_find(const float *contrast_db, const float *power, size_t n, double bin_hz,
                  struct cb_comb *ret)
{
    struct lines l;
    lines_init(&l, contrast_db, n, bin_hz);
    *ret = best_comb(&l);
    prefer_divisor(&l, ret);
    if (ret->f0_hz > 0)
        weigh_lines(power, n, bin_hz, ret);
}

/* How far a line stands out over what lies halfway to the one below. */
static double stands_db(const float *contrast_db, size_t n, double bin_hz, double at_hz, double f0_hz)
{
    double gap = at_hz - f0_hz / 2;
    return near_hz(contrast_db, n, at_hz / bin_hz) - near_hz(contrast_db, n, gap / bin_hz);
}

/* Middle of how far every k-th part of the lines stands out, those of the comb itself left out. */
static double parts_db(const float *contrast_db, size_t n, double bin_hz, double f0_hz, int k)
{
    double v[N_HARMONICS * SHAFT_MOST];
    double part_hz = f0_hz / k, top_hz = fmin(SHAFT_TOP_HZ, (double) (n - 2) * bin_hz);
    size_t m = 0;
    for (int h = 1; h * part_hz < top_hz && m < CB_LEN(v); h++)
        if (h % k)
            v[m++] = stands_db(contrast_db, n, bin_hz, h * part_hz, part_hz);
    if (m < 2)
        return 0;
    qsort(v, m, sizeof *v, cb_by_value);
    return v[m / 2];
}

/* Half orders: cylinders that fire unlike one another make lines at every half turn of the shaft.
 * @return into how many equal parts they divide the distance of the lines; 1: there are none */
static int find_shaft(const float *contrast_db, size_t n, double bin_hz, double f0_hz)
{
    int best = 1;
    double best_db = SHAFT_DB;
    for (int k = 2; k <= SHAFT_MOST && f0_hz / k >= SHAFT_BINS * bin_hz; k++) {
        double v = parts_db(contrast_db, n, bin_hz, f0_hz, k);
        if (v > best_db) {
            best_db = v;
            best = k;
        }
    }
    return best;
}

/* How unevenly the lines' strength goes from one to the next: RMS about a smooth curve over the
 * logarithm of the frequency. A pipe rings at some of them, and one firing order beats another;
 * what makes one short pulse a turn, or a saw tooth, falls evenly. */
static double uneven_db(const float *contrast_db, const float *power, size_t n, double bin_hz,
                        double f0_hz)
{
    double ln_hz[N_HARMONICS], db[N_HARMONICS], square = 0;
    size_t m = 0;
    for (int h = 1; h <= count_harmonics(n, bin_hz, f0_hz); h++) {
        if (stands_db(contrast_db, n, bin_hz, h * f0_hz, f0_hz) < THERE_DB)
            continue;
        ln_hz[m] = log(h);
        db[m++] = 10 * log10((double) near_hz(power, n, h * f0_hz / bin_hz) + 1e-20);
    }
    if (m < UNEVEN_LINES)
        return 0;
    cb_take_trend(ln_hz, db, m);
    for (size_t i = 0; i < m; i++)
        square += db[i] * db[i];
    return sqrt(square / (double) (m - 3));
}

static double best_beside(const float *contrast_db, size_t n, double bin_hz, double line_hz)
{
    float rest[CB_BINS_MAX];
    struct lines l;
    memcpy(rest, contrast_db, n * sizeof *rest);
    for (double at = line_hz / bin_hz; at < (double) n; at += line_hz / bin_hz)
        for (size_t k = (size_t) fmax(0, at - 1); (double) k <= at + 2 && k < n; k++)
            rest[k] = 0;
    lines_init(&l, rest, n, bin_hz);
    return best_comb(&l).score_db;
}

void cb_comb_look_beside(const float *contrast_db, const float *power, size_t n, double bin_hz,
                         struct cb_comb *c)
{
    if (c->f0_hz <= 0)
        return;
    int shaft = find_shaft(contrast_db, n, bin_hz, c->f0_hz);
    c->uneven_db = uneven_db(contrast_db, power, n, bin_hz, c->f0_hz);
    c->second_db = best_beside(contrast_db, n, bin_hz, c->f0_hz / shaft);
}

struct cb_tone cb_tone_find(const float *power, size_t n, double bin_hz, double low_hz,
                            double high_hz)
{
    size_t best = (size_t) (low_hz / bin_hz) + 1;
    for (size_t k = best; k + 2 < n && (double) k * bin_hz <= high_hz; k++)
        if (power[k] > power[best])
            best = k;
    if (best + 2 >= n || best < 2)
        return (struct cb_tone){0};
    double all = cb_dsp_sum(power, n);
    double l = log(power[best - 1] + 1e-30), m = log(power[best] + 1e-30),
           r = log(power[best + 1] + 1e-30), bend = l - 2 * m + r;
    double shift = bend < 0 ? fmax(-0.5, fmin(0.5, 0.5 * (l - r) / bend)) : 0;
    return (struct cb_tone){.hz = ((double) best + shift) * bin_hz,
                            .share = all > 0 ? cb_dsp_sum(power + best - 2, 5) / all : 0};
}
