#include <errno.h>
#include <libavformat/avformat.h>
#include <libavutil/opt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "ring.h"

#define IO_BYTES (64 * 1024)
static const AVRational ns_base = {1, (int) CB_NS_PER_S};

/* A file descriptor of the caller's, written from where it stands. */
struct out {
    int fd;
    off_t base;
    int error; /* -errno of the first write that failed */
};

static int on_write(void *self, uint8_t *b, int n)
{
    struct out *o = self;
    for (int done = 0; done < n;) {
        ssize_t w = write(o->fd, b + done, (size_t) (n - done));
        if (w < 0 && errno == EINTR)
            continue;
        if (w < 0) {
            o->error = o->error ? o->error : -errno;
            return AVERROR(errno);
        }
        done += (int) w;
    }
    return n;
}

static int64_t on_seek(void *self, int64_t to, int whence)
{
    struct out *o = self;
    if (whence == AVSEEK_SIZE)
        return -1;
    off_t at = lseek(o->fd, whence == SEEK_SET ? o->base + to : to, whence);
    return at < 0 ? AVERROR(errno) : at - o->base;
}

static const AVOutputFormat *choose_format(const struct cb_ring_stretch *s, const char **ret_suffix)
{
    static const struct {
        const char *name, *suffix;
    } kinds[] = {{"mp4", "mp4"}, {"matroska", "mkv"}};
    for (size_t k = 0; k < 2; k++) {
        const AVOutputFormat *f = av_guess_format(kinds[k].name, NULL, NULL);
        bool can = f;
        /* of Matroska libav knows less than it can write: its header tells */
        for (int i = 0; k == 0 && can && i < CB_TRACK_COUNT; i++)
            can = !s->par[i] ||
                  avformat_query_codec(f, s->par[i]->codec_id, FF_COMPLIANCE_NORMAL) == 1;
        if (can) {
            *ret_suffix = kinds[k].suffix;
            return f;
        }
    }
    return NULL;
}

static int compare_times(const void *a, const void *b)
{
    int64_t x = *(const int64_t *) a, y = *(const int64_t *) b;
    return (x > y) - (x < y);
}

/*
 * Decode times that a muxer accepts, whatever the stream gave: the capture times in rising order,
 * shifted so that none is decoded after it is shown.
 */
static int set_decode_times(struct cb_ring_stretch *s, enum cb_track_kind kind)
{
    size_t n = 0, j = 0;
    int64_t *sorted = calloc(s->n + 1, sizeof *sorted), late = 0;
    if (!sorted)
        return -ENOMEM;
    for (size_t i = 0; i < s->n; i++)
        if (s->item[i].kind == kind)
            sorted[n++] = s->item[i].t_ns;
    qsort(sorted, n, sizeof *sorted, compare_times);
    for (size_t i = 0; i < s->n; i++)
        if (s->item[i].kind == kind) {
            late = sorted[j] - s->item[i].t_ns > late ? sorted[j] - s->item[i].t_ns : late;
            j++;
        }
    j = 0;
    for (size_t i = 0; i < s->n; i++)
        if (s->item[i].kind == kind) {
            s->item[i].packet->pts = s->item[i].t_ns - s->t_base_ns;
            s->item[i].packet->dts = sorted[j++] - late - s->t_base_ns;
        }
    free(sorted);
    return 0;
}

static int add_streams(AVFormatContext *fmt, const struct cb_ring_stretch *s,
                       AVStream *st[CB_TRACK_COUNT])
{
    for (int i = 0; i < CB_TRACK_COUNT; i++) {
        if (!s->par[i])
            continue;
        st[i] = avformat_new_stream(fmt, NULL);
        if (!st[i] || avcodec_parameters_copy(st[i]->codecpar, s->par[i]) < 0)
            return AVERROR(ENOMEM);
        st[i]->codecpar->codec_tag = 0; /* the container's own */
        st[i]->time_base = (AVRational){1, i == CB_TRACK_SOUND ? s->par[i]->sample_rate : 90000};
    }
    return 0;
}

/* The index goes before the packets, so that a player can begin with the first bytes: room for it is
 * left, by the most that a packet takes in its tables, and what it does not need stays free. */
#define INDEX_BYTES        16384
#define INDEX_BYTES_PACKET 48

static int reserve_index(AVFormatContext *fmt, const struct cb_ring_stretch *s)
{
    int64_t n = INDEX_BYTES + INDEX_BYTES_PACKET * (int64_t) s->n;
    if (strcmp(fmt->oformat->name, "mp4"))
        return 0;
    for (int i = 0; i < CB_TRACK_COUNT; i++)
        n += s->par[i] ? s->par[i]->extradata_size : 0;
    return av_opt_set_int(fmt->priv_data, "moov_size", n, 0);
}

static int write_packets(AVFormatContext *fmt, struct cb_ring_stretch *s,
                         AVStream *st[CB_TRACK_COUNT])
{
    int64_t last[CB_TRACK_COUNT] = {INT64_MIN, INT64_MIN};
    int r = reserve_index(fmt, s);
    if (r >= 0)
        r = avformat_write_header(fmt, NULL);
    for (size_t i = 0; r >= 0 && i < s->n; i++) {
        AVPacket *p = s->item[i].packet;
        enum cb_track_kind kind = s->item[i].kind;
        p->stream_index = st[kind]->index;
        av_packet_rescale_ts(p, ns_base, st[kind]->time_base);
        if (p->dts <= last[kind])
            continue; /* two within one tick: the muxer can't hold the second */
        last[kind] = p->dts;
        if (p->pts < p->dts)
            p->pts = p->dts; /* rounding */
        r = av_interleaved_write_frame(fmt, p);
    }
    return r < 0 ? r : av_write_trailer(fmt);
}

static int mux(struct cb_ring_stretch *s, const AVOutputFormat *format, struct out *o)
{
    AVFormatContext *fmt = NULL;
    AVStream *st[CB_TRACK_COUNT] = {NULL, NULL};
    uint8_t *buffer = av_malloc(IO_BYTES);
    AVIOContext *io = buffer ? avio_alloc_context(buffer, IO_BYTES, 1, o, NULL, on_write, on_seek)
                             : NULL;
    int r = io ? avformat_alloc_output_context2(&fmt, format, NULL, NULL) : AVERROR(ENOMEM);
    if (!io)
        av_free(buffer);
    if (r >= 0) {
        fmt->pb = io;
        fmt->flags |= AVFMT_FLAG_BITEXACT; /* the same packets give the same bytes */
        r = add_streams(fmt, s, st);
    }
    if (r >= 0)
        r = write_packets(fmt, s, st);
    if (io) {
        avio_flush(io);
        if (r >= 0 && io->error < 0)
            r = io->error;
        av_freep(&io->buffer);
    }
    avformat_free_context(fmt);
    avio_context_free(&io);
    return r;
}

int cb_packet_ring_cut(struct cb_packet_ring *r, int64_t t0_ns, int64_t t1_ns, int fd,
                       const char **ret_suffix)
{
    struct cb_ring_stretch s;
    const char *suffix = NULL;
    int e = cb_ring_take(r, t0_ns, t0_ns, t1_ns, &s);
    if (e < 0)
        return e;
    const AVOutputFormat *format = choose_format(&s, &suffix);
    struct out o = {.fd = fd, .base = lseek(fd, 0, SEEK_CUR)};
    if (!format)
        e = -ENOTSUP;
    else if (o.base < 0)
        e = -errno;
    for (int k = 0; e == 0 && k < CB_TRACK_COUNT; k++)
        e = set_decode_times(&s, (enum cb_track_kind) k);
    if (e == 0)
        e = mux(&s, format, &o);
    cb_ring_stretch_deinit(&s);
    if (e < 0)
        return o.error ? o.error : e > -4096 ? e : -EINVAL;
    *ret_suffix = suffix;
    return 0;
}
