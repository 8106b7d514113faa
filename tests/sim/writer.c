#include "writer.h"

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/opt.h>
#include <stdlib.h>
#include <string.h>

struct sim_writer {
    const struct sim_scene *scene;
    const struct sim_sound *sound;
    AVFormatContext *out;
    AVCodecContext *video, *audio;
    AVStream *video_stream, *audio_stream;
    AVPacket *packet;
    AVFrame *block;    /* one block of sound */
    size_t sound_done; /* samples */
    float gain;        /* full scale per Pa */
};

int sim_writer_ticks(const struct sim_scene *s)
{
    return s->sound.codec == SIM_PCM || s->sound.codec == SIM_OPUS ? 1000 : 90000;
}

const char *sim_writer_name(const struct sim_scene *s)
{
    return sim_writer_ticks(s) == 1000 ? "clip.mkv" : "clip.mp4";
}

static int open_video(struct sim_writer *w)
{
    static const char *const names[] = {"libx264", "libx265", "mjpeg"};
    const struct sim_video_conf *v = &w->scene->video;
    const AVCodec *codec = avcodec_find_encoder_by_name(names[v->codec]);
    if (!codec)
        return AVERROR_ENCODER_NOT_FOUND;
    w->video = avcodec_alloc_context3(codec);
    w->video_stream = avformat_new_stream(w->out, NULL);
    if (!w->video || !w->video_stream)
        return AVERROR(ENOMEM);
    AVCodecContext *c = w->video;
    c->width = v->width;
    c->height = v->height;
    c->time_base = (AVRational){1, sim_writer_ticks(w->scene)};
    c->framerate = av_d2q(v->fps, 100000);
    c->pix_fmt = v->codec == SIM_MJPEG ? AV_PIX_FMT_YUVJ420P : AV_PIX_FMT_YUV420P;
    c->color_range = v->codec == SIM_MJPEG ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
    c->colorspace = AVCOL_SPC_BT709;
    c->color_primaries = AVCOL_PRI_BT709;
    c->color_trc = AVCOL_TRC_BT709;
    c->bit_rate = (int64_t) v->bitrate_kbps * 1000;
    c->rc_max_rate = v->codec == SIM_MJPEG ? 0 : c->bit_rate * 2;
    c->rc_buffer_size = v->codec == SIM_MJPEG ? 0 : (int) c->bit_rate * 2;
    c->gop_size = v->gop;
    c->max_b_frames = 0; /* as surveillance cameras do */
    c->thread_count = 1; /* the same bytes on every machine */
    c->flags |= AV_CODEC_FLAG_BITEXACT | AV_CODEC_FLAG_GLOBAL_HEADER;
    if (v->codec != SIM_MJPEG)
        av_opt_set(c->priv_data, "preset", v->codec == SIM_H264 ? "veryfast" : "ultrafast", 0);
    if (v->codec == SIM_H265)
        av_opt_set(c->priv_data, "x265-params", "pools=1:frame-threads=1:log-level=error", 0);
    int r = avcodec_open2(c, codec, NULL);
    w->video_stream->time_base = c->time_base;
    w->video_stream->avg_frame_rate = c->framerate;
    return r < 0 ? r : avcodec_parameters_from_context(w->video_stream->codecpar, c);
}

static int open_audio(struct sim_writer *w)
{
    static const char *const names[] = {"", "aac", "pcm_s16le", "libopus"};
    const AVCodec *codec = avcodec_find_encoder_by_name(names[w->scene->sound.codec]);
    if (!codec)
        return AVERROR_ENCODER_NOT_FOUND;
    w->audio = avcodec_alloc_context3(codec);
    w->audio_stream = avformat_new_stream(w->out, NULL);
    if (!w->audio || !w->audio_stream)
        return AVERROR(ENOMEM);
    AVCodecContext *c = w->audio;
    c->sample_rate = w->sound->rate_hz;
    c->sample_fmt = codec->sample_fmts[0];
    c->time_base = (AVRational){1, c->sample_rate};
    c->bit_rate = 128000 * (int64_t) w->sound->n_channels;
    c->flags |= AV_CODEC_FLAG_BITEXACT | AV_CODEC_FLAG_GLOBAL_HEADER;
    av_channel_layout_default(&c->ch_layout, w->sound->n_channels);
    if (w->scene->sound.codec == SIM_AAC) { /* channels' phase is what directions are read from */
        av_opt_set_int(c->priv_data, "aac_is", 0, 0);
        av_opt_set_int(c->priv_data, "aac_pns", 0, 0);
        av_opt_set_int(c->priv_data, "aac_ms", 0, 0);
    }
    int r = avcodec_open2(c, codec, NULL);
    w->audio_stream->time_base = c->time_base;
    if (r < 0 || (r = avcodec_parameters_from_context(w->audio_stream->codecpar, c)) < 0)
        return r;
    w->block->format = c->sample_fmt;
    w->block->sample_rate = c->sample_rate;
    w->block->nb_samples = c->frame_size > 0 ? c->frame_size : 1024;
    r = av_channel_layout_copy(&w->block->ch_layout, &c->ch_layout);
    return r < 0 ? r : av_frame_get_buffer(w->block, 0);
}

static int open_file(struct sim_writer *w, const char *path)
{
    AVDictionary *opts = NULL;
    int r = avio_open(&w->out->pb, path, AVIO_FLAG_WRITE);
    if (r < 0)
        return r;
    w->out->flags |= AVFMT_FLAG_BITEXACT;
    if (sim_writer_ticks(w->scene) == 90000)
        av_dict_set(&opts, "video_track_timescale", "90000", 0);
    r = avformat_write_header(w->out, &opts);
    av_dict_free(&opts);
    return r;
}

int sim_writer_create(struct sim_writer **ret, const struct sim_scene *s,
                      const struct sim_sound *sound, const char *path, struct cb_error *reterr)
{
    struct sim_writer *w = calloc(1, sizeof *w);
    char text[128];
    int r = AVERROR(ENOMEM);
    if (!w)
        return -ENOMEM;
    w->scene = s;
    w->sound = sound;
    w->gain = (float) pow(10, s->sound.sensitivity_dbfs_at_94db / 20);
    w->packet = av_packet_alloc();
    w->block = av_frame_alloc();
    if (w->packet && w->block)
        r = avformat_alloc_output_context2(&w->out, NULL, NULL, path);
    if (r < 0 || (r = open_video(w)) < 0 || (sound && (r = open_audio(w)) < 0) ||
        (r = open_file(w, path)) < 0) {
        av_strerror(r, text, sizeof text);
        sim_writer_destroy(&w);
        return cb_error_set(reterr, -EIO, path, "cannot be written: %s", text);
    }
    *ret = w;
    return 0;
}

static int drain(struct sim_writer *w, AVCodecContext *c, AVStream *st)
{
    for (;;) {
        int r = avcodec_receive_packet(c, w->packet);
        if (r == AVERROR(EAGAIN) || r == AVERROR_EOF)
            return 0;
        if (r < 0)
            return r;
        av_packet_rescale_ts(w->packet, c->time_base, st->time_base);
        w->packet->stream_index = st->index;
        if ((r = av_interleaved_write_frame(w->out, w->packet)) < 0)
            return r;
    }
}

static float sample_at(const struct sim_writer *w, int channel, size_t i)
{
    float v = i < w->sound->n ? w->sound->pa[channel][i] * w->gain : 0;
    return v < -1 ? -1 : v > 1 ? 1 : v;
}

static void fill_block(struct sim_writer *w)
{
    int n = w->block->nb_samples, channels = w->sound->n_channels;
    for (int i = 0; i < n; i++)
        for (int c = 0; c < channels; c++) {
            float v = sample_at(w, c, w->sound_done + (size_t) i);
            if (w->audio->sample_fmt == AV_SAMPLE_FMT_FLTP)
                ((float *) w->block->extended_data[c])[i] = v;
            else if (w->audio->sample_fmt == AV_SAMPLE_FMT_FLT)
                ((float *) w->block->data[0])[i * channels + c] = v;
            else
                ((int16_t *) w->block->data[0])[i * channels + c] = (int16_t) lrintf(v * 32767);
        }
}

static int add_sound_until(struct sim_writer *w, double t_s)
{
    size_t end = (size_t) fmin(t_s * w->sound->rate_hz, (double) w->sound->n);
    while (w->sound_done < end) {
        int r = av_frame_make_writable(w->block);
        if (r < 0)
            return r;
        fill_block(w);
        w->block->pts = (int64_t) w->sound_done;
        w->sound_done += (size_t) w->block->nb_samples;
        if ((r = avcodec_send_frame(w->audio, w->block)) < 0 ||
            (r = drain(w, w->audio, w->audio_stream)) < 0)
            return r;
    }
    return 0;
}

int sim_writer_add(struct sim_writer *w, AVFrame *frame, int64_t pts)
{
    frame->pts = pts;
    int r = avcodec_send_frame(w->video, frame);
    if (r < 0 || (r = drain(w, w->video, w->video_stream)) < 0)
        return -EIO;
    return w->sound && add_sound_until(w, (double) pts / sim_writer_ticks(w->scene) + 0.5) < 0
               ? -EIO
               : 0;
}

int sim_writer_finish(struct sim_writer *w)
{
    int r;
    if ((r = avcodec_send_frame(w->video, NULL)) < 0 ||
        (r = drain(w, w->video, w->video_stream)) < 0)
        return -EIO;
    if (w->sound &&
        ((r = add_sound_until(w, INFINITY)) < 0 || (r = avcodec_send_frame(w->audio, NULL)) < 0 ||
         (r = drain(w, w->audio, w->audio_stream)) < 0))
        return -EIO;
    return av_write_trailer(w->out) < 0 ? -EIO : 0;
}

void sim_writer_destroy(struct sim_writer **writer)
{
    struct sim_writer *w = *writer;
    if (!w)
        return;
    *writer = NULL;
    avcodec_free_context(&w->video);
    avcodec_free_context(&w->audio);
    av_packet_free(&w->packet);
    av_frame_free(&w->block);
    if (w->out)
        avio_closep(&w->out->pb);
    avformat_free_context(w->out);
    free(w);
}
