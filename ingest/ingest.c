#include "ingest/ingest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "avlog.h"
#include "base/clock.h"
#include "reconnect.h"
#include "session.h"

struct cb_ingest_opts cb_ingest_defaults(const struct cb_camera_conf *conf)
{
    return (struct cb_ingest_opts){
        .is_live = cb_ingest_is_live_url(conf->url),
        .open_timeout_s = 10,
        .read_timeout_s = 5,
        .backoff_min_s = 0.5,
        .backoff_max_s = 30,
        .width_max = 8192,
        .height_max = 8192,
    };
}

/* Zero means the default, so that a zeroed struct is legal. */
static void fill_defaults(struct cb_ingest_opts *o, const struct cb_camera_conf *conf)
{
    const struct cb_ingest_opts d = cb_ingest_defaults(conf);
    o->open_timeout_s = o->open_timeout_s > 0 ? o->open_timeout_s : d.open_timeout_s;
    o->read_timeout_s = o->read_timeout_s > 0 ? o->read_timeout_s : d.read_timeout_s;
    o->backoff_min_s = o->backoff_min_s > 0 ? o->backoff_min_s : d.backoff_min_s;
    o->backoff_max_s = o->backoff_max_s > 0 ? o->backoff_max_s : d.backoff_max_s;
    o->width_max = o->width_max > 0 ? o->width_max : d.width_max;
    o->height_max = o->height_max > 0 ? o->height_max : d.height_max;
}

int cb_ingest_create(struct cb_ingest **ret, const struct cb_camera_conf *conf,
                     const struct cb_ingest_opts *opts, const struct cb_ingest_sink *sink)
{
    char url[CB_URL_LEN];
    struct cb_ingest *in = calloc(1, sizeof *in);
    if (!in)
        return -ENOMEM;
    in->log = (struct cb_log){.topic = "ingest", .id = conf->id};
    in->conf = conf;
    in->opts = opts ? *opts : cb_ingest_defaults(conf);
    in->sink = *sink;
    fill_defaults(&in->opts, conf);
    cb_ingest_redact_url(conf->url, url, sizeof url);
    snprintf(in->where, sizeof in->where, "camera %s (%.110s)", conf->id, url);
    cb_ingest_redact_url(conf->sound_url, url, sizeof url);
    snprintf(in->where_sound, sizeof in->where_sound, "camera %s sound (%.100s)", conf->id, url);
    cb_axis_init(&in->axis, in->opts.is_live);
    cb_utc_map_init(&in->utc);
    in->order[CB_TRACK_SOUND].may_drop = true;
    int r = -pthread_mutex_init(&in->lock, NULL);
    if (r < 0) {
        free(in);
        return r;
    }
    cb_avlog_install();
    *ret = in;
    return 0;
}

void cb_ingest_destroy(struct cb_ingest **ingest)
{
    struct cb_ingest *in = *ingest;
    if (!in)
        return;
    *ingest = NULL;
    cb_ingest_stop(in);
    pthread_mutex_destroy(&in->lock);
    free(in);
}

/* A camera that is down is worth a warning, a recording's end is not. */
static enum cb_level level_of(const struct cb_ingest *in, enum cb_ingest_state state)
{
    bool is_lost = state == CB_DOWN || state == CB_STALLED;
    bool is_asked = __atomic_load_n(&in->stop, __ATOMIC_ACQUIRE);
    return is_lost && in->opts.is_live && !is_asked ? CB_LOG_WARN : CB_LOG_INFO;
}

void cb_ingest_set_state(struct cb_ingest *in, enum cb_ingest_state state, const char *reason)
{
    char kept[sizeof in->stats.reason];
    snprintf(kept, sizeof kept, "%s", reason);
    pthread_mutex_lock(&in->lock);
    bool is_new = in->stats.state != state || strcmp(in->stats.reason, kept);
    in->stats.state = state;
    memcpy(in->stats.reason, kept, sizeof kept);
    pthread_mutex_unlock(&in->lock);
    if (!is_new)
        return;
    cb_log_at(&in->log, level_of(in, state),
              "%s: %s", cb_ingest_state_name(state), reason);
    if (in->sink.on_state)
        in->sink.on_state(in->sink.self, state, reason);
}

static int run_recording(struct cb_ingest *in, struct cb_error *reterr)
{
    struct cb_error error = {0};
    int r = cb_session_run(in, &error);
    if (r == -ENODATA) {
        cb_ingest_set_state(in, CB_DOWN, "the recording ended");
        return 0;
    }
    cb_ingest_set_state(in, CB_DOWN, r == -ECANCELED ? "stopped" : error.text);
    return cb_error_set(reterr, r, error.where, "%s", error.text);
}

static int run_live(struct cb_ingest *in, struct cb_error *reterr)
{
    struct cb_backoff backoff;
    cb_backoff_init(&backoff, in->opts.backoff_min_s, in->opts.backoff_max_s,
                    (unsigned) cb_clock_mono_ns());
    for (;;) {
        struct cb_error error = {0};
        int64_t start = cb_clock_mono_ns();
        int r = cb_session_run(in, &error);
        if (__atomic_load_n(&in->stop, __ATOMIC_ACQUIRE)) {
            cb_ingest_set_state(in, CB_DOWN, "stopped");
            return cb_error_set(reterr, -ECANCELED, in->where, "stopped");
        }
        const char *why = r == -ENODATA ? "the stream ended" : error.text;
        bool was_live = in->stats.state == CB_LIVE; /* only this thread writes it */
        cb_ingest_set_state(in, r == -ETIMEDOUT && was_live ? CB_STALLED : CB_DOWN, why);
        cb_axis_reconnect(&in->axis);
        cb_utc_map_init(&in->utc);
        if (was_live)
            cb_backoff_lasted(&backoff, cb_clock_mono_ns() - start);
        cb_backoff_wait(&backoff, &in->stop);
    }
}

int cb_ingest_run(struct cb_ingest *in, struct cb_error *reterr)
{
    char reason[CB_URL_LEN + 16], url[CB_URL_LEN];
    cb_ingest_redact_url(in->conf->url, url, sizeof url);
    snprintf(reason, sizeof reason, "opening %s", url);
    pthread_mutex_lock(&in->lock);
    in->stats.state = CB_DOWN; /* so that the first change is one */
    pthread_mutex_unlock(&in->lock);
    cb_ingest_set_state(in, CB_CONNECTING, reason);
    return in->opts.is_live ? run_live(in, reterr) : run_recording(in, reterr);
}

static void *run_thread(void *self)
{
    struct cb_ingest *in = self;
    struct cb_error error = {0};
    int r = cb_ingest_run(in, &error);
    if (r < 0 && r != -ECANCELED)
        cb_log_at(&in->log, CB_LOG_ERR, "%s: %s", error.where, error.text);
    return NULL;
}

int cb_ingest_start(struct cb_ingest *in)
{
    int r = -pthread_create(&in->thread, NULL, run_thread, in);
    in->is_started = r == 0;
    if (in->is_started)
        pthread_setname_np(in->thread, "ingest"); /* only a label */
    return r;
}

void cb_ingest_ask_stop(struct cb_ingest *in)
{
    __atomic_store_n(&in->stop, true, __ATOMIC_RELEASE);
}

void cb_ingest_stop(struct cb_ingest *in)
{
    if (!in || !in->is_started)
        return;
    cb_ingest_ask_stop(in);
    pthread_join(in->thread, NULL);
    in->is_started = false;
}

struct cb_ingest_stats cb_ingest_stats(struct cb_ingest *in)
{
    pthread_mutex_lock(&in->lock);
    struct cb_ingest_stats s = in->stats;
    pthread_mutex_unlock(&in->lock);
    return s;
}
