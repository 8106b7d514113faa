/*
 * What ingest hands out of a URL, one line each, for tests and for people:
 *   frame T_NS ARRIVAL_MONO_NS WIDTH HEIGHT SHIFTS SOURCE UTC_OFFSET_NS BREAK MEAN_LUMA
 *   sound T_NS ARRIVAL_MONO_NS N CHANNELS RATE SOURCE UTC_OFFSET_NS BREAK PEAKS…
 *   state NAME REASON
 *   stats KEY=VALUE …           (at the end)
 * ingest_dump [--live|--recording] [--udp] [--sound URL] [--read-timeout S] [--open-timeout S]
 *             [--backoff-max S] [--seconds S] URL
 * Exit code 0: the end; 1: an error, worded on stderr. Ends on the end of stdin with --until-eof.
 */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/frame.h"
#include "base/log.h"
#include "base/sound.h"
#include "ingest/ingest.h"
#include "schema/camera.h"

/* conf's own function lives in a room that may not be there yet: zero is all that ingest reads. */
static struct cb_camera_conf conf = {.id = "c1"};
static struct cb_ingest *ingest;

static int mean_luma(const struct cb_picture *p)
{
    double sum = 0;
    for (int y = 0; y < p->height; y += 4)
        for (int x = 0; x < p->width; x += 4)
            sum += p->plane[0][y * p->stride[0] + x];
    return (int) (sum / (((p->height + 3) / 4) * ((p->width + 3) / 4)));
}

static int on_frame(void *self, struct cb_frame *f)
{
    const struct cb_picture *p = cb_frame_picture(f);
    (void) self;
    printf("frame %lld %lld %d %d %d%d %d %lld %d %d\n", (long long) p->t_ns,
           (long long) cb_clock_mono_ns(), p->width, p->height, p->chroma_shift_x,
           p->chroma_shift_y, p->time_source, (long long) p->utc_offset_ns, p->is_discontinuity,
           mean_luma(p));
    return 0;
}

static int on_sound(void *self, struct cb_sound *s)
{
    const struct cb_samples *b = cb_sound_samples(s);
    (void) self;
    printf("sound %lld %lld %zu %d %d %d %lld %d", (long long) b->t_ns,
           (long long) cb_clock_mono_ns(), b->n, b->n_channels, b->rate_hz, b->time_source,
           (long long) b->utc_offset_ns, b->is_discontinuity);
    for (int c = 0; c < b->n_channels; c++) {
        float peak = 0;
        for (size_t i = 0; i < b->n; i++)
            peak = fmaxf(peak, fabsf(b->channel[c][i]));
        printf(" %.4f", (double) peak);
    }
    printf("\n");
    return 0;
}

static void on_state(void *self, enum cb_ingest_state state, const char *reason)
{
    (void) self;
    printf("state %s %s\n", cb_ingest_state_name(state), reason);
}

static void *stop_at_eof(void *arg)
{
    char b[64];
    (void) arg;
    while (read(STDIN_FILENO, b, sizeof b) > 0)
        ;
    cb_ingest_ask_stop(ingest);
    return NULL;
}

static void print_stats(void)
{
    struct cb_ingest_stats s = cb_ingest_stats(ingest);
    printf("stats frames=%llu sound=%llu packets=%llu bad=%llu reconnects=%llu jumps=%llu "
           "width=%d height=%d channels=%d rate=%d fps=%.3f\n",
           (unsigned long long) s.n_frames, (unsigned long long) s.n_sound_blocks,
           (unsigned long long) s.n_packets, (unsigned long long) s.n_decode_errors,
           (unsigned long long) s.n_reconnects, (unsigned long long) s.n_time_jumps, s.width,
           s.height, s.n_channels, s.rate_hz, s.fps);
}

static void parse(int argc, char **argv, struct cb_ingest_opts *o, bool *ret_until_eof)
{
    static const struct option longs[] = {
        {"live", no_argument, NULL, 'l'},          {"recording", no_argument, NULL, 'r'},
        {"udp", no_argument, NULL, 'u'},           {"sound", required_argument, NULL, 's'},
        {"read-timeout", required_argument, NULL, 't'}, {"open-timeout", required_argument, NULL, 'o'},
        {"backoff-max", required_argument, NULL, 'b'}, {"paced", no_argument, NULL, 'p'},
        {"until-eof", no_argument, NULL, 'e'},     {"debug", no_argument, NULL, 'd'}, {0}};
    int force = -1;
    for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
        if (c == 'l' || c == 'r')
            force = c == 'l';
        else if (c == 'u')
            conf.rtsp_transport = CB_RTSP_UDP;
        else if (c == 's')
            snprintf(conf.sound_url, sizeof conf.sound_url, "%s", optarg);
        else if (c == 't')
            o->read_timeout_s = atof(optarg);
        else if (c == 'o')
            o->open_timeout_s = atof(optarg);
        else if (c == 'b')
            o->backoff_max_s = atof(optarg);
        else if (c == 'p')
            o->is_paced = true;
        else if (c == 'd')
            cb_log_set_max(CB_LOG_DEBUG);
        else if (c == 'e')
            *ret_until_eof = true;
        else
            exit(2);
    }
    if (optind + 1 != argc)
        exit(2);
    snprintf(conf.url, sizeof conf.url, "%s", argv[optind]);
    o->is_live = force >= 0 ? force : cb_ingest_is_live_url(conf.url);
}

int main(int argc, char **argv)
{
    struct cb_ingest_opts opts = {0};
    const struct cb_ingest_sink sink = {NULL, on_frame, on_sound, on_state};
    struct cb_error error = {0};
    bool until_eof = false;
    pthread_t thread;
    setvbuf(stdout, NULL, _IOLBF, 0);
    parse(argc, argv, &opts, &until_eof);
    if (cb_ingest_create(&ingest, &conf, &opts, &sink) < 0)
        return 1;
    if (until_eof && pthread_create(&thread, NULL, stop_at_eof, NULL))
        return 1;
    int r = cb_ingest_run(ingest, &error);
    if (until_eof)
        pthread_join(thread, NULL);
    print_stats();
    cb_ingest_destroy(&ingest);
    if (r == 0 || r == -ECANCELED)
        return 0;
    fprintf(stderr, "%s: %s\n", error.where, error.text);
    return 1;
}
