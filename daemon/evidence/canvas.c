#include "canvas.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>

#include "base/frame.h"
#include "base/mem.h"

static int shifted_up(int n, int shift)
{
    return (n + (1 << shift) - 1) >> shift;
}

/* TurboJPEG's name of a chroma layout; -1: JPEG has none that it writes. */
static int subsampling(int shift_x, int shift_y)
{
    if (shift_x == 0 && shift_y == 0)
        return TJSAMP_444;
    if (shift_x == 1 && shift_y == 0)
        return TJSAMP_422;
    if (shift_x == 1 && shift_y == 1)
        return TJSAMP_420;
    if (shift_x == 0 && shift_y == 1)
        return TJSAMP_440;
    if (shift_x == 2 && shift_y == 0)
        return TJSAMP_411;
    return -1;
}

int cb_canvas_init(struct cb_canvas *c, const struct cb_picture *p, int width, int height)
{
    bool is_kept = p->plane[1] && subsampling(p->chroma_shift_x, p->chroma_shift_y) >= 0;
    *c = (struct cb_canvas){.width = width, .height = height};
    c->shift_x = is_kept ? p->chroma_shift_x : 1;
    c->shift_y = is_kept ? p->chroma_shift_y : 1;
    for (int i = 0; i < 3; i++) {
        /* The encoder reads whole chroma samples: luma is padded to their size. */
        size_t w = (size_t) shifted_up(width, c->shift_x) << (i ? 0 : c->shift_x);
        size_t h = (size_t) shifted_up(height, c->shift_y) << (i ? 0 : c->shift_y);
        c->stride[i] = w;
        c->plane[i] = malloc(w * h);
        if (!c->plane[i]) {
            cb_canvas_deinit(c);
            return -ENOMEM;
        }
        memset(c->plane[i], i ? 128 : 0, w * h);
    }
    return 0;
}

void cb_canvas_deinit(struct cb_canvas *c)
{
    for (int i = 0; i < 3; i++) {
        free(c->plane[i]);
        c->plane[i] = NULL;
    }
}

/* JFIF is full range: luma 16…235 and chroma 16…240 are stretched, rounded and clipped. */
static void fill_table(uint8_t table[256], bool is_luma, bool is_full_range)
{
    for (int v = 0; v < 256; v++) {
        double x = is_luma ? (v - 16) * 255.0 / 219.0 : (v - 128) * 255.0 / 224.0 + 128.0;
        int rounded = is_full_range ? v : (int) (x + 0.5);
        table[v] = (uint8_t) (x < 0 && !is_full_range ? 0 : rounded > 255 ? 255 : rounded);
    }
}

/* One row: sample k of dst is sample (first + (k << up)) >> down of src, never beyond its last. */
static void put_row(uint8_t *dst, int n, const uint8_t *src, int n_src, int first, int up, int down,
                    const uint8_t table[256])
{
    for (int k = 0; k < n; k++) {
        int at = (first + (k << up)) >> down;
        dst[k] = table[src[at < n_src ? at : n_src - 1]];
    }
}

static void put_plane(struct cb_canvas *c, int i, const struct cb_picture *p, int x, int y, int w,
                      int h)
{
    uint8_t table[256];
    int up_x = i ? c->shift_x : 0, up_y = i ? c->shift_y : 0;
    int down_x = i ? p->chroma_shift_x : 0, down_y = i ? p->chroma_shift_y : 0;
    int n_src = shifted_up(p->width, down_x), rows_src = shifted_up(p->height, down_y);
    int n = i ? shifted_up(w, up_x) : w + (w == c->width ? (int) c->stride[0] - w : 0);
    int rows = shifted_up(h, up_y);
    fill_table(table, i == 0, p->is_full_range);
    for (int row = 0; row < rows; row++) {
        int at = (y + (row << up_y)) >> down_y;
        const uint8_t *src = p->plane[i] + (at < rows_src ? at : rows_src - 1) * p->stride[i];
        put_row(c->plane[i] + (size_t) row * c->stride[i], n, src, n_src, x, up_x, down_x, table);
    }
}

void cb_canvas_put(struct cb_canvas *c, const struct cb_picture *p, int x, int y, int w, int h)
{
    for (int i = 0; i < 3; i++)
        if (p->plane[i])
            put_plane(c, i, p, x, y, w, h);
    if (h == c->height && (h & ((1 << c->shift_y) - 1))) /* the row that only pads */
        memcpy(c->plane[0] + (size_t) h * c->stride[0],
               c->plane[0] + (size_t) (h - 1) * c->stride[0], c->stride[0]);
}

/* Where sample k of n lies among n_src samples from first on: the centres of both ends meet. 16.16,
 * never outside. */
static int64_t place(int k, int n, double first, double n_src, int n_all)
{
    double at = first + (k + 0.5) * n_src / n - 0.5;
    at = at < 0 ? 0 : at > n_all - 1 ? n_all - 1 : at;
    return (int64_t) (at * 65536);
}

struct cell { /* of one plane */
    double x, y, w, h;  /* in the source's samples */
    int to_x, to_y, to_w, to_h;
    int n_x, n_y;       /* samples that the source has */
};

/* Bilinear: pictures are made smaller by little more than half. */
static void scale_plane(uint8_t *dst, size_t dst_stride, const uint8_t *src, ptrdiff_t src_stride,
                        const struct cell *c, const uint8_t table[256], const int64_t *column)
{
    for (int row = 0; row < c->to_h; row++) {
        int64_t y = place(row, c->to_h, c->y, c->h, c->n_y);
        int y0 = (int) (y >> 16), y1 = y0 + 1 < c->n_y ? y0 + 1 : y0, fy = (int) (y & 65535) >> 8;
        const uint8_t *a = src + y0 * src_stride, *b = src + y1 * src_stride;
        uint8_t *to = dst + (size_t) (c->to_y + row) * dst_stride + (size_t) c->to_x;
        for (int k = 0; k < c->to_w; k++) {
            int x0 = (int) (column[k] >> 16), x1 = x0 + 1 < c->n_x ? x0 + 1 : x0;
            int fx = (int) (column[k] & 65535) >> 8;
            int top = table[a[x0]] * (256 - fx) + table[a[x1]] * fx;
            int low = table[b[x0]] * (256 - fx) + table[b[x1]] * fx;
            to[k] = (uint8_t) ((top * (256 - fy) + low * fy + 32768) >> 16);
        }
    }
}

int cb_canvas_put_scaled(struct cb_canvas *c, const struct cb_picture *p, const int from[4],
                         const int to[4])
{
    CB_AUTO_FREE int64_t *column = calloc((size_t) to[2] + 1, sizeof *column);
    if (!column)
        return -ENOMEM;
    for (int i = 0; i < 3 && p->plane[i]; i++) {
        int up_x = i ? c->shift_x : 0, up_y = i ? c->shift_y : 0;
        int down_x = i ? p->chroma_shift_x : 0, down_y = i ? p->chroma_shift_y : 0;
        uint8_t table[256];
        struct cell l = {(double) from[0] / (1 << down_x), (double) from[1] / (1 << down_y),
                         (double) from[2] / (1 << down_x), (double) from[3] / (1 << down_y),
                         to[0] >> up_x, to[1] >> up_y,
                         shifted_up(to[2], up_x), shifted_up(to[3], up_y),
                         shifted_up(p->width, down_x), shifted_up(p->height, down_y)};
        fill_table(table, i == 0, p->is_full_range);
        for (int k = 0; k < l.to_w; k++)
            column[k] = place(k, l.to_w, l.x, l.w, l.n_x);
        scale_plane(c->plane[i], c->stride[i], p->plane[i], p->stride[i], &l, table, column);
    }
    return 0;
}

static unsigned alpha_of(uint32_t v)
{
    return v >> 24;
}
static int red_of(uint32_t v)
{
    return (int) (v >> 16 & 255);
}
static int green_of(uint32_t v)
{
    return (int) (v >> 8 & 255);
}
static int blue_of(uint32_t v)
{
    return (int) (v & 255);
}

static uint8_t clipped(int v)
{
    return (uint8_t) (v < 0 ? 0 : v > 255 ? 255 : v);
}

/* BT.601 as in JFIF; the colour is already multiplied by its alpha. */
static void blend_luma(uint8_t *y, uint32_t v)
{
    int add = (299 * red_of(v) + 587 * green_of(v) + 114 * blue_of(v) + 500) / 1000;
    *y = clipped(add + *y * (int) (255 - alpha_of(v)) / 255);
}

/* A chroma sample under the mean of the ARGB pixels [x0, x1) × [y0, y1). */
static void blend_chroma(struct cb_canvas *c, int cx, int cy, const uint32_t *argb,
                         size_t stride_px)
{
    int x0 = cx << c->shift_x, y0 = cy << c->shift_y, n = 0;
    long a = 0, r = 0, g = 0, b = 0;
    for (int y = y0; y < y0 + (1 << c->shift_y) && y < c->height; y++)
        for (int x = x0; x < x0 + (1 << c->shift_x) && x < c->width; x++, n++) {
            uint32_t v = argb[(size_t) y * stride_px + (size_t) x];
            a += alpha_of(v), r += red_of(v), g += green_of(v), b += blue_of(v);
        }
    if (!a)
        return;
    size_t at = (size_t) cy * c->stride[1] + (size_t) cx;
    double cover = (double) a / (255.0 * n);
    double cb = (-0.168736 * (double) r - 0.331264 * (double) g + 0.5 * (double) b) / n;
    double cr = (0.5 * (double) r - 0.418688 * (double) g - 0.081312 * (double) b) / n;
    c->plane[1][at] = clipped((int) ((c->plane[1][at] - 128) * (1 - cover) + cb + 128.5));
    c->plane[2][at] = clipped((int) ((c->plane[2][at] - 128) * (1 - cover) + cr + 128.5));
}

void cb_canvas_blend(struct cb_canvas *c, const uint32_t *argb, size_t stride_px)
{
    for (int y = 0; y < c->height; y++)
        for (int x = 0; x < c->width; x++) {
            uint32_t v = argb[(size_t) y * stride_px + (size_t) x];
            if (v)
                blend_luma(&c->plane[0][(size_t) y * c->stride[0] + (size_t) x], v);
        }
    for (int y = 0; y < shifted_up(c->height, c->shift_y); y++)
        for (int x = 0; x < shifted_up(c->width, c->shift_x); x++)
            blend_chroma(c, x, y, argb, stride_px);
}

int cb_canvas_jpeg(const struct cb_canvas *c, int quality, uint8_t **ret, size_t *ret_n)
{
    const unsigned char *plane[3] = {c->plane[0], c->plane[1], c->plane[2]};
    int stride[3] = {(int) c->stride[0], (int) c->stride[1], (int) c->stride[2]};
    unsigned char *jpeg = NULL;
    unsigned long n = 0;
    tjhandle tj = tjInitCompress();
    if (!tj)
        return -ENOMEM;
    int r = tjCompressFromYUVPlanes(tj, plane, c->width, stride, c->height,
                                    subsampling(c->shift_x, c->shift_y), &jpeg, &n, quality,
                                    TJFLAG_ACCURATEDCT);
    tjDestroy(tj);
    if (r < 0) {
        tjFree(jpeg);
        return -EIO;
    }
    *ret = jpeg;
    *ret_n = n;
    return 0;
}

void cb_canvas_free_jpeg(uint8_t *jpeg)
{
    tjFree(jpeg);
}
