#include "dsp_sound.h"

#include <math.h>
#include <string.h>

#define MEDIAN_HALF_MAX 63

void cb_dsp_hann(float *w, size_t n)
{
    for (size_t i = 0; i < n; i++)
        w[i] = (float) (0.5 - 0.5 * cos(2 * M_PI * ((double) i + 0.5) / (double) n));
}

void cb_dsp_multiply(float *dst, const float *x, const float *w, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dst[i] = x[i] * w[i];
}

void cb_dsp_unroll(float *dst, const float *ring, size_t cap, size_t next, size_t n)
{
    size_t first = (next + cap - n) % cap;
    size_t head = n < cap - first ? n : cap - first;
    memcpy(dst, ring + first, head * sizeof *dst);
    memcpy(dst + head, ring, (n - head) * sizeof *dst);
}

void cb_dsp_halve(float *x, size_t n, float *scratch)
{
    /* The odd taps of a sinc of half the rate in a Kaiser window (beta 5.1); of the even ones the
     * middle alone is not zero. */
    static const float tap[CB_DSP_HALF_TAPS] = {0.3107615f, -0.0859305f, 0.0346835f, -0.0126855f, 0.0031709f};
    size_t half = n / 2;
    float *even = scratch, *odd = scratch + half + CB_DSP_HALF_TAPS;
    memset(odd - CB_DSP_HALF_TAPS, 0, CB_DSP_HALF_TAPS * sizeof *odd);
    memset(odd + half, 0, CB_DSP_HALF_TAPS * sizeof *odd);
    for (size_t i = 0; i < half; i++) {
        even[i] = x[2 * i];
        odd[i] = x[2 * i + 1];
    }
    for (size_t i = 0; i < half; i++)
        x[i] = 0.5f * even[i];
    for (size_t k = 0; k < CB_DSP_HALF_TAPS; k++) {
        const float *after = odd + k, *before = odd - 1 - k;
        for (size_t i = 0; i < half; i++)
            x[i] += tap[k] * (after[i] + before[i]);
    }
}

double cb_dsp_sum(const float *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    return sum;
}

static float at(const float *x, size_t n, ptrdiff_t i)
{
    return x[i < 0 ? 0 : i >= (ptrdiff_t) n ? n - 1 : (size_t) i];
}

static void sorted_insert(float *s, size_t n, float v)
{
    size_t i = n;
    for (; i > 0 && s[i - 1] > v; i--)
        s[i] = s[i - 1];
    s[i] = v;
}

static void sorted_replace(float *s, size_t n, float old, float v)
{
    size_t i = 0;
    while (i + 1 < n && s[i] != old)
        i++;
    memmove(s + i, s + i + 1, (n - 1 - i) * sizeof *s);
    sorted_insert(s, n - 1, v);
}

void cb_dsp_moving_median(float *dst, const float *x, size_t n, size_t half)
{
    float s[2 * MEDIAN_HALF_MAX + 1];
    size_t width = 2 * half + 1;
    ptrdiff_t h = (ptrdiff_t) half;
    for (ptrdiff_t i = -h; i <= h; i++)
        sorted_insert(s, (size_t) (i + h), at(x, n, i));
    for (ptrdiff_t i = 0; i < (ptrdiff_t) n; i++) {
        dst[i] = s[half];
        sorted_replace(s, width, at(x, n, i - h), at(x, n, i + h + 1));
    }
}

size_t cb_dsp_cross(float *re, float *im, const float *a, const float *b, const float *weight,
                    size_t first, size_t n, size_t group)
{
    size_t n_groups = 0;
    double all = 0;
    for (size_t k = first; k < first + n; k += group, n_groups++) {
        float sr = 0, si = 0;
        for (size_t i = k; i < k + group && i < first + n; i++) {
            float w = weight ? weight[i] : 1;
            sr += w * (a[2 * i] * b[2 * i] + a[2 * i + 1] * b[2 * i + 1]);
            si += w * (a[2 * i + 1] * b[2 * i] - a[2 * i] * b[2 * i + 1]);
            all += (double) w;
        }
        re[n_groups] = sr;
        im[n_groups] = si;
    }
    for (size_t k = 0; k < n_groups && all > 0; k++) {
        re[k] = (float) (re[k] / all);
        im[k] = (float) (im[k] / all);
    }
    return n_groups;
}

struct cb_dsp_turn cb_dsp_turn_at(double first, double step, double cycles_per_bin)
{
    double from = 2 * M_PI * cycles_per_bin * first, by = 2 * M_PI * cycles_per_bin * step;
    return (struct cb_dsp_turn){cos(from), sin(from), cos(by), sin(by)};
}

double cb_dsp_steer(const float *re, const float *im, size_t n, const struct cb_dsp_turn *t)
{
    double cr = t->re, ci = t->im, sum = 0;
    for (size_t k = 0; k < n; k++) {
        sum += re[k] * cr - im[k] * ci;
        double next = cr * t->step_re - ci * t->step_im;
        ci = cr * t->step_im + ci * t->step_re;
        cr = next;
    }
    return sum;
}
