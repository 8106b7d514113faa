#include "look.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define SIZE_MIN_PX 24
#define RIM_PX      2
#define AROUND      1.6f /* the square's side by the box's: a detector knows things in their place */
#define PAD         114  /* what lies outside the picture, as the network was trained */

bool cb_look_is_worth(const struct cb_picture *p, const struct cb_box *b)
{
    return fmaxf(b->w, b->h) >= SIZE_MIN_PX && b->x >= RIM_PX && b->y >= RIM_PX &&
           b->x + b->w <= (float) (p->width - RIM_PX) &&
           b->y + b->h <= (float) (p->height - RIM_PX);
}

static uint8_t to_byte(float v)
{
    return v <= 0 ? 0 : v >= 255 ? 255 : (uint8_t) (v + 0.5f);
}

/* Bilinear at (x, y) of a plane; the edge is repeated. */
static float sample(const struct cb_picture *p, int plane, float x, float y)
{
    int w = plane ? (p->width + (1 << p->chroma_shift_x) - 1) >> p->chroma_shift_x : p->width;
    int h = plane ? (p->height + (1 << p->chroma_shift_y) - 1) >> p->chroma_shift_y : p->height;
    x = fminf(fmaxf(x, 0), (float) (w - 1));
    y = fminf(fmaxf(y, 0), (float) (h - 1));
    int x0 = (int) x, y0 = (int) y, x1 = x0 + (x0 < w - 1), y1 = y0 + (y0 < h - 1);
    float fx = x - (float) x0, fy = y - (float) y0;
    const uint8_t *a = p->plane[plane] + y0 * p->stride[plane];
    const uint8_t *b = p->plane[plane] + y1 * p->stride[plane];
    float top = (float) a[x0] * (1 - fx) + (float) a[x1] * fx;
    float low = (float) b[x0] * (1 - fx) + (float) b[x1] * fx;
    return top * (1 - fy) + low * fy;
}

/* ITU-R BT.601; what a network makes of a vehicle does not hang on 601 or 709. */
static void put_pixel(const struct cb_picture *p, float x, float y, uint8_t *bgr)
{
    float l = sample(p, 0, x, y), u = 0, v = 0;
    if (p->plane[1] && p->plane[2]) {
        float cx = (x + 0.5f) / (float) (1 << p->chroma_shift_x) - 0.5f;
        float cy = (y + 0.5f) / (float) (1 << p->chroma_shift_y) - 0.5f;
        u = sample(p, 1, cx, cy) - 128;
        v = sample(p, 2, cx, cy) - 128;
    }
    if (!p->is_full_range) {
        l = (l - 16) * (255.0f / 219);
        u *= 255.0f / 224;
        v *= 255.0f / 224;
    }
    bgr[0] = to_byte(l + 1.772f * u);
    bgr[1] = to_byte(l - 0.344136f * u - 0.714136f * v);
    bgr[2] = to_byte(l + 1.402f * v);
}

int cb_look_take(struct cb_look *look, const struct cb_picture *p, const struct cb_box *box)
{
    const int n = CB_LOOK_SIDE;
    if (!look->bgr)
        look->bgr = malloc((size_t) n * n * 3);
    if (!look->bgr)
        return -ENOMEM;
    float side = AROUND * fmaxf(box->w, box->h), scale = side / (float) n;
    float x0 = box->x + box->w / 2 - side / 2, y0 = box->y + box->h / 2 - side / 2;
    uint8_t *at = look->bgr;
    for (int j = 0; j < n; j++) {
        for (int i = 0; i < n; i++, at += 3) {
            float x = x0 + ((float) i + 0.5f) * scale - 0.5f;
            float y = y0 + ((float) j + 0.5f) * scale - 0.5f;
            if (x < 0 || y < 0 || x > (float) (p->width - 1) || y > (float) (p->height - 1))
                at[0] = at[1] = at[2] = PAD;
            else
                put_pixel(p, x, y, at);
        }
    }
    look->t_ns = p->t_ns;
    look->size_px = fmaxf(box->w, box->h);
    look->box = (struct cb_box){(box->x - x0) / scale, (box->y - y0) / scale, box->w / scale,
                                box->h / scale};
    return 0;
}
