#include "audio.h"

#include <errno.h>
#include <libswresample/swresample.h>

#include "base/clock.h"

/* Containers round to 1 ms, RTP clocks slew: less than this is no missing sample. */
#define GAP_NS (10 * CB_NS_PER_MS)
#define RATE_MIN_HZ 4000
#define RATE_MAX_HZ 192000

void cb_resampler_deinit(struct cb_resampler *r)
{
    swr_free(&r->swr);
}

static int prepare(struct cb_resampler *r, const AVFrame *f)
{
    int n = f->ch_layout.nb_channels;
    if (r->swr && r->format == f->format && r->rate_hz == f->sample_rate && r->n_channels == n)
        return 0;
    swr_free(&r->swr);
    /* by number only: channels stay where they are, whatever the layout calls them */
    AVChannelLayout layout = {.order = AV_CHANNEL_ORDER_UNSPEC, .nb_channels = n};
    int e = swr_alloc_set_opts2(&r->swr, &layout, AV_SAMPLE_FMT_FLTP, f->sample_rate, &layout,
                                (enum AVSampleFormat) f->format, f->sample_rate, 0, NULL);
    if (e >= 0)
        e = swr_init(r->swr);
    if (e < 0) {
        swr_free(&r->swr);
        return e == AVERROR(ENOMEM) ? -ENOMEM : -EINVAL;
    }
    r->format = f->format;
    r->rate_hz = f->sample_rate;
    r->n_channels = n;
    return 0;
}

static int to_float(struct cb_resampler *r, const AVFrame *f, AVFrame **ret)
{
    int e = prepare(r, f);
    if (e < 0)
        return e;
    AVFrame *out = av_frame_alloc();
    if (!out)
        return -ENOMEM;
    out->format = AV_SAMPLE_FMT_FLTP;
    out->ch_layout =
        (AVChannelLayout){.order = AV_CHANNEL_ORDER_UNSPEC, .nb_channels = r->n_channels};
    out->sample_rate = f->sample_rate;
    out->nb_samples = f->nb_samples;
    e = av_frame_get_buffer(out, 0);
    if (e >= 0)
        e = swr_convert(r->swr, out->extended_data, out->nb_samples,
                        (const uint8_t **) f->extended_data, f->nb_samples);
    if (e != f->nb_samples) {
        av_frame_free(&out);
        return -EINVAL;
    }
    *ret = out;
    return 0;
}

static void release_avframe(void *owner)
{
    AVFrame *f = owner;
    av_frame_free(&f);
}

static bool is_broken(struct cb_resampler *r, const AVFrame *f, int64_t t_ns)
{
    int64_t gap = t_ns - r->t_expected_ns;
    bool is_other = r->last_rate_hz != f->sample_rate ||
                    r->last_n_channels != f->ch_layout.nb_channels;
    bool is = r->has_last && (is_other || gap > GAP_NS || gap < -GAP_NS);
    r->has_last = true;
    r->last_rate_hz = f->sample_rate;
    r->last_n_channels = f->ch_layout.nb_channels;
    r->t_expected_ns = t_ns + (int64_t) f->nb_samples * CB_NS_PER_S / f->sample_rate;
    return is;
}

int cb_sound_make(struct cb_resampler *r, AVFrame *f, const struct cb_samples *about,
                  struct cb_sound **ret)
{
    AVFrame *own = NULL;
    int e = 0, n = f->ch_layout.nb_channels;
    if (n < 1 || n > CB_SOUND_CHANNELS_MAX || f->sample_rate < RATE_MIN_HZ ||
        f->sample_rate > RATE_MAX_HZ)
        return -ENOTSUP;
    if (f->nb_samples < 1)
        return -EINVAL;
    if (f->format != AV_SAMPLE_FMT_FLTP)
        e = to_float(r, f, &own);
    else if ((own = av_frame_alloc()))
        e = av_frame_ref(own, f);
    if (e < 0 || !own) {
        av_frame_free(&own);
        return e < 0 && e > -4096 ? e : -ENOMEM;
    }
    struct cb_samples s = *about;
    s.n = (size_t) own->nb_samples;
    s.n_channels = n;
    s.rate_hz = f->sample_rate;
    s.is_discontinuity |= is_broken(r, f, s.t_ns);
    for (int i = 0; i < n; i++)
        s.channel[i] = (const float *) own->extended_data[i];
    struct cb_sound *sound = cb_sound_wrap(&s, release_avframe, own);
    if (!sound) {
        av_frame_free(&own);
        return -ENOMEM;
    }
    av_frame_unref(f);
    *ret = sound;
    return 0;
}
