#ifndef TESTS_SOUND_LISTEN_H
#define TESTS_SOUND_LISTEN_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/sound.h"
#include "detectors/detector.h"
#include "registry.h"
#include "scene.h"
#include "schema/violation.h"
#include "signal.h"
#include "sound/meter.h"

#define DBFS (-26.0)

/* The exhaust detector with everything that a pipeline gives it, and what it said. */
struct listen {
    struct cb_camera_conf conf;
    struct cb_scene scene;
    struct cb_sink sink;
    struct cb_detector detector;
    struct cb_noise noise[64];
    struct cb_violation violation[64];
    struct cb_noise_level level[4096];
    size_t n_noises, n_violations, n_levels;
};

static inline void listen_on_noise(void *self, const struct cb_noise *n)
{
    struct listen *l = self;
    if (l->n_noises < 64)
        l->noise[l->n_noises++] = *n;
}

static inline void listen_on_violation(void *self, const struct cb_violation *v)
{
    struct listen *l = self;
    if (l->n_violations < 64)
        l->violation[l->n_violations++] = *v;
}

static inline void listen_on_level(void *self, const struct cb_noise_level *v)
{
    struct listen *l = self;
    if (l->n_levels < 4096)
        l->level[l->n_levels++] = *v;
}

static inline struct listen *listen_create(void)
{
    struct listen *l = calloc(1, sizeof *l);
    assert_non_null(l);
    cb_camera_conf_init(&l->conf);
    strcpy(l->conf.id, "c1");
    l->conf.has_microphone = true;
    l->conf.microphone.sensitivity_dbfs_at_94db = DBFS;
    l->conf.microphone.limit.default_dba = 85;
    cb_scene_init(&l->scene);
    l->sink = (struct cb_sink){.self = l,
                               .on_noise = listen_on_noise,
                               .on_level = listen_on_level,
                               .on_violation = listen_on_violation};
    return l;
}

static inline void listen_start(struct listen *l)
{
    const struct cb_detector_info *info = &cb_detector_exhaust;
    l->detector = (struct cb_detector){.info = info,
                                       .conf = &l->conf,
                                       .scene = &l->scene,
                                       .sink = &l->sink,
                                       .priv = calloc(1, info->priv_size)};
    assert_non_null(l->detector.priv);
    assert_int_equal(info->init(&l->detector), 0);
}

static inline void listen_keep(void *owner)
{
    (void) owner;
}

static inline void listen_give(struct listen *l, const float *const *x, int n_channels, size_t n,
                               int rate_hz, int64_t t_ns)
{
    struct cb_samples s = {.n = n, .n_channels = n_channels, .rate_hz = rate_hz, .t_ns = t_ns};
    for (int c = 0; c < n_channels; c++)
        s.channel[c] = x[c];
    struct cb_sound *sound = cb_sound_wrap(&s, listen_keep, NULL);
    assert_non_null(sound);
    assert_int_equal(cb_detector_exhaust.on_sound(&l->detector, sound), 0);
    cb_sound_unref(&sound);
}

/* All of it in blocks of that many samples, from t = 0. */
static inline void listen_to(struct listen *l, float *const *x, int n_channels, size_t n,
                             int rate_hz, size_t block)
{
    for (size_t i = 0; i < n; i += block) {
        const float *at[CB_SOUND_CHANNELS_MAX];
        for (int c = 0; c < n_channels; c++)
            at[c] = x[c] + i;
        listen_give(l, at, n_channels, n - i < block ? n - i : block, rate_hz,
                    (int64_t) i * CB_NS_PER_S / rate_hz);
    }
}

static inline void listen_end(struct listen *l)
{
    assert_int_equal(cb_detector_exhaust.flush(&l->detector), 0);
}

static inline void listen_destroy(struct listen *l)
{
    if (l->detector.priv)
        cb_detector_exhaust.deinit(&l->detector);
    free(l->detector.priv);
    cb_scene_deinit(&l->scene);
    cb_camera_conf_deinit(&l->conf);
    free(l);
}

/* Scales x to that LAFmax. */
static inline void scale_to(float *x, size_t n, int rate_hz, double lafmax_db)
{
    struct cb_meter m;
    cb_meter_init(&m, rate_hz, DBFS);
    for (size_t i = 0; i < n; i++)
        cb_meter_add(&m, x[i]);
    double g = pow(10, (lafmax_db - cb_meter_take_max_db(&m)) / 20);
    for (size_t i = 0; i < n; i++)
        x[i] = (float) (x[i] * g);
}

#endif
