#include "ear.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ambient.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/sound.h"
#include "cutter.h"
#include "dsp/dsp_sound.h"
#include "lookout.h"
#include "levels.h"
#include "meter.h"
#include "range.h"

#define TICKS_PER_S        100 /* levels looked at for events */
#define ROWS_PER_S         20
#define ENVELOPES_PER_S    500
#define KEEP_S             14 /* longest event, and what goes before it */
#define N_ROWS             (KEEP_S * ROWS_PER_S)
#define HEARD_PER_S        25
#define N_HEARD            (KEEP_S * HEARD_PER_S)
#define N_ENVELOPE         (KEEP_S * ENVELOPES_PER_S)
#define HEARD_ENVELOPES    (ENVELOPES_PER_S / HEARD_PER_S)
#define TICK_NS            (CB_NS_PER_S / TICKS_PER_S)
#define TICKS_PER_LINE     10
#define RUN_MAX            512 /* samples between two looks at anything: 2 ms at 192 kHz are 384 */
#define JITTER_NS          (2 * CB_NS_PER_MS) /* stamps rounded to ms: counted samples are better */
#define STEADY_UNDER_DB    5.0 /* sweeps are looked for from so much under an event's level */
#define HISS_POLES         4   /* an order of a silenced engine is 30 dB over its hiss */
#define GAP_NS             (250 * CB_NS_PER_MS) /* more than that can't be jitter */
#define TEMPERATURE_STEP_K 1.0 /* 0.2 % of the speed of sound: less is not worth a new array */
#define SETTLED_NS         (500 * CB_NS_PER_MS) /* Fast starts from silence: 0.1 dB are wanting then */
#define DIRECTION_UNDER_DB 5.0 /* directions are worked out from so much under an event's level */

/* Divides the stream's time into equal steps, whatever the rate: exact, no rounding adds up. */
struct divider {
    int64_t phase, per_s;
};

struct cb_ear {
    /* set at create */
    struct cb_ear_listener listener;
    double sensitivity_dbfs;
    int n_positions;
    double position_m[CB_SOUND_CHANNELS_MAX][3], temperature_c;

    /* of the running stretch of samples: made new when rate or channels change */
    int rate_hz, n_channels, n_array;
    struct cb_spectrum *spectrum;
    struct cb_lookout *lookout; /* NULL: one microphone */
    float *ring[CB_SOUND_CHANNELS_MAX]; /* window_n each */
    float *window;                      /* window_n */
    size_t next, n_heard; /* n_heard: since the last gap */

    int64_t anchor_ns, n_since_anchor; /* time is counted in samples from an anchor */
    int64_t t_first_ns, t_ns, utc_offset_ns, t_overload_ns, t_line_ns;
    int time_source;
    struct divider tick, row_step, heard_step, envelope_step;
    struct cb_meter meter;
    struct cb_bands bands;
    size_t n_bands_due; /* newest samples that the bands have not had: a tick's at a time */
    struct cb_range range;
    struct cb_level_log log;
    double peak_band[CB_BANDS]; /* mean squares at the open event's LAFmax */
    double past_peak_band[CB_CUTTER_PAST + 1][CB_BANDS]; /* the same of the last ticks, a ring */
    int i_past;
    struct cb_ambient background;
    struct cb_cutter cutter;
    double line_max_db, background_db;
    double quietest_db; /* since the last gap; NaN before SETTLED_NS */
    double envelope_sum, hiss_sum;
    int envelope_n;
    float hiss_step, hiss_low[HISS_POLES]; /* low passes, each taking away from what is left */

    struct cb_row *row; /* N_ROWS, ring */
    int64_t n_rows;     /* made since the last gap */
    struct cb_row short_row;
    const struct cb_row *event_row[N_ROWS];
    struct cb_heard heard[N_HEARD], event_heard[N_HEARD]; /* heard: a ring */
    int64_t n_moments; /* made since the last gap */
    float *envelope, *event_envelope; /* N_ENVELOPE, as the two below */
    float *hiss, *event_hiss;
    int64_t n_envelope;
};

int cb_ear_create(struct cb_ear **ret, const struct cb_microphone_conf *conf,
                  const struct cb_ear_listener *listener)
{
    struct cb_ear *e = calloc(1, sizeof *e);
    if (!e)
        return -ENOMEM;
    e->listener = *listener;
    e->sensitivity_dbfs = conf->sensitivity_dbfs_at_94db;
    e->n_positions = conf->n_positions;
    memcpy(e->position_m, conf->position_m, sizeof e->position_m);
    e->temperature_c = NAN;
    cb_cutter_init(&e->cutter, cb_noise_limits_lowest(&conf->limit));
    e->t_ns = e->t_line_ns = INT64_MIN;
    e->background_db = NAN;
    e->row = calloc(N_ROWS, sizeof *e->row);
    e->envelope = calloc(N_ENVELOPE, sizeof *e->envelope);
    e->event_envelope = calloc(N_ENVELOPE, sizeof *e->event_envelope);
    e->hiss = calloc(N_ENVELOPE, sizeof *e->hiss);
    e->event_hiss = calloc(N_ENVELOPE, sizeof *e->event_hiss);
    if (!e->row || !e->envelope || !e->event_envelope || !e->hiss || !e->event_hiss) {
        cb_ear_destroy(&e);
        return -ENOMEM;
    }
    *ret = e;
    return 0;
}

static void drop_format(struct cb_ear *e)
{
    cb_lookout_destroy(&e->lookout);
    cb_spectrum_destroy(&e->spectrum);
    for (int c = 0; c < CB_SOUND_CHANNELS_MAX; c++) {
        free(e->ring[c]);
        e->ring[c] = NULL;
    }
    free(e->window);
    e->window = NULL;
    e->rate_hz = 0;
}

void cb_ear_destroy(struct cb_ear **ear)
{
    struct cb_ear *e = *ear;
    if (!e)
        return;
    *ear = NULL;
    drop_format(e);
    free(e->row);
    free(e->envelope);
    free(e->event_envelope);
    free(e->hiss);
    free(e->event_hiss);
    free(e);
}

static int take_format(struct cb_ear *e, const struct cb_samples *s)
{
    drop_format(e);
    int r = cb_spectrum_create(&e->spectrum, s->rate_hz);
    if (r < 0)
        return r;
    size_t n = cb_spectrum_window_n(e->spectrum);
    e->n_array = s->n_channels < e->n_positions ? s->n_channels : e->n_positions;
    e->window = calloc(n, sizeof *e->window);
    e->ring[0] = calloc(n, sizeof *e->ring[0]);
    if (!e->window || !e->ring[0])
        return -ENOMEM;
    r = cb_lookout_create(&e->lookout, (const double(*)[3]) e->position_m, e->n_array, e->spectrum,
                          e->temperature_c);
    if (r == -ENOTSUP)
        e->n_array = 1;
    else if (r < 0)
        return r;
    for (int c = 1; c < e->n_array; c++)
        if (!(e->ring[c] = calloc(n, sizeof *e->ring[c])))
            return -ENOMEM;
    e->rate_hz = s->rate_hz;
    e->n_channels = s->n_channels;
    e->hiss_step = (float) (1 - exp(-2 * M_PI * CB_HISS_HZ / s->rate_hz));
    cb_meter_init(&e->meter, s->rate_hz, e->sensitivity_dbfs);
    cb_bands_init(&e->bands, s->rate_hz);
    return 0;
}

static void start_divider(struct divider *d, int64_t per_s, int64_t t_ns, int rate_hz)
{
    int64_t step_ns = CB_NS_PER_S / per_s, into_ns = ((t_ns % step_ns) + step_ns) % step_ns;
    *d = (struct divider){.phase = into_ns * rate_hz / step_ns, .per_s = per_s};
}

/* Samples up to and with the one that completes the step. */
static int64_t until(const struct divider *d, int rate_hz)
{
    return (rate_hz - d->phase + d->per_s - 1) / d->per_s;
}

/* @param n at most until(d) */
static bool divide(struct divider *d, int64_t n, int rate_hz)
{
    d->phase += n * d->per_s;
    if (d->phase < rate_hz)
        return false;
    d->phase -= rate_hz;
    return true;
}

static void anchor(struct cb_ear *e, int64_t t_ns)
{
    e->anchor_ns = t_ns;
    e->n_since_anchor = 0;
    start_divider(&e->tick, TICKS_PER_S, t_ns, e->rate_hz);
    start_divider(&e->row_step, ROWS_PER_S, t_ns, e->rate_hz);
    start_divider(&e->heard_step, HEARD_PER_S, t_ns, e->rate_hz);
    start_divider(&e->envelope_step, ENVELOPES_PER_S, t_ns, e->rate_hz);
}

static void start_stretch(struct cb_ear *e, int64_t t_ns)
{
    cb_meter_reset(&e->meter);
    cb_bands_reset(&e->bands);
    e->range = (struct cb_range){0};
    e->n_bands_due = 0;
    e->log.n = 0;
    e->n_heard = e->next = 0;
    e->n_rows = e->n_moments = e->n_envelope = 0;
    e->envelope_sum = e->hiss_sum = 0;
    e->envelope_n = 0;
    memset(e->hiss_low, 0, sizeof e->hiss_low);
    e->t_first_ns = t_ns;
    e->t_overload_ns = INT64_MIN;
    e->line_max_db = CB_LEVEL_FLOOR_DB;
    e->quietest_db = NAN;
    anchor(e, t_ns);
}

static size_t collect_rows(struct cb_ear *e, int64_t from_ns, int64_t to_ns)
{
    size_t n = 0;
    for (int64_t i = e->n_rows > N_ROWS ? e->n_rows - N_ROWS : 0; i < e->n_rows; i++) {
        const struct cb_row *r = &e->row[i % N_ROWS];
        if (r->t_ns >= from_ns && r->t_ns <= to_ns)
            e->event_row[n++] = r;
    }
    return n;
}

static size_t collect_heard(struct cb_ear *e, int64_t from_ns, int64_t to_ns)
{
    size_t n = 0;
    for (int64_t i = e->n_moments > N_HEARD ? e->n_moments - N_HEARD : 0; i < e->n_moments; i++) {
        const struct cb_heard *h = &e->heard[i % N_HEARD];
        if (h->t_ns >= from_ns && h->t_ns <= to_ns)
            e->event_heard[n++] = *h;
    }
    return n;
}

static void unroll_newest(const struct cb_ear *e, int channel, size_t n)
{
    cb_dsp_unroll(e->window, e->ring[channel], cb_spectrum_window_n(e->spectrum), e->next, n);
}

/* Of an event that another sound broke into: no window may reach into that. */
static int64_t last_row_ns(const struct cb_ear *e, int64_t to_ns)
{
    int64_t window_ns = (int64_t) (cb_spectrum_window_n(e->spectrum) * CB_NS_PER_S) / e->rate_hz;
    return e->cutter.is_broken_into ? to_ns - window_ns / 2 : to_ns;
}

/* An event cut so short that no whole window lies in it: as much of one as there is. */
static size_t collect_short(struct cb_ear *e)
{
    size_t window_n = cb_spectrum_window_n(e->spectrum);
    size_t n = e->n_heard < window_n ? e->n_heard : window_n;
    if (!n)
        return 0;
    unroll_newest(e, 0, n);
    double p = cb_spectrum_row(e->spectrum, e->window, n, &e->short_row);
    e->short_row.t_ns = e->t_ns - (int64_t) n * CB_NS_PER_S / e->rate_hz / 2;
    e->short_row.level_db = cb_meter_db(&e->meter, p);
    e->event_row[0] = &e->short_row;
    return 1;
}

static size_t collect_envelope(struct cb_ear *e, int64_t from_ns, int64_t to_ns)
{
    int64_t after = (e->t_ns - to_ns) / (CB_NS_PER_S / ENVELOPES_PER_S);
    int64_t n = (e->t_ns - from_ns) / (CB_NS_PER_S / ENVELOPES_PER_S);
    if (n > e->n_envelope)
        n = e->n_envelope;
    if (n > N_ENVELOPE)
        n = N_ENVELOPE;
    size_t next = (size_t) (e->n_envelope % N_ENVELOPE);
    cb_dsp_unroll(e->event_envelope, e->envelope, N_ENVELOPE, next, (size_t) n);
    cb_dsp_unroll(e->event_hiss, e->hiss, N_ENVELOPE, next, (size_t) n);
    return (size_t) (n > after ? n - after : 0);
}

static int tell_event(struct cb_ear *e, int64_t to_ns)
{
    int64_t from_ns = e->cutter.t_start_ns > e->t_first_ns ? e->cutter.t_start_ns : e->t_first_ns;
    struct cb_sound_event ev = {
        .t_start_ns = from_ns,
        .t_peak_ns = e->cutter.peak.t_ns,
        .t_end_ns = to_ns,
        .utc_offset_ns = e->utc_offset_ns,
        .time_source = e->time_source,
        .lafmax_db = e->cutter.peak.db,
        .background_db = e->background_db,
        .beside_db = isnan(e->background_db) ? e->quietest_db : e->background_db,
        .is_overload = e->t_overload_ns >= from_ns,
        .is_under_range =
            e->cutter.peak.db < cb_meter_db(&e->meter, cb_range_least(&e->range)),
        .n_bins = cb_spectrum_n_bins(e->spectrum),
        .bin_hz = cb_spectrum_bin_hz(e->spectrum),
        .envelope = e->event_envelope,
        .hiss = e->event_hiss,
    };
    ev.n_rows = collect_rows(e, from_ns, last_row_ns(e, to_ns));
    if (!ev.n_rows)
        ev.n_rows = collect_short(e);
    ev.n_envelope = collect_envelope(e, from_ns, to_ns);
    ev.row = e->event_row;
    ev.n_heard = collect_heard(e, from_ns, to_ns);
    ev.heard = e->event_heard;
    cb_levels_between(&e->log, &e->meter, from_ns, to_ns, &ev.levels);
    cb_levels_set_bands(&ev.levels, &e->meter, e->cutter.is_broken_into
                                                   ? e->past_peak_band[e->i_past]
                                                   : e->peak_band);
    return ev.n_rows ? e->listener.on_event(e->listener.self, &ev) : 0;
}

static void tell_level(struct cb_ear *e, int64_t t_ns)
{
    if (t_ns <= e->t_line_ns)
        return;
    e->t_line_ns = t_ns;
    struct cb_noise_level l = {
        .t_ns = t_ns, .laf_db = cb_meter_laf_db(&e->meter), .lafmax_db = e->line_max_db};
    e->line_max_db = l.laf_db;
    if (t_ns - e->t_first_ns >= SETTLED_NS)
        e->quietest_db = fmin(e->quietest_db, l.laf_db); /* fmin passes over a NaN */
    if (!e->cutter.is_open)
        cb_ambient_add(&e->background, l.laf_db);
    if (e->listener.on_level)
        e->listener.on_level(e->listener.self, &l);
}

/* What the meter saw since the tick before. @return its LAFmax */
static double take_tick(struct cb_ear *e)
{
    struct cb_meter_tick t;
    unroll_newest(e, 0, e->n_bands_due);
    cb_bands_add(&e->bands, e->window, e->n_bands_due);
    e->n_bands_due = 0;
    cb_meter_take(&e->meter, &t);
    cb_level_log_add(&e->log, e->t_ns, &t);
    return cb_meter_db(&e->meter, t.max_fast);
}

static int on_tick(struct cb_ear *e)
{
    double max_db = take_tick(e);
    e->line_max_db = fmax(e->line_max_db, max_db);
    if (!e->cutter.is_open)
        e->background_db = cb_ambient_db(&e->background);
    enum cb_cut cut = cb_cutter_add(&e->cutter, e->t_ns, max_db, e->background_db);
    int r = cut == CB_CUT_END ? tell_event(e, e->cutter.t_end_ns) : 0;
    if (e->cutter.is_open && e->cutter.peak.t_ns == e->t_ns)
        cb_bands_get(&e->bands, e->peak_band);
    memcpy(e->past_peak_band[e->i_past], e->peak_band, sizeof e->peak_band);
    e->i_past = (e->i_past + 1) % (CB_CUTTER_PAST + 1);
    int64_t i_tick = (e->t_ns + TICK_NS / 2) / TICK_NS;
    if (i_tick % TICKS_PER_LINE == 0)
        tell_level(e, i_tick * TICK_NS);
    return r;
}

static void on_row(struct cb_ear *e)
{
    size_t n = cb_spectrum_window_n(e->spectrum);
    if (e->n_heard < n)
        return;
    struct cb_row *row = &e->row[e->n_rows++ % N_ROWS];
    unroll_newest(e, 0, n);
    double p = cb_spectrum_row(e->spectrum, e->window, n, row);
    row->t_ns = e->t_ns - (int64_t) n * CB_NS_PER_S / e->rate_hz / 2;
    row->level_db = cb_meter_db(&e->meter, p);
    if (e->cutter.is_open && cb_range_is_clipped(e->window, n))
        e->t_overload_ns = e->t_ns;
    row->sweep_per_s = 0;
    if (e->cutter.is_open ||
        row->level_db >= cb_cutter_trigger_db(&e->cutter, e->background_db) - STEADY_UNDER_DB)
        cb_spectrum_steady(e->spectrum, e->window, row);
    if (e->lookout)
        cb_lookout_row(e->lookout, row, !e->cutter.is_open);
}

static void find_direction(struct cb_ear *e, struct cb_heard *h)
{
    struct cb_arrival d;
    for (int c = 0; c < e->n_array; c++) {
        unroll_newest(e, c, cb_spectrum_window_n(e->spectrum));
        cb_lookout_hear(e->lookout, c, e->window);
    }
    if (!cb_lookout_find(e->lookout, &d))
        return;
    h->azimuth_rad = d.azimuth_rad;
    h->u_rad = d.u_rad;
}

/* Level of the 40 ms about the middle of the window that the direction comes from. */
static double level_about(const struct cb_ear *e, int64_t half_window)
{
    double sum = 0;
    int64_t last = e->n_envelope - half_window + HEARD_ENVELOPES / 2;
    int64_t first = last - HEARD_ENVELOPES < 0 ? 0 : last - HEARD_ENVELOPES;
    for (int64_t i = first; i < last; i++)
        sum += (double) e->envelope[i % N_ENVELOPE];
    return cb_meter_db(&e->meter, last > first ? sum / (double) (last - first) : 0);
}

static void on_moment(struct cb_ear *e)
{
    int64_t n = (int64_t) cb_spectrum_window_n(e->spectrum);
    if (e->n_heard < (size_t) n)
        return;
    struct cb_heard *h = &e->heard[e->n_moments++ % N_HEARD];
    *h = (struct cb_heard){.t_ns = e->t_ns - n * CB_NS_PER_S / e->rate_hz / 2,
                           .level_db = level_about(e, n * ENVELOPES_PER_S / e->rate_hz / 2),
                           .azimuth_rad = NAN,
                           .u_rad = NAN,
                           .ln_hz = NAN};
    double loud_db = cb_cutter_trigger_db(&e->cutter, e->background_db) - DIRECTION_UNDER_DB;
    if (e->lookout && (e->cutter.is_open || h->level_db >= loud_db))
        find_direction(e, h);
}

static void on_envelope(struct cb_ear *e)
{
    double n = e->envelope_n ? e->envelope_n : 1;
    e->hiss[e->n_envelope % N_ENVELOPE] = (float) (e->hiss_sum / n);
    e->envelope[e->n_envelope++ % N_ENVELOPE] = (float) (e->envelope_sum / n);
    e->envelope_sum = e->hiss_sum = 0;
    e->envelope_n = 0;
}

static void keep_samples(struct cb_ear *e, const struct cb_samples *s, size_t i, size_t n)
{
    size_t cap = cb_spectrum_window_n(e->spectrum), next = e->next;
    for (int c = 0; c < e->n_array || c == 0; c++) {
        next = e->next;
        for (size_t k = i; k < i + n; k++) {
            e->ring[c][next] = cb_meter_sane(s->channel[c][k]);
            next = next + 1 < cap ? next + 1 : 0;
        }
    }
    e->next = next;
    e->n_heard += n;
}

static void add_hiss(struct cb_ear *e, const float *x, size_t n)
{
    float low[HISS_POLES], step = e->hiss_step;
    memcpy(low, e->hiss_low, sizeof low);
    for (size_t i = 0; i < n; i++) {
        float v = cb_meter_sane(x[i]);
        for (int k = 0; k < HISS_POLES; k++) {
            low[k] += step * (v - low[k]);
            v -= low[k];
        }
        e->hiss_sum += (double) (v * v); /* one by one: blocks may be cut anywhere */
    }
    memcpy(e->hiss_low, low, sizeof low);
}

/* n samples in which nothing falls due before the last. @param n at most RUN_MAX */
static int add_run(struct cb_ear *e, const struct cb_samples *s, size_t i, size_t n)
{
    const float *x = s->channel[0] + i;
    float square[RUN_MAX];
    cb_meter_add_block(&e->meter, x, n, square);
    e->n_bands_due += n;
    cb_range_add(&e->range, x, n);
    for (size_t k = 0; k < n; k++)
        e->envelope_sum += square[k];
    e->envelope_n += (int) n;
    add_hiss(e, x, n);
    keep_samples(e, s, i, n);
    e->n_since_anchor += (int64_t) n;
    e->t_ns = e->anchor_ns + e->n_since_anchor / e->rate_hz * CB_NS_PER_S +
              e->n_since_anchor % e->rate_hz * CB_NS_PER_S / e->rate_hz;
    for (size_t k = 0; k < n; k++)
        if (cb_meter_is_overload(x[k]))
            e->t_overload_ns = e->t_ns;
    if (divide(&e->envelope_step, (int64_t) n, e->rate_hz))
        on_envelope(e);
    if (divide(&e->row_step, (int64_t) n, e->rate_hz))
        on_row(e);
    if (divide(&e->heard_step, (int64_t) n, e->rate_hz))
        on_moment(e);
    return divide(&e->tick, (int64_t) n, e->rate_hz) ? on_tick(e) : 0;
}

static size_t run_length(const struct cb_ear *e, size_t n_left)
{
    int64_t n = n_left < RUN_MAX ? (int64_t) n_left : RUN_MAX;
    const struct divider *d[] = {&e->envelope_step, &e->row_step, &e->heard_step, &e->tick};
    for (size_t i = 0; i < CB_LEN(d); i++)
        if (until(d[i], e->rate_hz) < n)
            n = until(d[i], e->rate_hz);
    return (size_t) n;
}

int cb_ear_flush(struct cb_ear *e)
{
    if (!e->cutter.is_open)
        return 0;
    /* the clip may have ended between two looks at the level */
    double max_db = take_tick(e);
    if (max_db > e->cutter.peak.db) {
        e->cutter.peak.db = max_db;
        e->cutter.peak.t_ns = e->t_ns;
    }
    int r = tell_event(e, e->t_ns);
    cb_cutter_init(&e->cutter, e->cutter.limit_db);
    return r;
}

static int align(struct cb_ear *e, const struct cb_samples *s)
{
    bool is_new = s->rate_hz != e->rate_hz || s->n_channels != e->n_channels;
    int64_t off_ns = e->t_ns == INT64_MIN ? 0 : llabs(s->t_ns - e->t_ns);
    bool is_gap = is_new || s->is_discontinuity || off_ns > GAP_NS;
    int r = is_gap ? cb_ear_flush(e) : 0;
    if (r < 0)
        return r;
    if (is_new && (r = take_format(e, s)) < 0)
        return r;
    if (is_gap)
        start_stretch(e, s->t_ns);
    else if (off_ns > JITTER_NS)
        anchor(e, s->t_ns);
    e->utc_offset_ns = s->utc_offset_ns;
    e->time_source = s->time_source;
    return 0;
}

int cb_ear_add(struct cb_ear *e, const struct cb_samples *s)
{
    if (!s->n)
        return 0;
    if (s->rate_hz < 4000 || s->rate_hz > 192000 || s->n_channels < 1)
        return -EINVAL;
    int r = align(e, s);
    for (size_t i = 0, n; i < s->n && r >= 0; i += n) {
        n = run_length(e, s->n - i);
        r = add_run(e, s, i, n);
    }
    return r;
}

int cb_ear_set_temperature(struct cb_ear *e, double temperature_c)
{
    bool is_same = isnan(temperature_c) ? isnan(e->temperature_c)
                                        : fabs(temperature_c - e->temperature_c) < TEMPERATURE_STEP_K;
    if (is_same)
        return 0;
    e->temperature_c = temperature_c;
    if (!e->lookout)
        return 0;
    cb_lookout_destroy(&e->lookout);
    return cb_lookout_create(&e->lookout, (const double(*)[3]) e->position_m, e->n_array,
                             e->spectrum, temperature_c);
}

int64_t cb_ear_t_ns(const struct cb_ear *e)
{
    return e->t_ns;
}

const struct cb_doa *cb_ear_doa(const struct cb_ear *e)
{
    return e->lookout ? cb_lookout_doa(e->lookout) : NULL;
}

double cb_ear_sound_mps(const struct cb_ear *e)
{
    return cb_lookout_sound_mps(e->temperature_c);
}
