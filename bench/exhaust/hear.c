/*
 * Listens to rendered scenes with the detector that cameras use, whole: the ear, the cutting of
 * events, features, class, direction, and who it was. The road users come as vision would tell
 * them, from the scene's truth with a tracker's errors.
 *
 *   exhaust-hear DIR...        each with scene.json and clip.wav (citybrain-sim --sound-only)
 *
 * Prints one JSON object a noise: {"dir":…, "noise":{…}, "vehicles":[[id, azimuth_deg,
 * distance_m], …]}, where the vehicles are those of the truth when the sound of the peak left them.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/sound.h"
#include "propagate.h"
#include "registry.h"
#include "rng.h"
#include "schema/camera.h"
#include "schema/noise.h"
#include "wav.h"

#include "../../detectors/scene.h" /* the simulator has one of that name too */

#define FPS       25
#define BLOCK_N   1024
#define HEADER_N  44
#define VIEW_Y0_M 4.0 /* the road that the camera sees */
#define VIEW_Y1_M 65.0
#define NOISE_M   0.15 /* of a position, standard deviation, picture by picture */
#define OFFSET_M  0.35 /* of a track as a whole, along the road; half of that across */
#define PATH_MAX_N 4096

/* One road user as the tracker has it. */
struct follow {
    struct sim_vehicle v;
    double dx_m, dy_m;
};

struct hearing {
    const char *dir;
    struct sim_scene *scene;
    struct follow *follow;
    float *channel[SIM_MICS_MAX];
    size_t n;
    struct cb_camera_conf conf;
    struct cb_scene users;
    struct cb_sink sink;
    struct cb_detector detector;
    struct sim_rng rng;
};

static void on_noise(void *self, const struct cb_noise *n)
{
    const struct hearing *h = self;
    char *json = NULL;
    if (cb_noise_print(n, &json) < 0)
        return;
    printf("{\"dir\":\"%s\",\"noise\":%s,\"vehicles\":[", h->dir, json);
    for (size_t i = 0; i < h->scene->n_vehicles; i++) {
        const struct sim_vehicle *v = &h->follow[i].v;
        struct sim_path p = {.vehicle = v, .place = v3(0.2, -v->dims.length / 2 + 0.1, 0.38)};
        struct vec3 mic = h->scene->sound.mic[0];
        double t = sim_path_emitted_s(&p, mic, cb_s_from_ns(n->t_peak_ns));
        struct vec3 d = v3_sub(sim_path_at(&p, t), mic);
        printf("%s[%d,%.2f,%.2f]", i ? "," : "", v->id, atan2(d.x, d.y) * 180 / M_PI, v3_len(d));
    }
    printf("]}\n");
    free(json);
}

/* What vision would have said of that moment. */
static int show(struct hearing *h, int64_t t_ns)
{
    double t_s = cb_s_from_ns(t_ns);
    cb_scene_advance(&h->users, t_ns);
    for (size_t i = 0; i < h->scene->n_vehicles; i++) {
        const struct follow *f = &h->follow[i];
        struct vec3 at = sim_vehicle_contact(&f->v, t_s);
        double ex = sim_rng_normal(&h->rng), ey = sim_rng_normal(&h->rng);
        if (!sim_vehicle_exists(&f->v, t_s) || at.y < VIEW_Y0_M || at.y > VIEW_Y1_M)
            continue;
        struct cb_fix fix = {.t_ns = t_ns,
                             .x_m = at.x + f->dx_m + NOISE_M * ex,
                             .y_m = at.y + f->dy_m + NOISE_M * ey};
        int r = cb_scene_add(&h->users, f->v.id, CB_CAR, &fix);
        if (r < 0)
            return r;
    }
    return h->detector.info->on_frame(&h->detector, NULL);
}

static void keep(void *owner)
{
    (void) owner; /* the samples are the hearing's */
}

static int give(struct hearing *h, size_t from, size_t n)
{
    struct cb_samples s = {.n = n,
                           .n_channels = h->scene->sound.n_mics,
                           .rate_hz = h->scene->sound.rate_hz,
                           .t_ns = (int64_t) from * CB_NS_PER_S / h->scene->sound.rate_hz};
    for (int c = 0; c < s.n_channels; c++)
        s.channel[c] = h->channel[c] + from;
    struct cb_sound *sound = cb_sound_wrap(&s, keep, NULL);
    int r = sound ? h->detector.info->on_sound(&h->detector, sound) : -ENOMEM;
    cb_sound_unref(&sound);
    return r;
}

/* Sound and pictures in the order of their times, as the worker of a camera has them. */
static int listen(struct hearing *h)
{
    int64_t frame_ns = CB_NS_PER_S / FPS, t_ns = 0;
    int rate = h->scene->sound.rate_hz, r = 0;
    for (size_t i = 0; i < h->n && r >= 0; i += BLOCK_N) {
        for (; r >= 0 && t_ns <= (int64_t) i * CB_NS_PER_S / rate; t_ns += frame_ns)
            r = show(h, t_ns);
        if (r >= 0)
            r = give(h, i, h->n - i < BLOCK_N ? h->n - i : BLOCK_N);
    }
    return r < 0 ? r : h->detector.info->flush(&h->detector);
}

/* FNV-1a: each scene has tracking errors of its own, the same every time. */
static uint64_t hash(const char *text)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (; *text; text++)
        h = (h ^ (uint8_t) *text) * 0x100000001b3u;
    return h;
}

static int start(struct hearing *h)
{
    const struct sim_sound_conf *c = &h->scene->sound;
    struct cb_microphone_conf *m = &h->conf.microphone;
    cb_camera_conf_init(&h->conf);
    snprintf(h->conf.id, sizeof h->conf.id, "%s", h->scene->id);
    h->conf.has_microphone = true;
    m->sensitivity_dbfs_at_94db = c->sensitivity_dbfs_at_94db;
    m->limit.default_dba = c->limit_dba;
    m->n_positions = c->n_mics;
    for (int k = 0; k < c->n_mics; k++) {
        m->position_m[k][0] = c->mic[k].x;
        m->position_m[k][1] = c->mic[k].y;
        m->position_m[k][2] = c->mic[k].z;
    }
    cb_scene_init(&h->users);
    h->sink = (struct cb_sink){.self = h, .on_noise = on_noise};
    h->detector = (struct cb_detector){.info = &cb_detector_exhaust,
                                       .conf = &h->conf,
                                       .scene = &h->users,
                                       .sink = &h->sink,
                                       .priv = calloc(1, cb_detector_exhaust.priv_size)};
    h->follow = calloc(h->scene->n_vehicles + 1, sizeof *h->follow);
    if (!h->detector.priv || !h->follow)
        return -ENOMEM;
    h->rng = sim_rng_make(hash(h->scene->id), 0x600000);
    for (size_t i = 0; i < h->scene->n_vehicles; i++) {
        sim_vehicle_init(&h->follow[i].v, h->scene, i);
        h->follow[i].dx_m = OFFSET_M / 2 * sim_rng_normal(&h->rng);
        h->follow[i].dy_m = OFFSET_M * sim_rng_normal(&h->rng);
    }
    return cb_detector_exhaust.init(&h->detector);
}

static int split(struct hearing *h, const uint8_t *pcm, size_t n_bytes)
{
    size_t channels = (size_t) h->scene->sound.n_mics;
    h->n = n_bytes / 2 / channels;
    for (size_t c = 0; c < channels; c++) {
        h->channel[c] = malloc((h->n + 1) * sizeof **h->channel);
        if (!h->channel[c])
            return -ENOMEM;
        for (size_t i = 0; i < h->n; i++) {
            const uint8_t *at = pcm + 2 * (i * channels + c);
            h->channel[c][i] = (float) (int16_t) (at[0] | at[1] << 8) / 32768.0f;
        }
    }
    return 0;
}

static int read_wav(struct hearing *h, const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return -errno;
    fseek(f, 0, SEEK_END);
    long size = ftell(f);
    rewind(f);
    uint8_t *bytes = size > HEADER_N ? malloc((size_t) size) : NULL;
    int r = bytes && fread(bytes, 1, (size_t) size, f) == (size_t) size ? 0 : -EIO;
    fclose(f);
    if (r == 0)
        r = split(h, bytes + HEADER_N, (size_t) size - HEADER_N);
    free(bytes);
    return r;
}

static int hear(const char *dir)
{
    struct hearing h = {.dir = dir};
    struct cb_error error = {.where = "", .text = ""};
    char path[PATH_MAX_N];
    snprintf(path, sizeof path, "%s/scene.json", dir);
    int r = sim_scene_load(&h.scene, path, &error);
    snprintf(path, sizeof path, "%s/" SIM_WAV_NAME, dir);
    if (r == 0)
        r = read_wav(&h, path);
    if (r == 0 && (r = start(&h)) == 0)
        r = listen(&h);
    if (h.detector.priv)
        cb_detector_exhaust.deinit(&h.detector);
    free(h.detector.priv);
    cb_scene_deinit(&h.users);
    cb_camera_conf_deinit(&h.conf);
    for (int c = 0; c < SIM_MICS_MAX; c++)
        free(h.channel[c]);
    free(h.follow);
    sim_scene_destroy(&h.scene);
    if (r < 0)
        fprintf(stderr, "exhaust-hear: %s: %s\n", dir, error.text[0] ? error.text : strerror(-r));
    return r;
}

int main(int argc, char **argv)
{
    int r = 0;
    for (int i = 1; i < argc && r >= 0; i++)
        r = hear(argv[i]);
    return r < 0 ? 1 : 0;
}
