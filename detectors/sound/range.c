#include "range.h"

#include <math.h>

#define TOP_SHARE  0.005
#define WIDE       8.0
#define FLAT_SHARE 0.6 /* between a round top's 35 % and a flat one's 100 % */
#define N_MIN      12
#define QUIET      1e-3 /* under −60 dBFS nothing clips */
#define NOISE_OVER 4.95 /* as power: 6.9 dB over the noise it adds 0.8 dB */

struct top {
    float highest, next; /* next: the highest that is not the highest itself */
};

static struct top find_top(const float *x, size_t n, float sign)
{
    struct top t = {0, 0};
    for (size_t i = 0; i < n; i++) { /* no fmaxf, which minds NaN: x is finite */
        float v = sign * x[i];
        t.highest = v > t.highest ? v : t.highest;
    }
    float below = t.highest * (1 - 1e-5f);
    for (size_t i = 0; i < n; i++) {
        float v = sign * x[i];
        v = v < below ? v : 0;
        t.next = v > t.next ? v : t.next;
    }
    return t;
}

static size_t count_over(const float *x, size_t n, float sign, float least)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += sign * x[i] >= least;
    return count;
}

/* G.711's highest values; 16-bit samples come upon them too, but with finer steps below. */
static bool is_g711_full(const struct top *t)
{
    bool is_a_law = fabsf(t->highest - 32256.0f / 32768) < 1e-5f;
    bool is_mu_law = fabsf(t->highest - 32124.0f / 32768) < 1e-5f;
    return (is_a_law || is_mu_law) && t->next < 0.975f * t->highest;
}

static bool is_flat(const float *x, size_t n, float sign)
{
    struct top t = find_top(x, n, sign);
    if (t.highest < QUIET)
        return false;
    if (is_g711_full(&t))
        return true;
    double share = fmax(TOP_SHARE, 1.01 * (1 - (double) t.next / t.highest));
    if (WIDE * share >= 1)
        return false; /* too coarse to have a shape */
    size_t narrow = count_over(x, n, sign, (float) ((1 - share) * t.highest));
    size_t wide = count_over(x, n, sign, (float) ((1 - WIDE * share) * t.highest));
    return wide >= N_MIN && (double) narrow > FLAT_SHARE * (double) wide;
}

bool cb_range_is_clipped(const float *x, size_t n)
{
    return is_flat(x, n, 1) || is_flat(x, n, -1);
}

void cb_range_add(struct cb_range *r, const float *x, size_t n)
{
    float step = r->step > 0 ? r->step : HUGE_VALF, last = r->last;
    for (size_t i = 0; i < n; i++) {
        float d = fabsf(x[i] - last);
        step = d > 0 && d < step ? d : step;
        last = x[i];
    }
    r->last = last;
    r->step = step < HUGE_VALF ? step : 0;
}

double cb_range_noise(const struct cb_range *r)
{
    return (double) r->step * r->step / 12;
}

double cb_range_least(const struct cb_range *r)
{
    return NOISE_OVER * cb_range_noise(r);
}
