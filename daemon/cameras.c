#include "cameras.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/budget.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "config.h"
#include "detectors/pipeline.h"
#include "host_clock.h"
#include "lane.h"
#include "minutes.h"
#include "schema/camera_state.h"
#include "schema/violation.h"
#include "sealing.h"
#include "weather.h"
#include "worker.h"

#define WEATHER_NS (10 * CB_NS_PER_S)
/* No picture dropped for so long: the cores keep up again. */
#define KEEPS_UP_NS (30 * CB_NS_PER_S)

/* A configuration that came later lives until the last camera that was started with it is gone. */
struct kept {
    struct cb_config *config;
    size_t n_cameras;
};

/* What the sink of one camera's pipeline knows; called on the camera's worker. */
struct camera {
    struct cb_cameras *all;
    size_t i; /* in the minutes */
    struct cb_lane *lane;
    struct cb_worker *worker;
    struct cb_conf_digest digest;
    struct kept *kept;    /* NULL: the first configuration, which is not ours */
    bool is_leaving;      /* stopped, perhaps not yet through */
    bool is_weather_lost; /* the evidence thread's: said so in the log */
    bool is_clock_off;    /* likewise */
    uint64_t n_dropped;   /* the evidence thread's: at its last look */
    int64_t dropped_ns;   /* the evidence thread's: when the last look saw more of them */
    /* atomic */
    int drift_mpx; /* thousandths of a pixel that the scene has moved against its calibration */
    int level_cdb; /* hundredths of a dB; INT_MIN: none yet */
    bool is_suspended, is_overloaded;
};

struct cb_cameras {
    struct cb_log log;
    struct cb_minutes *minutes;
    struct cb_sealing *sealing;
    struct cb_budget *waiting; /* what the live cameras may have waiting for the workers */
    struct cb_worker *worker;
    size_t n_workers;
    bool is_started;

    pthread_mutex_t lock; /* of the list, not of what is in it; leaf locks are taken within */
    struct camera **camera; /* lock; changed by the main thread alone */
    size_t n_cameras, cap;  /* lock */

    int64_t weather_mono_ns; /* atomic: when the stations were last read; 0: now is the time */
    uint64_t n_passages, n_noise, n_violations; /* atomic */
};

/* A recording played as a camera has no UTC of its own: its lane's anchor gives one. */
static int64_t offset_of(const struct camera *c, int time_source, int64_t utc_offset_ns)
{
    return time_source == CB_TIME_FILE ? cb_lane_utc_offset_ns(c->lane) : utc_offset_ns;
}

static void on_passage(void *self, const struct cb_passage *p)
{
    struct camera *c = self;
    int64_t offset_ns = offset_of(c, p->time_source, p->utc_offset_ns);
    __atomic_add_fetch(&c->all->n_passages, 1, __ATOMIC_RELAXED);
    cb_minutes_add_passage(c->all->minutes, c->i, p->t_last_ns + offset_ns, p);
}

static void on_noise(void *self, const struct cb_noise *n)
{
    struct camera *c = self;
    (void) n;
    __atomic_add_fetch(&c->all->n_noise, 1, __ATOMIC_RELAXED);
}

static void on_level(void *self, const struct cb_noise_level *l)
{
    struct camera *c = self;
    if (isfinite(l->laf_db))
        __atomic_store_n(&c->level_cdb, (int) lround(l->laf_db * 100), __ATOMIC_RELAXED);
    cb_minutes_add_level(c->all->minutes, c->i, l->t_ns + cb_lane_utc_offset_ns(c->lane), l);
}

static void on_violation(void *self, const struct cb_violation *v)
{
    struct camera *c = self;
    struct cb_violation anchored = *v;
    anchored.utc_offset_ns = offset_of(c, v->time_source, v->utc_offset_ns);
    anchored.passage.utc_offset_ns = anchored.utc_offset_ns;
    anchored.noise.utc_offset_ns = anchored.utc_offset_ns;
    anchored.incident.utc_ns += anchored.utc_offset_ns - v->utc_offset_ns;
    __atomic_add_fetch(&c->all->n_violations, 1, __ATOMIC_RELAXED);
    cb_sealing_push(c->all->sealing, c->lane, &anchored);
}

/* A suspended camera is the technician's; cb_cameras_complain tells of it on the bus. */
static void on_condition(void *self, const struct cb_condition *n)
{
    struct camera *c = self;
    struct {
        struct cb_log log;
    } camera = {{"camera", cb_lane_conf(c->lane)->id}};
    __atomic_store_n(&c->drift_mpx, (int) (n->drift_px * 1000), __ATOMIC_RELAXED);
    __atomic_store_n(&c->is_suspended, n->is_suspended, __ATOMIC_RELAXED);
    if (n->is_news && n->is_suspended)
        cb_err(&camera, "%s", n->text);
    else if (n->is_news)
        cb_info(&camera, "%s", n->text);
}

static void print_condition(const struct camera *c, FILE *out)
{
    const char *id = cb_lane_conf(c->lane)->id;
    fprintf(out, "citybrain_camera_drift_px{camera=\"%s\"} %.2f\n", id,
            __atomic_load_n(&c->drift_mpx, __ATOMIC_RELAXED) / 1000.0);
    fprintf(out, "citybrain_camera_suspended{camera=\"%s\"} %d\n", id,
            __atomic_load_n(&c->is_suspended, __ATOMIC_RELAXED));
}

static void read_weather(struct camera *c)
{
    const struct cb_camera_conf *conf = cb_lane_conf(c->lane);
    struct {
        struct cb_log log;
    } camera = {{"camera", conf->id}};
    struct cb_weather w;
    struct cb_error err = {0};
    if (!conf->weather.file[0])
        return;
    int r = cb_weather_read(&conf->weather, cb_clock_now_ns(), &w, &err);
    cb_lane_set_weather(c->lane, &w);
    if (r < 0 && !c->is_weather_lost)
        cb_warn(&camera, "weather is not known, no sound is judged: %s: %s", err.where, err.text);
    else if (r == 0 && c->is_weather_lost)
        cb_info(&camera, "weather is known again");
    c->is_weather_lost = r < 0;
}

void cb_cameras_read_weather(struct cb_cameras *c)
{
    int64_t now_ns = cb_clock_mono_ns();
    int64_t last_ns = __atomic_load_n(&c->weather_mono_ns, __ATOMIC_RELAXED);
    if (last_ns && now_ns - last_ns < WEATHER_NS)
        return;
    __atomic_store_n(&c->weather_mono_ns, now_ns, __ATOMIC_RELAXED);
    pthread_mutex_lock(&c->lock);
    for (size_t i = 0; i < c->n_cameras; i++)
        read_weather(c->camera[i]);
    pthread_mutex_unlock(&c->lock);
}

static void compare_clock(struct camera *c)
{
    struct {
        struct cb_log log;
    } camera = {{"camera", cb_lane_conf(c->lane)->id}};
    double off_s = cb_lane_clock_difference_s(c->lane);
    bool is_off = cb_lane_is_clock_off(c->lane);
    if (is_off && !c->is_clock_off)
        cb_err(&camera, "its pictures are %+.1f s from the host's clock, expected at most %.0f s: "
                        "evidence is marked; is its NTP set, or are they so long under way?", off_s,
               CB_CLOCK_MAX_S);
    else if (c->is_clock_off && !is_off)
        cb_info(&camera, "its clock agrees with the host's again");
    c->is_clock_off = is_off;
}

static void note_overload(struct camera *c)
{
    struct {
        struct cb_log log;
    } camera = {{"camera", cb_lane_conf(c->lane)->id}};
    uint64_t n = cb_lane_n_dropped(c->lane);
    bool was = __atomic_load_n(&c->is_overloaded, __ATOMIC_RELAXED), is = was;
    int64_t now_ns = cb_clock_mono_ns();
    if (n > c->n_dropped) {
        c->dropped_ns = now_ns;
        is = true;
    } else if (now_ns - c->dropped_ns >= KEEPS_UP_NS) {
        is = false;
    }
    c->n_dropped = n;
    __atomic_store_n(&c->is_overloaded, is, __ATOMIC_RELAXED);
    if (is && !was)
        cb_err(&camera, "pictures are dropped: too few cores for so many cameras, vehicles are missed");
    else if (was && !is)
        cb_info(&camera, "no picture was dropped for %lld s", (long long) (KEEPS_UP_NS / CB_NS_PER_S));
}

void cb_cameras_look(struct cb_cameras *c)
{
    pthread_mutex_lock(&c->lock);
    for (size_t i = 0; i < c->n_cameras; i++) {
        if (c->camera[i]->is_leaving)
            continue;
        compare_clock(c->camera[i]);
        note_overload(c->camera[i]);
    }
    pthread_mutex_unlock(&c->lock);
}

static int create_workers(struct cb_cameras *c, int n_wanted)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    size_t n = n_wanted ? (size_t) n_wanted : (size_t) (cores > 0 ? cores : 1);
    c->worker = calloc(n, sizeof *c->worker);
    if (!c->worker)
        return -ENOMEM;
    for (; c->n_workers < n; c->n_workers++) {
        int r = cb_worker_init(&c->worker[c->n_workers]);
        if (r < 0)
            return r;
    }
    return 0;
}

/* Not started and nobody's yet: undone by destroying it. */
static int make_camera(struct camera **ret, struct cb_cameras *c, const struct cb_config *config,
                       size_t i, struct cb_worker *worker, struct cb_error *reterr)
{
    struct camera *camera = calloc(1, sizeof *camera);
    if (!camera)
        return -ENOMEM;
    camera->all = c;
    camera->level_cdb = INT_MIN;
    camera->worker = worker;
    camera->digest = config->digest[i];
    struct cb_sink sink = {camera, on_passage, on_noise, on_level, on_violation, on_condition};
    int r = cb_lane_create(&camera->lane, &config->camera[i], config, c->waiting, &sink,
                           &worker->wake, reterr);
    if (r < 0) {
        free(camera);
        return r;
    }
    *ret = camera;
    return 0;
}

static void destroy_camera(struct camera *camera)
{
    if (camera->kept && --camera->kept->n_cameras == 0) {
        struct kept *k = camera->kept;
        cb_lane_destroy(&camera->lane); /* before what it was configured with */
        cb_config_destroy(&k->config);
        free(k);
    }
    cb_lane_destroy(&camera->lane);
    free(camera);
}

/* Into the list, the minutes and its worker's hands. */
static int add_camera(struct cb_cameras *c, struct camera *camera)
{
    int i = cb_minutes_add_camera(c->minutes, cb_lane_conf(camera->lane)->id, cb_clock_now_ns());
    if (i < 0)
        return i;
    camera->i = (size_t) i;
    pthread_mutex_lock(&c->lock);
    int r = cb_grow((void **) &c->camera, &c->cap, c->n_cameras + 1, sizeof *c->camera);
    if (r == 0)
        c->camera[c->n_cameras++] = camera;
    pthread_mutex_unlock(&c->lock);
    return r < 0 ? r : cb_worker_add(camera->worker, camera->lane);
}

int cb_cameras_create(struct cb_cameras **ret, const struct cb_config *config,
                      struct cb_minutes *minutes, struct cb_sealing *sealing,
                      struct cb_error *reterr)
{
    struct cb_cameras *c = calloc(1, sizeof *c);
    if (!c)
        return -ENOMEM;
    pthread_mutex_init(&c->lock, NULL);
    c->log = (struct cb_log){"edge", config->node.id};
    c->minutes = minutes;
    c->sealing = sealing;
    int r = cb_budget_create(&c->waiting, (size_t) config->node.waiting_mib << 20);
    if (r == 0)
        r = create_workers(c, config->node.n_workers);
    for (size_t i = 0; i < config->n_cameras && r == 0; i++) {
        struct camera *camera = NULL;
        r = make_camera(&camera, c, config, i, &c->worker[i % c->n_workers], reterr);
        if (r == 0 && (r = add_camera(c, camera)) < 0 &&
            (!c->n_cameras || c->camera[c->n_cameras - 1] != camera))
            destroy_camera(camera);
    }
    if (r < 0) {
        cb_cameras_destroy(&c);
        return r;
    }
    *ret = c;
    return 0;
}

int cb_cameras_start(struct cb_cameras *c)
{
    int r = 0;
    for (size_t i = 0; i < c->n_workers && r == 0; i++)
        r = cb_worker_start(&c->worker[i]);
    for (size_t i = 0; i < c->n_cameras && r == 0; i++)
        r = cb_lane_start(c->camera[i]->lane);
    c->is_started = r == 0;
    return r;
}

/* Exchange */

static struct cb_worker *least_busy(struct cb_cameras *c)
{
    struct cb_worker *best = &c->worker[0];
    for (size_t i = 1; i < c->n_workers; i++)
        if (cb_worker_n_lanes(&c->worker[i]) < cb_worker_n_lanes(best))
            best = &c->worker[i];
    return best;
}

static struct camera *find(struct cb_cameras *c, const char *id)
{
    for (size_t i = 0; i < c->n_cameras; i++)
        if (!c->camera[i]->is_leaving && !strcmp(cb_lane_conf(c->camera[i]->lane)->id, id))
            return c->camera[i];
    return NULL;
}

static bool is_told_the_same(struct cb_cameras *c, const struct cb_config *config, size_t i)
{
    const struct camera *now = find(c, config->camera[i].id);
    return now && !memcmp(&now->digest, &config->digest[i], sizeof now->digest);
}

/* The new ones, made and not started, in *ret: as many as the configuration has, NULL where one runs
 * on. On failure there are none. */
static int make_new(struct cb_cameras *c, const struct cb_config *config, struct camera ***ret,
                    struct cb_error *reterr)
{
    int r = 0;
    struct camera **made = calloc(config->n_cameras, sizeof *made);
    if (!made)
        return -ENOMEM;
    for (size_t i = 0; i < config->n_cameras && r == 0; i++)
        if (!is_told_the_same(c, config, i))
            r = make_camera(&made[i], c, config, i, least_busy(c), reterr);
    if (r == 0) {
        *ret = made;
        return 0;
    }
    for (size_t i = 0; i < config->n_cameras; i++)
        if (made[i])
            destroy_camera(made[i]);
    free(made);
    return r;
}

struct change {
    size_t n_new, n_changed, n_gone, n_same;
};

/* First these: a camera may serve one client at a time. */
static void stop_old(struct cb_cameras *c, const struct cb_config *config, struct change *ret)
{
    for (size_t i = 0; i < c->n_cameras; i++) {
        struct camera *old = c->camera[i];
        const char *id = cb_lane_conf(old->lane)->id;
        const struct cb_camera_conf *conf = cb_config_camera(config, id);
        if (old->is_leaving)
            continue;
        if (conf && is_told_the_same(c, config, (size_t) (conf - config->camera))) {
            ret->n_same++;
            continue;
        }
        if (!conf)
            cb_minutes_remove_camera(c->minutes, old->i);
        *(conf ? &ret->n_changed : &ret->n_gone) += 1;
        cb_info(c, "%s: stops, %s", id, conf ? "its configuration has changed" : "it is no longer configured");
        cb_lane_stop(old->lane);
        pthread_mutex_lock(&c->lock);
        old->is_leaving = true;
        pthread_mutex_unlock(&c->lock);
    }
}

static int start_new(struct cb_cameras *c, struct camera **made, size_t n, struct kept *kept)
{
    int worst = 0;
    for (size_t i = 0; i < n; i++) {
        if (!made[i])
            continue;
        const char *id = cb_lane_conf(made[i]->lane)->id;
        made[i]->kept = kept;
        kept->n_cameras++;
        int r = add_camera(c, made[i]);
        if (r == 0)
            r = cb_lane_start(made[i]->lane);
        if (r < 0)
            cb_err(c, "%s: does not start: %s", id, strerror(-r));
        worst = r < 0 ? r : worst;
    }
    return worst;
}

int cb_cameras_exchange(struct cb_cameras *c, struct cb_config **config, struct cb_error *reterr)
{
    struct camera **made = NULL;
    struct change change = {0};
    struct kept *kept = calloc(1, sizeof *kept);
    int r = kept ? make_new(c, *config, &made, reterr) : -ENOMEM;
    if (r < 0) {
        free(kept);
        return r;
    }
    stop_old(c, *config, &change);
    kept->config = *config;
    *config = NULL;
    start_new(c, made, kept->config->n_cameras, kept);
    __atomic_store_n(&c->weather_mono_ns, 0, __ATOMIC_RELAXED);
    change.n_new = kept->n_cameras - change.n_changed;
    cb_info(c, "the new configuration holds: %zu cameras run on, %zu new, %zu changed, %zu gone",
            change.n_same, change.n_new, change.n_changed, change.n_gone);
    if (kept->n_cameras == 0) {
        cb_config_destroy(&kept->config);
        free(kept);
    }
    free(made);
    return 0;
}

void cb_cameras_reap(struct cb_cameras *c)
{
    for (size_t i = 0; i < c->n_cameras;) {
        struct camera *old = c->camera[i];
        if (!old->is_leaving || !cb_lane_is_done(old->lane)) {
            i++;
            continue;
        }
        cb_worker_remove(old->worker, old->lane);
        pthread_mutex_lock(&c->lock);
        c->camera[i] = c->camera[--c->n_cameras];
        pthread_mutex_unlock(&c->lock);
        destroy_camera(old);
    }
}

void cb_cameras_finish(struct cb_cameras *c)
{
    for (size_t i = 0; i < c->n_cameras; i++)
        cb_lane_stop(c->camera[i]->lane);
    for (size_t i = 0; i < c->n_workers; i++)
        cb_worker_finish(&c->worker[i]);
}

void cb_cameras_destroy(struct cb_cameras **cameras)
{
    struct cb_cameras *c = *cameras;
    if (!c)
        return;
    *cameras = NULL;
    cb_cameras_finish(c);
    for (size_t i = 0; i < c->n_cameras; i++)
        destroy_camera(c->camera[i]);
    for (size_t i = 0; i < c->n_workers; i++)
        cb_worker_deinit(&c->worker[i]);
    cb_budget_destroy(&c->waiting);
    pthread_mutex_destroy(&c->lock);
    free(c->camera);
    free(c->worker);
    free(c);
}

bool cb_cameras_are_well(struct cb_cameras *c, int64_t max_ns)
{
    bool are_well = true;
    for (size_t i = 0; i < c->n_workers; i++)
        are_well = are_well && cb_worker_busy_ns(&c->worker[i]) < max_ns;
    return are_well;
}

static void complain(struct camera *c, cb_health_fn *fn, void *arg)
{
    const struct cb_camera_conf *conf = cb_lane_conf(c->lane);
    struct cb_health h = {0};
    snprintf(h.camera, sizeof h.camera, "%s", conf->id);
    snprintf(h.district, sizeof h.district, "%s", conf->district);
    if (!cb_lane_is_live(c->lane)) {
        snprintf(h.text, sizeof h.text, "gives no pictures or sound");
        h.what = CB_HEALTH_LOST, fn(arg, &h);
    }
    if (__atomic_load_n(&c->is_suspended, __ATOMIC_RELAXED)) {
        snprintf(h.text, sizeof h.text, "suspended, it has moved against its calibration");
        h.what = CB_HEALTH_MOVED, fn(arg, &h);
    }
    if (cb_lane_is_clock_off(c->lane)) {
        snprintf(h.text, sizeof h.text, "its clock is %+.1f s from the host's",
                 cb_lane_clock_difference_s(c->lane));
        h.what = CB_HEALTH_CLOCK, fn(arg, &h);
    }
    if (__atomic_load_n(&c->is_overloaded, __ATOMIC_RELAXED)) {
        snprintf(h.text, sizeof h.text, "pictures are dropped, %llu by now: too few cores",
                 (unsigned long long) cb_lane_n_dropped(c->lane));
        h.what = CB_HEALTH_OVERLOAD, fn(arg, &h);
    }
}

void cb_cameras_complain(struct cb_cameras *c, cb_health_fn *fn, void *arg)
{
    pthread_mutex_lock(&c->lock);
    for (size_t i = 0; i < c->n_cameras; i++)
        if (!c->camera[i]->is_leaving)
            complain(c->camera[i], fn, arg);
    pthread_mutex_unlock(&c->lock);
}

static struct cb_camera_state state_of(struct camera *c)
{
    int level_cdb = __atomic_load_n(&c->level_cdb, __ATOMIC_RELAXED);
    struct cb_camera_state s = {
        .conf = cb_lane_conf(c->lane),
        .drift_px = __atomic_load_n(&c->drift_mpx, __ATOMIC_RELAXED) / 1000.0,
        .level_db = level_cdb == INT_MIN ? NAN : level_cdb / 100.0};
    cb_lane_get_state(c->lane, &s);
    return s;
}

int cb_cameras_print_states(struct cb_cameras *c, const char *node, char **ret_json)
{
    size_t n = 0;
    pthread_mutex_lock(&c->lock);
    struct cb_camera_state *s = calloc(c->n_cameras + 1, sizeof *s);
    for (size_t i = 0; s && i < c->n_cameras; i++)
        if (!c->camera[i]->is_leaving)
            s[n++] = state_of(c->camera[i]);
    int r = s ? cb_camera_states_print(s, n, node, ret_json) : -ENOMEM;
    pthread_mutex_unlock(&c->lock);
    free(s);
    return r;
}

void cb_cameras_print_metrics(struct cb_cameras *c, FILE *out)
{
    fprintf(out, "citybrain_passages_total %llu\n",
            (unsigned long long) __atomic_load_n(&c->n_passages, __ATOMIC_RELAXED));
    fprintf(out, "citybrain_noise_events_total %llu\n",
            (unsigned long long) __atomic_load_n(&c->n_noise, __ATOMIC_RELAXED));
    fprintf(out, "citybrain_violations_total %llu\n",
            (unsigned long long) __atomic_load_n(&c->n_violations, __ATOMIC_RELAXED));
    pthread_mutex_lock(&c->lock);
    for (size_t i = 0; i < c->n_cameras; i++) {
        if (c->camera[i]->is_leaving)
            continue;
        cb_lane_print_metrics(c->camera[i]->lane, out);
        print_condition(c->camera[i], out);
    }
    pthread_mutex_unlock(&c->lock);
}
