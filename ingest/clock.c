#include "clock.h"

#include "base/clock.h"

#define STEP_DEFAULT_NS (40 * CB_NS_PER_MS)
#define GAP_FLAG_NS     (1 * CB_NS_PER_S)  /* longer silence is a break even when real */
#define GAP_KEEP_NS     (60 * CB_NS_PER_S) /* a recording's longer gap is no pause but a jump */
#define GAP_LIVE_NS     (2 * CB_NS_PER_S)  /* how far time stamps may run ahead of the clock */
#define REORDER_MAX     16                 /* pictures, the most that H.264 and H.265 allow */
#define WINDOW_NS       (30 * CB_NS_PER_S)

void cb_axis_init(struct cb_axis *a, bool is_live)
{
    *a = (struct cb_axis){.is_live = is_live};
}

void cb_axis_reconnect(struct cb_axis *a)
{
    for (int i = 0; i < CB_TRACK_COUNT; i++)
        a->track[i] = (struct cb_track_clock){.step_ns = a->track[i].step_ns};
    a->is_continued = a->has_last;
}

static int64_t step_of(const struct cb_track_clock *c)
{
    return c->step_ns > 0 ? c->step_ns : STEP_DEFAULT_NS;
}

/* How much later than its predecessor a packet is, by what is known without its time stamp. */
static int64_t elapsed_ns(const struct cb_axis *a, int64_t since_mono_ns, int64_t now_mono_ns,
                          int64_t step_ns)
{
    int64_t passed = now_mono_ns - since_mono_ns;
    return a->is_live && passed > step_ns ? passed : step_ns;
}

/* The stream's time without its wraps, near the last one. */
static int64_t unwrap(struct cb_track_clock *c, int64_t raw_ns, int64_t wrap_ns)
{
    int64_t raw = raw_ns + c->wraps_ns;
    if (!c->has_last || wrap_ns <= 0)
        return raw;
    if (raw - c->raw_last_ns < -wrap_ns / 2)
        c->wraps_ns += wrap_ns;
    else if (raw - c->raw_last_ns > wrap_ns / 2)
        c->wraps_ns -= wrap_ns;
    return raw_ns + c->wraps_ns;
}

/* First packet of a track on this connection. @return true: there was something before */
static bool anchor(struct cb_axis *a, struct cb_track_clock *c, int64_t raw_ns, int64_t mono_ns)
{
    const struct cb_track_clock *other = &a->track[c == &a->track[0] ? 1 : 0];
    int64_t apart = other->is_anchored ? raw_ns + other->offset_ns - other->t_last_ns : 0;
    c->is_anchored = true;
    if (other->is_anchored && apart < GAP_KEEP_NS && apart > -GAP_KEEP_NS)
        c->offset_ns = other->offset_ns;
    else if (a->has_last)
        c->offset_ns = a->t_last_ns +
                       elapsed_ns(a, a->arrival_last_ns, mono_ns, step_of(c)) - raw_ns;
    else
        c->offset_ns = 0;
    c->offset_before_ns = c->offset_ns;
    return a->is_continued;
}

/* True when offset puts raw right behind the track's last packet. */
static bool fits(const struct cb_track_clock *c, int64_t raw_ns, int64_t offset_ns, int64_t within)
{
    int64_t gap = raw_ns + offset_ns - c->t_last_ns;
    return gap > 0 && gap <= within;
}

/* The time stamps went somewhere else: find the offset that goes on. */
static void mend(struct cb_axis *a, struct cb_track_clock *c, int64_t raw_ns, int64_t mono_ns)
{
    const struct cb_track_clock *other = &a->track[c == &a->track[0] ? 1 : 0];
    int64_t was = c->offset_ns;
    if (fits(c, raw_ns, c->offset_before_ns, GAP_FLAG_NS))
        c->offset_ns = c->offset_before_ns;
    else if (other->is_anchored && fits(c, raw_ns, other->offset_ns, GAP_FLAG_NS))
        c->offset_ns = other->offset_ns; /* the other stream jumped first: stay in step with it */
    else
        c->offset_ns = c->t_last_ns + elapsed_ns(a, c->arrival_last_ns, mono_ns, step_of(c)) -
                       raw_ns;
    c->offset_before_ns = was;
}

static bool is_loosely_timed(const struct cb_stamp *s)
{
    return s->may_be_reordered && s->dts_ns == CB_NO_TIME;
}

/* @return true: a break */
static bool follow(struct cb_axis *a, struct cb_track_clock *c, int64_t raw_ns,
                   const struct cb_stamp *s)
{
    bool is_loose = is_loosely_timed(s) || c->is_last_loose;
    int64_t gap = raw_ns + c->offset_ns - c->t_last_ns, step = step_of(c);
    int64_t back = is_loose ? REORDER_MAX * step : step + step / 2;
    int64_t ahead = a->is_live ? s->arrival_mono_ns - c->arrival_last_ns + GAP_LIVE_NS
                               : GAP_KEEP_NS;
    if (gap < -back || gap > ahead) {
        mend(a, c, raw_ns, s->arrival_mono_ns);
        a->n_jumps++;
        return true;
    }
    if (gap > 3 * step && gap > GAP_FLAG_NS / 10 &&
        fits(c, raw_ns, c->offset_before_ns, step + step / 2)) {
        c->offset_ns = c->offset_before_ns; /* it was a glitch of single packets */
        return false;
    }
    if (gap <= GAP_FLAG_NS || gap <= 10 * step)
        return false;
    a->n_jumps++; /* real, and too long for what was seen before to be still there */
    return true;
}

static void remember(struct cb_axis *a, struct cb_track_clock *c, int64_t raw_ns,
                     const struct cb_stamp *s)
{
    int64_t t = raw_ns + c->offset_ns, gap = t - c->t_last_ns;
    if (c->has_last && gap > 0 && gap < GAP_FLAG_NS)
        c->step_ns = c->step_ns ? c->step_ns + (gap - c->step_ns) / 8 : gap;
    if (!c->step_ns && s->duration_ns > 0 && s->duration_ns < GAP_FLAG_NS)
        c->step_ns = s->duration_ns;
    if (!c->has_last || t > c->t_last_ns || !is_loosely_timed(s))
        c->t_last_ns = t;
    c->is_last_loose = is_loosely_timed(s);
    c->raw_last_ns = raw_ns;
    c->arrival_last_ns = s->arrival_mono_ns;
    c->has_last = true;
    if (!a->has_last || c->t_last_ns > a->t_last_ns) {
        a->t_last_ns = c->t_last_ns;
        a->arrival_last_ns = s->arrival_mono_ns;
    }
    a->has_last = true;
}

bool cb_axis_map(struct cb_axis *a, enum cb_track_kind kind, struct cb_stamp *s)
{
    struct cb_track_clock *c = &a->track[kind];
    int64_t raw = s->dts_ns != CB_NO_TIME ? s->dts_ns : s->pts_ns;
    bool is_break = false;
    if (raw == CB_NO_TIME)
        return false; /* the decoder's order gives it a time */
    raw = unwrap(c, raw, s->wrap_ns);
    if (!c->is_anchored)
        is_break = anchor(a, c, raw, s->arrival_mono_ns);
    else if (c->has_last)
        is_break = follow(a, c, raw, s);
    remember(a, c, raw, s);
    int64_t shift = c->wraps_ns + c->offset_ns;
    if (s->pts_ns != CB_NO_TIME) {
        int64_t ahead = s->dts_ns == CB_NO_TIME ? 0 : s->pts_ns - s->dts_ns;
        if (s->wrap_ns > 0 && ahead < -s->wrap_ns / 2)
            s->pts_ns += s->wrap_ns; /* pts has wrapped, dts not yet */
        s->pts_ns += shift;
    }
    if (s->dts_ns != CB_NO_TIME)
        s->dts_ns += shift;
    return is_break;
}

void cb_axis_place(struct cb_axis *a, enum cb_track_kind kind, int64_t offset_ns)
{
    struct cb_track_clock *c = &a->track[kind];
    *c = (struct cb_track_clock){
        .is_anchored = true, .offset_ns = offset_ns, .offset_before_ns = offset_ns,
        .step_ns = c->step_ns};
}

int64_t cb_order_next(struct cb_order *o, int64_t t_ns, bool *ret_is_mended)
{
    int64_t step = o->step_ns > 0 ? o->step_ns : STEP_DEFAULT_NS;
    *ret_is_mended = false;
    if (t_ns == CB_NO_TIME) {
        if (!o->has_last && !o->may_begin)
            return CB_NO_TIME;
        t_ns = o->has_last ? o->t_last_ns + step : 0;
        *ret_is_mended = true;
    } else if (o->has_last && t_ns <= o->t_last_ns && o->may_drop) {
        return CB_NO_TIME;
    } else if (o->has_last && t_ns <= o->t_last_ns) {
        t_ns = o->t_last_ns + step / 2; /* between the last and the next: half a step wrong at most */
        *ret_is_mended = true;
    } else if (o->has_last && t_ns - o->t_last_ns < GAP_FLAG_NS) {
        o->step_ns = t_ns - o->t_last_ns;
    }
    o->t_last_ns = t_ns;
    o->has_last = true;
    return t_ns;
}

void cb_utc_map_init(struct cb_utc_map *m)
{
    *m = (struct cb_utc_map){.source = CB_TIME_ARRIVAL};
}

void cb_utc_map_arrival(struct cb_utc_map *m, int64_t t_ns, int64_t mono_ns, int64_t utc_ns)
{
    int64_t offset = utc_ns - t_ns;
    if (!m->has_window || mono_ns - m->window_start_ns > WINDOW_NS) {
        m->least_ns[1] = m->has_window ? m->least_ns[0] : offset;
        m->least_ns[0] = offset;
        m->window_start_ns = mono_ns;
        m->has_window = true;
    }
    if (offset < m->least_ns[0])
        m->least_ns[0] = offset;
    if (m->source == CB_TIME_ARRIVAL)
        m->offset_ns = cb_utc_map_by_arrival(m);
}

int64_t cb_utc_map_by_arrival(const struct cb_utc_map *m)
{
    return m->least_ns[0] < m->least_ns[1] ? m->least_ns[0] : m->least_ns[1];
}

bool cb_utc_map_rtcp(struct cb_utc_map *m, int64_t t_ns, int64_t sender_utc_ns, int64_t wrap_ns,
                     int64_t utc_ns)
{
    int64_t off = sender_utc_ns - utc_ns;
    if (wrap_ns > 0 && (off > wrap_ns / 2 || off < -wrap_ns / 2)) {
        int64_t n = (off + (off > 0 ? wrap_ns / 2 : -wrap_ns / 2)) / wrap_ns;
        off -= n * wrap_ns;
        sender_utc_ns -= n * wrap_ns;
    }
    m->is_rtcp_doubted = off > CB_RTCP_TRUST_NS || off < -CB_RTCP_TRUST_NS;
    if (m->is_rtcp_doubted) {
        m->source = CB_TIME_ARRIVAL;
        return false;
    }
    m->source = CB_TIME_RTCP;
    m->offset_ns = sender_utc_ns - t_ns;
    return true;
}
