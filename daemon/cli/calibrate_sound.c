#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/sound.h"
#include "calibrate.h"
#include "cli.h"
#include "config.h"
#include "detectors/calibrator.h"
#include "ingest/ingest.h"

static const char help[] =
    "usage: citybrain calibrate --sound FILE --config FILE --camera ID [--level 94|114]\n"
    "\n"
    "Reads a recording of a sound calibrator (1 kHz) on this camera's microphone, checks that it is\n"
    "one, and prints the sensitivity of each channel with its uncertainty, how far it is from the\n"
    "configured one, and the lines to paste. All of it is YAML: the report stands in comments.\n"
    "\n"
    "  --sound FILE    the recording, of the stream that citybrain reads: 5 s or more\n"
    "  --config FILE   the configuration (city.yaml)\n"
    "  --camera ID     which of its cameras\n"
    "  --level DB      what the calibrator makes: 94 (default) or 114 dB SPL, or its certificate's\n"
    "                  value, 70 to 130\n"
    "\n"
    "A level 20 dB off the configured one is refused: the calibrator was at its other level.\n"
    "\n"
    "Exit codes: 0 calibrated; 1 the recording cannot be read, or is no calibration of the first\n"
    "channel: said by name; 2 wrong usage or configuration.\n"
    "\n"
    "Examples:\n"
    "  citybrain calibrate --sound cal.wav --config city.yaml --camera sz-nh-0001\n"
    "  citybrain calibrate --sound cal.mp4 --config city.yaml --camera sz-nh-0001 --level 113.9\n";

#define LEVEL_DB    94.0 /* of the sensitivity in the configuration */
#define SECONDS_MAX 120
#define DRIFT_DB    0.5 /* more than a class 1 calibrator and its coupling explain */
#define WRONG_DB    1.0 /* more than a microphone drifts by itself */
#define SWITCH_DB   20.0 /* between the two levels of a calibrator */

struct recording {
    float *channel[CB_SOUND_CHANNELS_MAX];
    size_t n, cap[CB_SOUND_CHANNELS_MAX];
    int n_channels, rate_hz;
    bool is_changed; /* rate or channels changed on the way */
};

static int on_frame(void *self, struct cb_frame *f)
{
    (void) self;
    (void) f;
    return 0;
}

static int on_sound(void *self, struct cb_sound *sound)
{
    struct recording *r = self;
    const struct cb_samples *s = cb_sound_samples(sound);
    if (!r->n_channels) {
        r->n_channels = s->n_channels;
        r->rate_hz = s->rate_hz;
    }
    r->is_changed |= s->n_channels != r->n_channels || s->rate_hz != r->rate_hz;
    if (r->is_changed || r->n > (size_t) r->rate_hz * SECONDS_MAX)
        return 0;
    for (int c = 0; c < r->n_channels; c++) {
        int e = cb_grow((void **) &r->channel[c], &r->cap[c], r->n + s->n, sizeof(float));
        if (e < 0)
            return e;
        memcpy(r->channel[c] + r->n, s->channel[c], s->n * sizeof(float));
    }
    r->n += s->n;
    return 0;
}

static int read_recording(struct recording *ret, const struct cb_camera_conf *camera,
                          const char *file, struct cb_error *reterr)
{
    struct cb_camera_conf conf = *camera;
    struct cb_ingest_sink sink = {.self = ret, .on_frame = on_frame, .on_sound = on_sound};
    struct cb_ingest *in = NULL;
    snprintf(conf.url, sizeof conf.url, "%s", file);
    conf.sound_url[0] = '\0';
    struct cb_ingest_opts opts = cb_ingest_defaults(&conf);
    opts.is_live = false;
    int r = cb_ingest_create(&in, &conf, &opts, &sink);
    if (r == 0)
        r = cb_ingest_run(in, reterr);
    cb_ingest_destroy(&in);
    if (r < 0)
        return r;
    if (ret->is_changed)
        return cb_error_set(reterr, -EINVAL, file, "changes its rate or channels on the way");
    if (!ret->n)
        return cb_error_set(reterr, -ENODATA, file, "has no sound");
    return 0;
}

static void print_channel(int c, const struct cb_calibrator_report *m, double level_db,
                          double configured_dbfs)
{
    printf("#\n# channel %d: ", c);
    if (isfinite(m->f_hz))
        printf("%.1f s from %.1f s on, %.2f Hz, spread %.3f dB, distortion and noise %.2f %%\n",
               m->seconds, m->from_s, m->f_hz, m->spread_db, m->thd_n_percent);
    if (m->fault[0]) {
        printf("%sno calibration: %s\n", isfinite(m->f_hz) ? "#   " : "", m->fault);
        return;
    }
    double dbfs = m->tone_dbfs + LEVEL_DB - level_db, off_db = dbfs - configured_dbfs;
    printf("#   sensitivity_dbfs_at_94db %.2f, +-%.2f dB (95 %%); full scale is a sine of %.1f dB\n",
           dbfs, m->u95_db, LEVEL_DB - dbfs - 3.01);
    if (c > 0 || isnan(configured_dbfs))
        return;
    printf("#   against the configured %.2f: %+.2f dB%s\n", configured_dbfs, off_db,
           fabs(off_db) > WRONG_DB   ? " - TOO MUCH for drift: look for a changed gain, a wet "
                                       "windscreen, a wrong --level"
           : fabs(off_db) > DRIFT_DB ? " - changed: what was measured since the last calibration "
                                       "is off by as much"
                                     : ", as it was");
}

/* What a level can be good for at that rate, whoever calibrated it. */
static void print_band(int rate_hz, const struct cb_calibrator_report *m)
{
    printf("# at %d Hz levels keep within class 1 up to %.1f kHz, one-third octaves up to %g kHz",
           rate_hz, m->top_hz / 1000, m->band_top_hz / 1000);
    if (m->class_)
        printf("; as a whole class %d of IEC 61672-1\n", m->class_);
    else
        printf("; as a whole no class of IEC 61672-1, which asks for 8 kHz\n");
}

/* One that makes both levels, at the other than was said: no gain is changed by just that. */
static void look_for_the_switch(const struct cb_camera_conf *conf, double level_db,
                                struct cb_calibrator_report *m)
{
    double configured = conf->has_microphone ? conf->microphone.sensitivity_dbfs_at_94db : NAN;
    double off_db = m->tone_dbfs + LEVEL_DB - level_db - configured;
    if (m->fault[0] || !(fabs(fabs(off_db) - SWITCH_DB) <= WRONG_DB))
        return;
    snprintf(m->fault, sizeof m->fault,
             "%+.1f dB off the configured sensitivity: the calibrator was at %g dB, not %g (--level)",
             off_db, level_db + (off_db > 0 ? SWITCH_DB : -SWITCH_DB), level_db);
}

static void print_lines(double dbfs)
{
    char date[16];
    time_t now = time(NULL);
    struct tm t;
    strftime(date, sizeof date, "%Y-%m-%d", localtime_r(&now, &t));
    printf("#\nmicrophone:\n  sensitivity_dbfs_at_94db: %.2f\n  calibrated_on: %s\n", dbfs, date);
}

static int calibrate(const struct cb_camera_conf *conf, const char *file, double level_db)
{
    struct recording r = {0};
    struct cb_error e = {0};
    double dbfs = NAN;
    int code = CB_EXIT_FAILED, err = read_recording(&r, conf, file, &e);
    if (err < 0)
        fprintf(stderr, "%s: %s\n", e.where[0] ? e.where : file,
                e.text[0] ? e.text : strerror(-err));
    for (int c = 0; c < r.n_channels && err == 0; c++) {
        struct cb_calibrator_report m;
        if (c == 0)
            printf("# %s: %d channels, %d Hz, %.1f s, against a calibrator of %g dB\n", file,
                   r.n_channels, r.rate_hz, (double) r.n / r.rate_hz, level_db);
        int bad = cb_calibrator_measure(r.channel[c], r.n, r.rate_hz, &m);
        if (bad == -ENOMEM)
            break;
        if (c == 0) {
            print_band(r.rate_hz, &m);
            look_for_the_switch(conf, level_db, &m);
        }
        print_channel(c, &m, level_db,
                      conf->has_microphone ? conf->microphone.sensitivity_dbfs_at_94db : NAN);
        if (c > 0)
            continue;
        code = m.fault[0] ? CB_EXIT_FAILED : CB_EXIT_OK;
        if (m.fault[0])
            fprintf(stderr, "%s: channel 0 is no calibration: %s\n", file, m.fault);
        dbfs = m.tone_dbfs + LEVEL_DB - level_db;
    }
    if (code == CB_EXIT_OK)
        print_lines(dbfs);
    for (int c = 0; c < CB_SOUND_CHANNELS_MAX; c++)
        free(r.channel[c]);
    return fflush(stdout) == 0 ? code : CB_EXIT_FAILED;
}

struct words {
    const char *config, *camera, *sound;
    double level_db;
};

static int read_words(int argc, char **argv, struct words *w)
{
    static const struct option options[] = {
        {"sound", required_argument, NULL, 's'},  {"config", required_argument, NULL, 'c'},
        {"camera", required_argument, NULL, 'i'}, {"level", required_argument, NULL, 'l'},
        {"help", no_argument, NULL, 'h'},         {0}};
    char *end = "";
    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (o) {
        case 's': w->sound = optarg; break;
        case 'c': w->config = optarg; break;
        case 'i': w->camera = optarg; break;
        case 'l': w->level_db = strtod(optarg, &end); break;
        case 'h': fputs(help, stdout); return CB_EXIT_OK;
        default: fputs(help, stderr); return CB_EXIT_USAGE;
        }
    }
    bool has_level = !*end && w->level_db >= 70 && w->level_db <= 130;
    if (!w->config || !w->camera || !w->sound || !has_level || optind < argc) {
        fputs(help, stderr);
        return CB_EXIT_USAGE;
    }
    return -1;
}

int cb_cli_calibrate_sound(int argc, char **argv)
{
    struct words w = {.level_db = LEVEL_DB};
    int code = read_words(argc, argv, &w);
    if (code >= 0)
        return code;
    struct cb_config *c = NULL;
    struct cb_error e = {0};
    if (cb_config_load(&c, w.config, &e) < 0) {
        fprintf(stderr, "%s: %s\n", e.where, e.text);
        return CB_EXIT_USAGE;
    }
    const struct cb_camera_conf *conf = cb_config_camera(c, w.camera);
    cb_log_set_max(CB_LOG_ERR);
    if (conf) {
        code = calibrate(conf, w.sound, w.level_db);
    } else {
        fprintf(stderr, "%s: no camera '%s' in it\n", w.config, w.camera);
        code = CB_EXIT_USAGE;
    }
    cb_config_destroy(&c);
    return code;
}
