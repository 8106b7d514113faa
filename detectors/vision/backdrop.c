#include "backdrop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "dsp/dsp_picture.h"

#define THRESHOLD_BASE 7   /* levels; three times the noise is added */
#define LEARN_FREE_S   4.0 /* how fast the road's own light is followed */
#define LEARN_BUSY_S   60.0
#define STILL_S        4.0 /* what has not moved for so long belongs to the scene */
#define STILL_LEVELS   8
#define GHOST_S        0.4 /* of keeping still before a patch is looked at as a ghost */
#define GHOST_LEVELS   6   /* a ghost's border does not show in the picture */
#define GHOST_REACH    2   /* px from a border pixel to the road beside it */
#define RANGE_EVERY    4   /* frames between two rebuilds of the tolerance range */
#define BUSY_EVERY     4   /* frames between two steps of the noise of busy pixels */
#define GAIN_STRIDE    4   /* px between two samples of the common gain */
#define GAIN_DEAD_Q12  61  /* 1.5 %: less is left to learning */

struct cb_backdrop {
    int w, h, black;
    size_t n;
    uint16_t *bg;
    uint8_t *noise, *lo, *hi, *raw, *mask, *recent;
    uint16_t *still_ms; /* how long a changed pixel has kept its value */
    uint64_t n_frames;
    double typical_noise; /* levels */
};

int cb_backdrop_create(struct cb_backdrop **ret, int w, int h, int black)
{
    struct cb_backdrop *b = calloc(1, sizeof *b);
    if (!b)
        return -ENOMEM;
    b->w = w;
    b->h = h;
    b->black = black;
    b->n = (size_t) w * (size_t) h;
    b->bg = cb_alloc_aligned(b->n * sizeof *b->bg);
    b->still_ms = cb_alloc_aligned(b->n * sizeof *b->still_ms);
    uint8_t **plane[] = {&b->noise, &b->lo, &b->hi, &b->raw, &b->mask, &b->recent};
    bool is_whole = b->bg && b->still_ms;
    for (size_t i = 0; i < CB_LEN(plane); i++)
        is_whole = (*plane[i] = cb_alloc_aligned(b->n)) && is_whole;
    if (!is_whole) {
        cb_backdrop_destroy(&b);
        return -ENOMEM;
    }
    *ret = b;
    return 0;
}

void cb_backdrop_destroy(struct cb_backdrop **background)
{
    struct cb_backdrop *b = *background;
    if (!b)
        return;
    *background = NULL;
    free(b->bg);
    free(b->still_ms);
    free(b->noise);
    free(b->lo);
    free(b->hi);
    free(b->raw);
    free(b->mask);
    free(b->recent);
    free(b);
}

void cb_backdrop_start(struct cb_backdrop *b, const uint8_t *const *img, int n)
{
    cb_dsp_median_picture(b->bg, img, n, b->n);
    memset(b->noise, 24, b->n); /* 1.5 levels until it is known */
    memset(b->mask, 0, b->n);
    memset(b->still_ms, 0, b->n * sizeof *b->still_ms);
    memcpy(b->recent, img[n - 1], b->n);
    b->n_frames = 0;
}

/* The exposure's change against the background: the median ratio of the pixels that showed road
 * in the picture before. Needs more than half of them lit as before. */
static int common_gain_q12(const struct cb_backdrop *b, const uint8_t *img, const int *span)
{
    int hist[1024] = {0}; /* ratio · 256, up to 4 */
    int n = 0;
    for (int y = GAIN_STRIDE / 2; y < b->h; y += GAIN_STRIDE)
        for (int x = span[2 * y]; x < span[2 * y + 1]; x += GAIN_STRIDE) {
            size_t i = (size_t) y * (size_t) b->w + (size_t) x;
            int was = b->bg[i] - (b->black << 8), is = (img[i] - b->black) * 256;
            if (was < 12 << 8 || is < 0 || img[i] > 250 || b->bg[i] > 250 << 8)
                continue;
            int ratio = (is + 128) / (was >> 8);
            hist[ratio < 1024 ? ratio : 1023]++;
            n++;
        }
    if (n < 200)
        return 4096;
    int below = 0, k = 0, agree = 0;
    while (below + hist[k] < n / 2)
        below += hist[k++];
    for (int i = k > 12 ? k - 12 : 0; i <= k + 12 && i < 1024; i++)
        agree += hist[i];
    if (agree < n * 2 / 5) /* a lorry that fills the picture is no change of exposure */
        return 4096;
    /* within the bin by share, so that the result is finer than a bin */
    return k * 16 + 16 * (n / 2 - below) / hist[k] - 8;
}

static void follow_exposure(struct cb_backdrop *b, const uint8_t *img, const int *span)
{
    int gain = common_gain_q12(b, img, span);
    if (abs(gain - 4096) < GAIN_DEAD_Q12)
        return;
    cb_dsp_scale(b->bg, b->black, gain, b->n);
    b->n_frames = 0; /* the range is rebuilt at once */
}

/*
 * The border of a ghost, which is what the background remembers of a vehicle that has gone: the
 * picture goes on across it as if nothing were there. Taken away from the border inwards.
 */
static bool is_ghost(const struct cb_backdrop *b, const uint8_t *img, int x, int y)
{
    if (x < GHOST_REACH || y < GHOST_REACH || x + GHOST_REACH >= b->w || y + GHOST_REACH >= b->h)
        return false;
    const ptrdiff_t row = b->w, beside[] = {-GHOST_REACH, GHOST_REACH, -GHOST_REACH * row,
                                            GHOST_REACH * row};
    size_t i = (size_t) y * (size_t) b->w + (size_t) x;
    for (size_t k = 0; k < CB_LEN(beside); k++) {
        size_t j = (size_t) ((ptrdiff_t) i + beside[k]);
        if (!b->mask[j] && abs(img[i] - img[j]) <= GHOST_LEVELS &&
            abs(b->bg[i] - b->bg[j]) > 2 * GHOST_LEVELS << 8)
            return true;
    }
    return false;
}

/* What has kept its look for a while is taken into the background: a parked car, and sooner the
 * ghost that one leaves when it drives off. */
static void take_in_still(struct cb_backdrop *b, const uint8_t *img, const int *span,
                          double dt_s)
{
    int dt_ms = (int) (dt_s * 1000);
    for (int y = 0; y < b->h; y++)
        for (int x = span[2 * y]; x < span[2 * y + 1]; x++) {
            size_t i = (size_t) y * (size_t) b->w + (size_t) x;
            if (!b->mask[i]) {
                x += cb_dsp_n_quiet(&b->mask[i], span[2 * y + 1] - x) - 1;
                continue;
            }
            if (abs(img[i] - b->recent[i]) > STILL_LEVELS) {
                b->recent[i] = img[i];
                b->still_ms[i] = 0;
                continue;
            }
            b->still_ms[i] = (uint16_t) (b->still_ms[i] + dt_ms);
            if (b->still_ms[i] > STILL_S * 1000 ||
                (b->still_ms[i] > GHOST_S * 1000 && is_ghost(b, img, x, y))) {
                b->bg[i] = (uint16_t) (img[i] << 8);
                b->still_ms[i] = 0;
            }
        }
}

static void clear_outside(struct cb_backdrop *b, const int *span)
{
    for (int y = 0; y < b->h; y++) {
        uint8_t *row = b->raw + (size_t) y * (size_t) b->w;
        memset(row, 0, (size_t) span[2 * y]);
        memset(row + span[2 * y + 1], 0, (size_t) (b->w - span[2 * y + 1]));
    }
}

/* Median step between neighbours' differences from the model: a change of light that both share
 * is no noise, and what drives by hardly moves a median. */
static double typical_noise(const struct cb_backdrop *b, const uint8_t *img, const int *span)
{
    int hist[256] = {0}, n = 0, k = 0;
    for (int y = GAIN_STRIDE / 2; y < b->h; y += GAIN_STRIDE)
        for (int x = span[2 * y]; x + 1 < span[2 * y + 1]; x += GAIN_STRIDE, n++) {
            size_t i = (size_t) y * (size_t) b->w + (size_t) x;
            int step = abs((img[i] - img[i + 1]) * 256 - (b->bg[i] - b->bg[i + 1])) >> 4;
            hist[step < 256 ? step : 255]++;
        }
    for (int below = hist[0]; below < n / 2; below += hist[k])
        k++;
    return k / 16.0;
}

static int alpha_of(double dt_s, double time_s)
{
    double a = dt_s / time_s * 65536;
    return a < 8 ? 8 : a > 32768 ? 32768 : (int) a;
}

void cb_backdrop_add(struct cb_backdrop *b, const uint8_t *img, const int *span, double dt_s,
                       struct cb_foreground *ret)
{
    dt_s = dt_s < 0.001 ? 0.001 : dt_s > 1 ? 1 : dt_s;
    follow_exposure(b, img, span);
    if (b->n_frames % RANGE_EVERY == 0) {
        cb_dsp_range3(b->lo, b->hi, b->bg, b->w, b->h);
        b->typical_noise = typical_noise(b, img, span);
    }
    cb_dsp_changed(b->raw, img, b->lo, b->hi, b->noise, THRESHOLD_BASE, b->n);
    clear_outside(b, span);
    cb_dsp_majority3(b->mask, b->raw, b->w, b->h, 5);
    take_in_still(b, img, span, dt_s);
    cb_dsp_learn(b->bg, b->noise, img, b->mask, alpha_of(dt_s, LEARN_FREE_S),
                 alpha_of(dt_s, LEARN_BUSY_S), b->n_frames % BUSY_EVERY == 0, b->n);
    b->n_frames++;
    *ret = (struct cb_foreground){.img = img, .bg = b->bg, .mask = b->mask, .w = b->w, .h = b->h,
                                  .black = b->black, .noise = b->typical_noise};
}
