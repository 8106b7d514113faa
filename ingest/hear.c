#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "ring.h"
#include "session.h"

#define SETTLE_NS  (1 * CB_NS_PER_S)   /* a connection's first packets come in a burst */
#define APART_NS   (30 * CB_NS_PER_MS) /* sound this far from where it should be is moved */

static const AVRational ns_base = {1, (int) CB_NS_PER_S};

static int begin(struct cb_session *s, const struct cb_second_packet *p)
{
    struct cb_hearing *h = &s->hearing;
    struct cb_error error;
    h->has_decoder = h->is_placed = false;
    h->since_mono_ns = p->arrival_mono_ns;
    cb_utc_map_init(&h->utc);
    cb_decoder_destroy(&s->decoder[CB_TRACK_SOUND]);
    int r = cb_decoder_create(&s->decoder[CB_TRACK_SOUND], p->par, s->in->where_sound, &error);
    if (r < 0) {
        cb_warn(s->in, "%s, ignoring", error.text);
        return 0;
    }
    h->has_decoder = true;
    return s->in->opts.ring ? cb_ring_set_format(s->in->opts.ring, CB_TRACK_SOUND, p->par) : 0;
}

/* Both by sender reports, or both by arrival: the one holds the network's delay, the other not. */
static int64_t wanted_offset(const struct cb_session *s)
{
    const struct cb_utc_map *sound = &s->hearing.utc, *picture = &s->in->utc;
    if (sound->source == CB_TIME_RTCP && picture->source == CB_TIME_RTCP)
        return sound->offset_ns - picture->offset_ns;
    return cb_utc_map_by_arrival(sound) - cb_utc_map_by_arrival(picture);
}

/* @return false: it is not known yet where the sound lies */
static bool place(struct cb_session *s, const struct cb_second_packet *p,
                  const struct cb_stamp *stamp)
{
    struct cb_hearing *h = &s->hearing;
    bool is_settled = p->arrival_mono_ns - h->since_mono_ns >= SETTLE_NS;
    if (!is_settled || !s->in->utc.has_window)
        return false;
    int64_t want = wanted_offset(s);
    if (h->is_placed && llabs(want - h->offset_ns) <= APART_NS)
        return true;
    cb_axis_place(&s->in->axis, CB_TRACK_SOUND, want);
    cb_session_note_break(s, CB_TRACK_SOUND, stamp->pts_ns + want);
    h->offset_ns = want;
    h->is_placed = true;
    return true;
}

static int64_t to_ns(int64_t t, AVRational base)
{
    return t == AV_NOPTS_VALUE ? CB_NO_TIME : av_rescale_q(t, base, ns_base);
}

static int hear_one(struct cb_session *s, const struct cb_second_packet *p)
{
    int r = p->par ? begin(s, p) : 0;
    size_t n = 0;
    const AVProducerReferenceTime *report =
        (const void *) av_packet_get_side_data(p->packet, AV_PKT_DATA_PRFT, &n);
    struct cb_stamp stamp = {
        .pts_ns = to_ns(p->packet->pts, p->time_base),
        .dts_ns = to_ns(p->packet->dts, p->time_base),
        .duration_ns = p->packet->duration > 0 ? to_ns(p->packet->duration, p->time_base) : 0,
        .wrap_ns = p->wrap_bits > 0 && p->wrap_bits < 63
                       ? to_ns(INT64_C(1) << p->wrap_bits, p->time_base) : 0,
        .arrival_mono_ns = p->arrival_mono_ns,
    };
    if (r < 0 || !s->hearing.has_decoder || stamp.pts_ns == CB_NO_TIME)
        return r;
    cb_utc_map_arrival(&s->hearing.utc, stamp.pts_ns, p->arrival_mono_ns, p->arrival_utc_ns);
    if (report && n >= sizeof *report)
        cb_utc_map_rtcp(&s->hearing.utc, stamp.pts_ns, report->wallclock * 1000,
                        to_ns(INT64_C(1) << 32, p->time_base), p->arrival_utc_ns);
    if (!place(s, p, &stamp))
        return 0;
    return cb_session_take_stamped(s, CB_TRACK_SOUND, p->packet, &stamp);
}

int cb_session_hear(struct cb_session *s)
{
    struct cb_second_packet *p = NULL;
    int r = 0;
    while (r == 0 && s->second && cb_second_take(s->second, &p) == 0) {
        r = hear_one(s, p);
        cb_second_packet_free(&p);
    }
    return r;
}
