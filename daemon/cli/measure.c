#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "base/clock.h"
#include "base/frame.h"
#include "base/log.h"
#include "base/mem.h"
#include "annotate.h"
#include "cli.h"
#include "detectors/pipeline.h"
#include "ingest/ingest.h"
#include "schema/violation.h"
#include "weather.h"
#include "tracks.h"

static const char help[] =
    "usage: citybrain measure --config FILE --camera ID [options] [CLIP]\n"
    "\n"
    "Measures one recorded clip, or the camera's own URL, and prints one JSON object a line:\n"
    "passages, noise events, and a summary at the end. Needs no database and opens no port.\n"
    "\n"
    "  --config FILE   the configuration (city.yaml)\n"
    "  --camera ID     which of its cameras\n"
    "  --levels        a line every 100 ms with the sound level\n"
    "  --tracks FILE   measures tracks instead of a clip: {\"track\": 7, \"samples\":\n"
    "                  [[t_s, x_px, y_px], …]} a line; \"-\" is standard input\n"
    "  --annotate OUT  writes the recording to OUT (.mp4, .mkv) with box, track, class and speed\n"
    "                  of every passage and the zone drawn over it; reads the clip twice\n"
    "  --quiet         no progress on a terminal\n"
    "\n"
    "Exit codes: 0 measured to the end; 1 the clip could not be read; 2 wrong usage or\n"
    "configuration.\n"
    "\n"
    "Examples:\n"
    "  citybrain measure --config city.yaml --camera sz-nh-0001 clip.mp4\n"
    "  citybrain measure --config city.yaml --camera sz-nh-0001 --levels street.wav\n"
    "  citybrain measure --config city.yaml --camera sz-nh-0001 --annotate out.mp4 clip.mp4\n"
    "  citybrain measure --config city.yaml --camera sz-nh-0001 | jq 'select(.violation)'\n";

struct measure {
    const struct cb_camera_conf *conf;
    struct cb_pipeline *pipeline;
    bool has_levels, has_progress;
    const char *annotate;             /* NULL: nothing is drawn */
    struct cb_cli_passages passages; /* to be drawn */
    uint64_t n_frames, n_passages, n_noise;
    int64_t t_first_ns, t_last_ns, frame_ns; /* span of pictures and sound; INT64_MIN: none yet */
    double lafmax_db;                        /* NaN: no sound */
    int64_t t_progress_ns;
};

/* The signal handler's only way to reach the reader. */
static struct cb_ingest *interruptible;

static void on_signal(int signal_number)
{
    (void) signal_number;
    cb_ingest_ask_stop(interruptible);
}

static void print_line(int r, char *json)
{
    if (r < 0) {
        fprintf(stderr, "citybrain measure: out of memory, a line is missing\n");
        return;
    }
    puts(json);
    free(json);
}

static void on_passage(void *self, const struct cb_passage *p)
{
    struct measure *m = self;
    char *json = NULL;
    m->n_passages++;
    if (m->annotate && cb_cli_passages_add(&m->passages, p) < 0)
        fprintf(stderr, "citybrain measure: out of memory, a passage will not be drawn\n");
    int r = cb_passage_print(p, &json);
    print_line(r, json);
}

static void on_noise(void *self, const struct cb_noise *n)
{
    struct measure *m = self;
    char *json = NULL;
    m->n_noise++;
    int r = cb_noise_print(n, &json);
    print_line(r, json);
}

static void on_incident(void *self, const struct cb_incident *i)
{
    struct measure *m = self;
    char *json = NULL;
    int r = cb_incident_print(i, m->conf->id, &json);
    print_line(r, json);
}

static void on_level(void *self, const struct cb_noise_level *l)
{
    struct measure *m = self;
    if (!(l->lafmax_db <= m->lafmax_db)) /* also when there is none yet */
        m->lafmax_db = l->lafmax_db;
    if (m->has_levels)
        printf("{\"type\":\"level\",\"t\":%.3f,\"laf_db\":%.2f,\"lafmax_db\":%.2f}\n",
               cb_s_from_ns(l->t_ns), l->laf_db, l->lafmax_db);
}

/* Not measured: no line of the contract, but whoever accepts the camera must know. */
static void on_condition(void *self, const struct cb_condition *c)
{
    struct measure *m = self;
    if (c->is_news)
        fprintf(stderr, "%s: at %.1f s %s\n", m->conf->id, cb_s_from_ns(c->t_ns), c->text);
}

static void span(struct measure *m, int64_t t0_ns, int64_t t1_ns)
{
    if (m->t_first_ns == INT64_MIN || t0_ns < m->t_first_ns)
        m->t_first_ns = t0_ns;
    if (t1_ns > m->t_last_ns)
        m->t_last_ns = t1_ns;
}

static void show_progress(struct measure *m)
{
    int64_t now = cb_clock_mono_ns();
    if (!m->has_progress || now - m->t_progress_ns < 200 * CB_NS_PER_MS)
        return;
    m->t_progress_ns = now;
    fprintf(stderr, "\r%s: %8.1f s of stream, %llu frames, %llu passages, %llu noise events ",
            m->conf->id, cb_s_from_ns(m->t_last_ns - m->t_first_ns),
            (unsigned long long) m->n_frames, (unsigned long long) m->n_passages,
            (unsigned long long) m->n_noise);
}

static int on_frame(void *self, struct cb_frame *f)
{
    struct measure *m = self;
    int64_t t_ns = cb_frame_picture(f)->t_ns;
    if (m->n_frames && t_ns > m->t_last_ns)
        m->frame_ns = t_ns - m->t_last_ns;
    m->n_frames++;
    span(m, t_ns, t_ns);
    show_progress(m);
    return cb_pipeline_on_frame(m->pipeline, f);
}

static int on_sound(void *self, struct cb_sound *s)
{
    struct measure *m = self;
    const struct cb_samples *x = cb_sound_samples(s);
    if (!m->n_frames) /* with pictures, they say how long it was */
        span(m, x->t_ns, x->t_ns + (int64_t) ((double) x->n / x->rate_hz * 1e9));
    return cb_pipeline_on_sound(m->pipeline, s);
}

static void print_summary(const struct measure *m)
{
    double seconds = m->t_first_ns == INT64_MIN
                         ? 0
                         : cb_s_from_ns(m->t_last_ns - m->t_first_ns + m->frame_ns);
    char lafmax[32] = "null";
    if (isfinite(m->lafmax_db))
        snprintf(lafmax, sizeof lafmax, "%.2f", m->lafmax_db);
    printf("{\"type\":\"summary\",\"camera\":\"%s\",\"frames\":%llu,\"seconds\":%.3f,"
           "\"passages\":%llu,\"noise_events\":%llu,\"dropped\":0,\"lafmax_db\":%s}\n",
           m->conf->id, (unsigned long long) m->n_frames, seconds,
           (unsigned long long) m->n_passages, (unsigned long long) m->n_noise, lafmax);
}

static int fail(const struct cb_error *e, int r)
{
    fprintf(stderr, "%s: %s\n", e->where, e->text[0] ? e->text : strerror(-r));
    return CB_EXIT_FAILED;
}

static int measure_stream(struct measure *m, const struct cb_camera_conf *conf)
{
    struct cb_ingest_opts opts = cb_ingest_defaults(conf);
    struct cb_ingest_sink sink = {.self = m, .on_frame = on_frame, .on_sound = on_sound};
    struct cb_error e = {0};
    int r = cb_ingest_create(&interruptible, conf, &opts, &sink);
    if (r < 0)
        return fail(&e, r);
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    r = cb_ingest_run(interruptible, &e);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    cb_ingest_destroy(&interruptible);
    if (m->has_progress)
        fputc('\n', stderr);
    if (r < 0 && r != -ECANCELED)
        return fail(&e, r);
    return CB_EXIT_OK;
}

/* The station's file tells of now: of a recording only the configuration itself can. */
static void tell_weather(const struct cb_camera_conf *conf, struct cb_pipeline *p)
{
    struct cb_weather w;
    struct cb_error e = {0};
    if (!conf->weather.file[0] || !cb_ingest_is_live_url(conf->url))
        return;
    if (cb_weather_read(&conf->weather, cb_clock_now_ns(), &w, &e) < 0)
        fprintf(stderr, "%s: weather is not known: %s: %s\n", conf->id, e.where, e.text);
    cb_pipeline_on_weather(p, &w);
}

static int measure(const struct cb_camera_conf *conf, const char *tracks, struct measure *m)
{
    struct cb_sink sink = {.self = m, .on_passage = on_passage, .on_noise = on_noise,
                           .on_level = on_level, .on_condition = on_condition,
                           .on_incident = on_incident};
    struct cb_error e = {0};
    int r = cb_pipeline_create(&m->pipeline, conf, &sink, &e);
    if (r < 0)
        return fail(&e, r);
    tell_weather(conf, m->pipeline);
    int code = tracks ? cb_cli_feed_tracks(tracks, m->pipeline) : measure_stream(m, conf);
    if (code == CB_EXIT_OK && (r = cb_pipeline_flush(m->pipeline)) < 0)
        code = fail(&e, r);
    if (code == CB_EXIT_OK)
        print_summary(m);
    cb_pipeline_destroy(&m->pipeline);
    return code;
}

struct words {
    const char *config, *camera, *tracks, *annotate, *clip;
    bool has_levels, is_quiet;
};

static int read_words(int argc, char **argv, struct words *w)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"camera", required_argument, NULL, 'i'},
        {"levels", no_argument, NULL, 'l'},       {"tracks", required_argument, NULL, 't'},
        {"annotate", required_argument, NULL, 'a'}, {"quiet", no_argument, NULL, 'q'},        {"help", no_argument, NULL, 'h'},
        {0}};
    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (o) {
        case 'c': w->config = optarg; break;
        case 'i': w->camera = optarg; break;
        case 't': w->tracks = optarg; break;
        case 'a': w->annotate = optarg; break;
        case 'l': w->has_levels = true; break;
        case 'q': w->is_quiet = true; break;
        case 'h': fputs(help, stdout); return CB_EXIT_OK;
        default: fputs(help, stderr); return CB_EXIT_USAGE;
        }
    }
    w->clip = optind < argc ? argv[optind++] : NULL;
    if (!w->config || !w->camera || optind < argc || (w->tracks && (w->clip || w->annotate))) {
        fputs(help, stderr);
        return CB_EXIT_USAGE;
    }
    return -1;
}

int cb_cli_measure(int argc, char **argv)
{
    struct words w = {0};
    int code = read_words(argc, argv, &w);
    if (code >= 0)
        return code;
    struct cb_config *c = NULL;
    struct cb_error e = {0};
    if (cb_config_load(&c, w.config, &e) < 0) {
        fprintf(stderr, "%s: %s\n", e.where, e.text);
        return CB_EXIT_USAGE;
    }
    const struct cb_camera_conf *found = cb_config_camera(c, w.camera);
    if (!found) {
        fprintf(stderr, "%s: no camera '%s' in it\n", w.config, w.camera);
        cb_config_destroy(&c);
        return CB_EXIT_USAGE;
    }
    struct cb_camera_conf conf = *found;
    if (w.clip) {
        snprintf(conf.url, sizeof conf.url, "%s", w.clip);
        conf.sound_url[0] = '\0';
    }
    if (w.annotate && cb_ingest_is_live_url(conf.url)) {
        fprintf(stderr, "%s: is live, expected a recording to annotate\n", conf.id);
        cb_config_destroy(&c);
        return CB_EXIT_USAGE;
    }
    cb_log_set_max(CB_LOG_WARN);
    struct measure m = {.conf = &conf, .has_levels = w.has_levels, .annotate = w.annotate, .t_first_ns = INT64_MIN,
                        .t_last_ns = INT64_MIN, .lafmax_db = NAN,
                        .has_progress = !w.is_quiet && !w.tracks && isatty(2) && !isatty(1)};
    code = measure(&conf, w.tracks, &m);
    if (code == CB_EXIT_OK && w.annotate)
        code = cb_cli_annotate(&conf, &m.passages, w.annotate);
    cb_cli_passages_deinit(&m.passages);
    cb_config_destroy(&c);
    if (fflush(stdout) != 0)
        code = CB_EXIT_FAILED;
    return code;
}
