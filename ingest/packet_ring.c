#include "ingest/packet_ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "ring.h"

#define SPAN_DEFAULT_NS  (30 * CB_NS_PER_S)
#define BYTES_DEFAULT    ((size_t) 64 * 1024 * 1024)
#define ITEM_BYTES       (sizeof(struct cb_ring_item) + sizeof(AVPacket))

static struct cb_ring_item *at(const struct cb_packet_ring *r, size_t i)
{
    return &r->item[(r->head + i) % r->cap];
}

static void drop_format(struct cb_ring_format *f)
{
    if (!f || --f->refs > 0)
        return;
    for (int i = 0; i < CB_TRACK_COUNT; i++)
        avcodec_parameters_free(&f->par[i]);
    free(f);
}

static void drop_first(struct cb_packet_ring *r)
{
    struct cb_ring_item *item = at(r, 0);
    r->n_bytes -= (size_t) item->packet->size + ITEM_BYTES;
    av_packet_free(&item->packet);
    drop_format(item->format);
    r->head = (r->head + 1) % r->cap;
    r->n--;
}

static bool is_start(const struct cb_ring_item *item)
{
    if (!item->format->par[CB_TRACK_PICTURE])
        return true; /* sound alone: every packet stands for itself */
    return item->kind == CB_TRACK_PICTURE && item->packet->flags & AV_PKT_FLAG_KEY;
}

/* Index of the first start after the first item; n: none. */
static size_t second_start(const struct cb_packet_ring *r)
{
    size_t i = 1;
    while (i < r->n && !is_start(at(r, i)))
        i++;
    return i < r->n ? i : r->n;
}

static void drop_to(struct cb_packet_ring *r, size_t i)
{
    while (i-- > 0)
        drop_first(r);
}

/* In seconds: as long as the wanted span stays. In bytes: whatever it costs. */
static void keep_bounds(struct cb_packet_ring *r)
{
    while (r->n > 1) {
        size_t i = second_start(r);
        if (i < r->n && r->t_newest_ns - at(r, i)->t_ns >= r->opts.span_ns)
            drop_to(r, i);
        else
            break;
    }
    while (r->n_bytes > r->opts.n_bytes_max && r->n) {
        size_t i = second_start(r);
        r->awaits_key = i == r->n; /* one group of pictures alone is too big: it is lost whole */
        drop_to(r, i);
    }
}

int cb_packet_ring_create(struct cb_packet_ring **ret, const struct cb_packet_ring_opts *opts)
{
    struct cb_packet_ring *r = calloc(1, sizeof *r);
    if (!r)
        return -ENOMEM;
    if (opts)
        r->opts = *opts;
    if (r->opts.span_ns <= 0)
        r->opts.span_ns = SPAN_DEFAULT_NS;
    if (!r->opts.n_bytes_max)
        r->opts.n_bytes_max = BYTES_DEFAULT;
    r->awaits_key = true;
    r->format = calloc(1, sizeof *r->format);
    int e = r->format ? -pthread_mutex_init(&r->lock, NULL) : -ENOMEM;
    if (e < 0) {
        free(r->format);
        free(r);
        return e;
    }
    r->format->refs = 1;
    *ret = r;
    return 0;
}

void cb_packet_ring_destroy(struct cb_packet_ring **ring)
{
    struct cb_packet_ring *r = *ring;
    if (!r)
        return;
    *ring = NULL;
    drop_to(r, r->n);
    drop_format(r->format);
    free(r->item);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

static const char *codec_of(const struct cb_packet_ring *r, enum cb_track_kind kind)
{
    return r->format && r->format->par[kind] ? avcodec_get_name(r->format->par[kind]->codec_id)
                                             : NULL;
}

struct cb_packet_ring_stats cb_packet_ring_stats(struct cb_packet_ring *r)
{
    struct cb_packet_ring_stats s = {0};
    pthread_mutex_lock(&r->lock);
    s.n_packets = r->n;
    s.n_bytes = r->n_bytes;
    if (r->n) {
        s.t_oldest_ns = at(r, 0)->t_ns;
        s.t_newest_ns = r->t_newest_ns;
    }
    s.video_codec = codec_of(r, CB_TRACK_PICTURE);
    s.sound_codec = codec_of(r, CB_TRACK_SOUND);
    pthread_mutex_unlock(&r->lock);
    return s;
}

static bool is_same_par(const AVCodecParameters *a, const AVCodecParameters *b)
{
    if (!a || !b)
        return a == b;
    return a->codec_id == b->codec_id && a->width == b->width && a->height == b->height &&
           a->sample_rate == b->sample_rate &&
           a->ch_layout.nb_channels == b->ch_layout.nb_channels &&
           a->extradata_size == b->extradata_size &&
           (!a->extradata_size || !memcmp(a->extradata, b->extradata, (size_t) a->extradata_size));
}

static struct cb_ring_format *copy_format(const struct cb_ring_format *f, enum cb_track_kind kind,
                                          const AVCodecParameters *par)
{
    struct cb_ring_format *copy = calloc(1, sizeof *copy);
    if (!copy)
        return NULL;
    copy->refs = 1;
    for (int i = 0; i < CB_TRACK_COUNT; i++) {
        const AVCodecParameters *p = i == (int) kind ? par : f->par[i];
        if (!p)
            continue;
        copy->par[i] = avcodec_parameters_alloc();
        if (!copy->par[i] || avcodec_parameters_copy(copy->par[i], p) < 0) {
            drop_format(copy);
            return NULL;
        }
    }
    return copy;
}

int cb_ring_set_format(struct cb_packet_ring *r, enum cb_track_kind kind,
                       const AVCodecParameters *par)
{
    int e = 0;
    pthread_mutex_lock(&r->lock);
    if (!is_same_par(r->format->par[kind], par)) {
        struct cb_ring_format *f = copy_format(r->format, kind, par);
        if (f) {
            drop_format(r->format);
            r->format = f;
            r->awaits_key = true;
        }
        e = f ? 0 : -ENOMEM;
    }
    pthread_mutex_unlock(&r->lock);
    return e;
}

void cb_ring_forget_format(struct cb_packet_ring *r, enum cb_track_kind kind)
{
    cb_ring_set_format(r, kind, NULL);
}

static int append(struct cb_packet_ring *r, const struct cb_ring_item *item)
{
    if (r->n == r->cap) {
        size_t cap = r->cap ? 2 * r->cap : 256;
        struct cb_ring_item *more = calloc(cap, sizeof *more);
        if (!more)
            return -ENOMEM;
        for (size_t i = 0; i < r->n; i++)
            more[i] = *at(r, i);
        free(r->item);
        r->item = more;
        r->cap = cap;
        r->head = 0;
    }
    struct cb_ring_item kept = *item;
    kept.packet = av_packet_clone(item->packet);
    if (!kept.packet)
        return -ENOMEM;
    kept.format = r->format;
    kept.format->refs++;
    r->n++;
    *at(r, r->n - 1) = kept;
    r->n_bytes += (size_t) kept.packet->size + ITEM_BYTES;
    return 0;
}

int cb_ring_push(struct cb_packet_ring *r, const struct cb_ring_item *item)
{
    int e = 0;
    pthread_mutex_lock(&r->lock);
    struct cb_ring_item probe = *item;
    probe.format = r->format;
    if (r->awaits_key && is_start(&probe))
        r->awaits_key = false;
    if (!r->format->par[item->kind]) {
        e = -EINVAL; /* nobody could say what it is */
    } else if (!r->awaits_key) {
        e = append(r, item);
        if (e == 0 && (r->n == 1 || item->t_ns > r->t_newest_ns))
            r->t_newest_ns = item->t_ns;
        if (e == 0)
            keep_bounds(r);
    }
    pthread_mutex_unlock(&r->lock);
    return e;
}

/* The format that most pictures (or sound packets) of [t0, t1] are made with; NULL: none. */
static const struct cb_ring_format *main_format(const struct cb_packet_ring *r, int64_t t0_ns,
                                                int64_t t1_ns)
{
    const struct cb_ring_format *best = NULL;
    size_t best_n = 0;
    for (size_t i = 0; i < r->n;) {
        const struct cb_ring_format *f = at(r, i)->format;
        size_t n = 0;
        for (; i < r->n && at(r, i)->format == f; i++)
            n += at(r, i)->t_ns >= t0_ns && at(r, i)->t_ns <= t1_ns;
        if (n > best_n) {
            best = f;
            best_n = n;
        }
    }
    return best;
}

/* Where decoding must start for t0: the last start at or before it, else the first; n: none. */
static size_t start_for(const struct cb_packet_ring *r, const struct cb_ring_format *f,
                        int64_t t0_ns)
{
    size_t start = r->n;
    for (size_t i = 0; i < r->n; i++)
        if (at(r, i)->format == f && is_start(at(r, i)) && (start == r->n || at(r, i)->t_ns <= t0_ns))
            start = i;
    return start;
}

/* In decode order the last picture shown by t1: those before it may be shown later, and are needed. */
static size_t last_picture(const struct cb_packet_ring *r, const struct cb_ring_format *f,
                           int64_t t1_ns)
{
    size_t last = 0;
    for (size_t i = 0; i < r->n; i++)
        if (at(r, i)->format == f && at(r, i)->kind == CB_TRACK_PICTURE && at(r, i)->t_ns <= t1_ns)
            last = i;
    return last;
}

static int copy_items(struct cb_packet_ring *r, const struct cb_ring_format *f, size_t start,
                      int64_t t1_ns, struct cb_ring_stretch *s)
{
    s->t_base_ns = at(r, start)->t_ns;
    s->item = calloc(r->n, sizeof *s->item);
    if (!s->item)
        return -ENOMEM;
    const size_t last = last_picture(r, f, t1_ns);
    for (size_t i = 0; i < r->n; i++) {
        const struct cb_ring_item *item = at(r, i);
        bool is_in = item->kind == CB_TRACK_PICTURE
                         ? i >= start && i <= last
                         : item->t_ns >= s->t_base_ns && item->t_ns <= t1_ns;
        if (item->format != f || !is_in)
            continue;
        s->item[s->n] = *item;
        s->item[s->n].format = NULL;
        s->item[s->n].packet = av_packet_clone(item->packet);
        if (!s->item[s->n].packet)
            return -ENOMEM;
        s->n++;
    }
    return 0;
}

static int copy_pars(const struct cb_ring_format *f, struct cb_ring_stretch *s)
{
    for (int i = 0; i < CB_TRACK_COUNT; i++) {
        if (!f->par[i])
            continue;
        s->par[i] = avcodec_parameters_alloc();
        if (!s->par[i] || avcodec_parameters_copy(s->par[i], f->par[i]) < 0)
            return -ENOMEM;
    }
    return 0;
}

int cb_ring_take(struct cb_packet_ring *r, int64_t t_key_ns, int64_t t0_ns, int64_t t1_ns,
                 struct cb_ring_stretch *ret)
{
    struct cb_ring_stretch s = {0};
    int e = -ENODATA;
    pthread_mutex_lock(&r->lock);
    const struct cb_ring_format *f = main_format(r, t0_ns, t1_ns);
    size_t start = f ? start_for(r, f, t_key_ns) : r->n;
    if (start < r->n) {
        e = copy_items(r, f, start, t1_ns, &s);
        if (e == 0)
            e = copy_pars(f, &s);
    }
    pthread_mutex_unlock(&r->lock);
    if (e == 0 && s.n == 0)
        e = -ENODATA;
    if (e < 0)
        cb_ring_stretch_deinit(&s);
    else
        *ret = s;
    return e;
}

void cb_ring_stretch_deinit(struct cb_ring_stretch *s)
{
    for (size_t i = 0; i < s->n; i++)
        av_packet_free(&s->item[i].packet);
    free(s->item);
    for (int i = 0; i < CB_TRACK_COUNT; i++)
        avcodec_parameters_free(&s->par[i]);
    *s = (struct cb_ring_stretch){0};
}
