#include <math.h>
#include <stdio.h>

#include "base/clock.h"
#include "sound.h"

#define SETTLE_S 0.6 /* the meter rises to the level for so long: the axis takes no heed of that */

static const struct cb_plot_colour curve = {0.36, 0.78, 1.0, 1}, red = {1.0, 0.36, 0.32, 1},
                                   grey = {0.70, 0.74, 0.78, 1}, gold = {1.0, 0.82, 0.25, 1},
                                   span = {1.0, 0.82, 0.25, 0.10};

static double t_of(const struct cb_heard_sound *s, int64_t t_ns)
{
    return cb_s_from_ns(t_ns - s->noise->t_peak_ns);
}

static void find_range(const struct cb_heard_sound *s, double ret[4])
{
    const struct cb_listening *h = s->heard;
    double low = fmin(s->noise->lafmax_db, s->noise->background_db), high = s->noise->lafmax_db;
    if (isfinite(s->noise->limit_db)) {
        low = fmin(low, s->noise->limit_db);
        high = fmax(high, s->noise->limit_db);
    }
    for (size_t i = (size_t) (SETTLE_S / h->level_step_s); i < h->n_levels; i++) {
        low = fmin(low, (double) h->laf_db[i]);
        high = fmax(high, (double) h->laf_db[i]);
    }
    double t0 = t_of(s, s->samples->t_ns);
    ret[0] = t0;
    ret[1] = t0 + fmax(0.1, (double) h->n_levels * h->level_step_s);
    ret[2] = floor(low / 5) * 5 - 5;
    ret[3] = ceil(high / 5) * 5 + 5;
}

static void draw_event(struct cb_plot *p, const struct cb_heard_sound *s)
{
    double x0 = fmax(cb_plot_x(p, t_of(s, s->noise->t_start_ns)), p->left);
    double x1 = fmin(cb_plot_x(p, t_of(s, s->noise->t_end_ns)), p->right);
    cairo_set_source_rgba(p->cr, span.r, span.g, span.b, span.a);
    cairo_rectangle(p->cr, x0, p->top, x1 - x0, p->bottom - p->top);
    cairo_fill(p->cr);
}

static void draw_curve(struct cb_plot *p, const struct cb_heard_sound *s)
{
    const struct cb_listening *h = s->heard;
    cairo_save(p->cr);
    cairo_rectangle(p->cr, p->left, p->top, p->right - p->left, p->bottom - p->top);
    cairo_clip(p->cr);
    for (size_t i = 0; i < h->n_levels; i++)
        cairo_line_to(p->cr, cb_plot_x(p, p->x0 + (double) (i + 1) * h->level_step_s),
                      cb_plot_y(p, (double) h->laf_db[i]));
    cairo_set_source_rgb(p->cr, curve.r, curve.g, curve.b);
    cairo_set_line_width(p->cr, 2);
    cairo_stroke(p->cr);
    cairo_restore(p->cr);
}

/* The maximum with the interval it lies in. */
static void draw_peak(struct cb_plot *p, const struct cb_noise *n)
{
    char text[96];
    double x = cb_plot_x(p, 0), y = cb_plot_y(p, n->lafmax_db);
    double u = isfinite(n->lafmax_u95_db) ? n->lafmax_u95_db : 0;
    cairo_set_source_rgb(p->cr, gold.r, gold.g, gold.b);
    cairo_set_line_width(p->cr, 2);
    cairo_move_to(p->cr, x, cb_plot_y(p, n->lafmax_db - u));
    cairo_line_to(p->cr, x, cb_plot_y(p, n->lafmax_db + u));
    for (int i = -1; i <= 1; i += 2) {
        cairo_move_to(p->cr, x - 6, cb_plot_y(p, n->lafmax_db + i * u));
        cairo_line_to(p->cr, x + 6, cb_plot_y(p, n->lafmax_db + i * u));
    }
    cairo_stroke(p->cr);
    cairo_arc(p->cr, x, y, 4, 0, 2 * M_PI);
    cairo_fill(p->cr);
    snprintf(text, sizeof text, "LAFmax %.1f ± %.1f dB(A)", n->lafmax_db, u);
    cb_plot_text(p, x + 14, y - 6, 18, gold, text);
}

int cb_sound_plot_level(const struct cb_heard_sound *s, uint8_t **ret, size_t *ret_n)
{
    const struct cb_noise *n = s->noise;
    const struct cb_plot_words words = {"声级 LAF (A 计权, 快) · Level, A-weighted, Fast",
                                        s->subtitle, "时间 Time (s)", "声级 Level (dB re 20 µPa)"};
    struct cb_plot p;
    double range[4];
    char text[96];
    find_range(s, range);
    int r = cb_plot_init(&p, 1280, 640, range, &words);
    if (r < 0)
        return r;
    draw_event(&p, s);
    cb_plot_axes(&p, &words);
    draw_curve(&p, s);
    if (isfinite(n->limit_db)) {
        snprintf(text, sizeof text, "限值 Limit %.0f dB(A)", n->limit_db);
        cb_plot_level(&p, n->limit_db, red, 0, text);
    }
    if (isfinite(n->background_db)) {
        snprintf(text, sizeof text, "背景 Background LA90 %.1f dB(A)", n->background_db);
        cb_plot_level(&p, n->background_db, grey, 8, text);
    }
    draw_peak(&p, n);
    r = cb_plot_png(&p, ret, ret_n);
    cb_plot_deinit(&p);
    return r;
}
