#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "sound.h"

#define TOP_HZ    1200.0
#define RANGE_DB  50.0 /* from the loudest bin down */
#define N_ORDERS  4

static const struct cb_plot_colour mark = {0.35, 1.0, 0.95, 1};

/* Black, violet, orange, pale yellow: grows in brightness, for the colour-blind too. */
static uint32_t colour_of(double v)
{
    static const double stop[5][3] = {
        {4, 4, 12}, {72, 12, 110}, {188, 55, 84}, {249, 142, 9}, {252, 255, 190}};
    double at = fmax(0, fmin(v, 1)) * 4;
    int i = at >= 4 ? 3 : (int) at;
    uint32_t c = 0;
    for (int k = 0; k < 3; k++)
        c = c << 8 | (uint32_t) lrint(stop[i][k] + (at - i) * (stop[i + 1][k] - stop[i][k]));
    return c;
}

static double loudest_db(const struct cb_listening *h, size_t n_bins)
{
    double top = -HUGE_VAL;
    for (size_t i = 0; i < h->n_rows; i++)
        for (size_t k = 0; k < n_bins; k++)
            top = fmax(top, (double) h->power_db[i * h->n_bins + k]);
    return top;
}

/* One pixel a row and bin, then scaled into the diagram. */
static int draw_rows(struct cb_plot *p, const struct cb_listening *h, size_t n_bins, double top_db)
{
    cairo_surface_t *s =
        cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int) h->n_rows, (int) n_bins);
    if (cairo_surface_status(s) != CAIRO_STATUS_SUCCESS) {
        cairo_surface_destroy(s);
        return -ENOMEM;
    }
    uint32_t *px = (uint32_t *) (void *) cairo_image_surface_get_data(s);
    size_t stride = (size_t) cairo_image_surface_get_stride(s) / 4;
    for (size_t i = 0; i < h->n_rows; i++)
        for (size_t k = 0; k < n_bins; k++)
            px[(n_bins - 1 - k) * stride + i] =
                colour_of(1 + ((double) h->power_db[i * h->n_bins + k] - top_db) / RANGE_DB);
    cairo_surface_mark_dirty(s);
    double x0 = cb_plot_x(p, p->x0 + h->row_t0_s - h->row_step_s / 2);
    double x1 = cb_plot_x(p, p->x0 + h->row_t0_s + ((double) h->n_rows - 0.5) * h->row_step_s);
    cairo_save(p->cr);
    cairo_rectangle(p->cr, p->left, p->top, p->right - p->left, p->bottom - p->top);
    cairo_clip(p->cr);
    cairo_translate(p->cr, x0, cb_plot_y(p, ((double) n_bins - 0.5) * h->bin_hz));
    cairo_scale(p->cr, (x1 - x0) / (double) h->n_rows,
                (cb_plot_y(p, -0.5 * h->bin_hz) - cb_plot_y(p, ((double) n_bins - 0.5) * h->bin_hz)) /
                    (double) n_bins);
    cairo_set_source_surface(p->cr, s, 0, 0);
    cairo_pattern_set_filter(cairo_get_source(p->cr), CAIRO_FILTER_NEAREST);
    cairo_paint(p->cr);
    cairo_restore(p->cr);
    cairo_surface_destroy(s);
    return 0;
}

/* Where a comb's lines stood out during the event: its distance, and the multiples of that. */
static void draw_orders(struct cb_plot *p, const struct cb_heard_sound *s)
{
    const struct cb_listening *h = s->heard;
    double t0 = cb_s_from_ns(s->noise->t_start_ns - s->noise->t_peak_ns);
    double t1 = cb_s_from_ns(s->noise->t_end_ns - s->noise->t_peak_ns);
    double named_y[N_ORDERS + 1] = {0}, named_x = 0;
    cairo_set_source_rgb(p->cr, mark.r, mark.g, mark.b);
    for (size_t i = 0; i < h->n_rows; i++) {
        double t = p->x0 + h->row_t0_s + (double) i * h->row_step_s;
        for (int k = 1; k <= N_ORDERS && t >= t0 && t <= t1; k++) {
            double hz = k * (double) h->f0_hz[i];
            if (!(hz > 0 && hz < p->y1))
                continue;
            cairo_arc(p->cr, cb_plot_x(p, t), cb_plot_y(p, hz), 1.8, 0, 2 * M_PI);
            cairo_fill(p->cr);
            named_y[k] = cb_plot_y(p, hz);
            named_x = cb_plot_x(p, t);
        }
    }
    for (int k = 1; k <= N_ORDERS; k++) {
        char text[16];
        snprintf(text, sizeof text, k == 1 ? "f₀" : "%d f₀", k);
        if (named_y[k] > 0)
            cb_plot_text(p, named_x + 8, named_y[k] + 11, 15, mark, text);
    }
}

static double range_of(const struct cb_heard_sound *s, double ret[4])
{
    const struct cb_listening *h = s->heard;
    double top_hz = fmin(TOP_HZ, ((double) h->n_bins - 1) * h->bin_hz);
    ret[0] = cb_s_from_ns(s->samples->t_ns - s->noise->t_peak_ns);
    ret[1] = ret[0] + fmax(0.1, (double) s->samples->n / s->samples->rate_hz);
    ret[2] = 0;
    ret[3] = top_hz;
    return top_hz;
}

int cb_sound_plot_spectrum(const struct cb_heard_sound *s, uint8_t **ret, size_t *ret_n)
{
    const struct cb_listening *h = s->heard;
    struct cb_plot p;
    double range[4], top_hz = range_of(s, range);
    size_t n_bins = (size_t) (top_hz / h->bin_hz) + 1;
    char x_label[160];
    n_bins = n_bins < h->n_bins ? n_bins : h->n_bins;
    double top_db = loudest_db(h, n_bins);
    snprintf(x_label, sizeof x_label,
             "时间 Time (s)      颜色 Colour: %.0f … %.0f dB(A) / %.1f Hz      "
             "● 点火阶次 firing orders k·f₀", top_db - RANGE_DB, top_db, h->bin_hz);
    const struct cb_plot_words words = {"声谱图 Spectrogram (A 计权 A-weighted)", s->subtitle, x_label,
                                        "频率 Frequency (Hz)"};
    int r = cb_plot_init(&p, 1280, 640, range, &words);
    if (r < 0)
        return r;
    if (h->n_rows)
        r = draw_rows(&p, h, n_bins, top_db);
    cb_plot_axes(&p, &words);
    draw_orders(&p, s);
    if (r == 0)
        r = cb_plot_png(&p, ret, ret_n);
    cb_plot_deinit(&p);
    return r;
}
