#ifndef DETECTORS_DETECTOR_H
#define DETECTORS_DETECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct cb_frame;
struct cb_sound;
struct cb_camera_conf;
struct cb_road;
struct cb_scene;
struct cb_passage;
struct cb_noise;
struct cb_noise_level;
struct cb_violation;
struct cb_incident;
struct cb_weather;
struct cb_pipeline;

/** How a camera's own state bears on its measuring, in the words of the one who must see to it. */
struct cb_condition {
    int64_t t_ns;
    const char *text;  /* one line; lent */
    double drift_px;   /* how far the scene has moved against the calibration, full px */
    bool is_suspended; /* no passage carries a speed */
    bool is_news;      /* is_suspended has just changed; else the state of now, every few seconds */
};

/** Pipeline → whoever: records are lent for the call, copy to keep. Any function may be NULL. */
struct cb_sink {
    void *self;
    void (*on_passage)(void *self, const struct cb_passage *p);
    void (*on_noise)(void *self, const struct cb_noise *n);
    void (*on_level)(void *self, const struct cb_noise_level *l);
    void (*on_violation)(void *self, const struct cb_violation *v);
    void (*on_condition)(void *self, const struct cb_condition *c);
    /** Violations of two or more vehicles that were near to each other; after the last of them. */
    void (*on_incident)(void *self, const struct cb_incident *i);
};

struct cb_detector_info;

/** What the framework hands each call of one detector of one camera. */
struct cb_detector {
    const struct cb_detector_info *info;
    void *priv;                        /* info->priv_size bytes, zeroed before init */
    const struct cb_camera_conf *conf;
    const struct cb_road *road;        /* NULL until the first picture, or not calibrated */
    struct cb_scene *scene;            /* the road users of now and of the last seconds */
    const struct cb_sink *sink;
    const struct cb_weather *weather;  /* at the camera, as last told; NULL: not known */
    struct cb_pipeline *pipeline;      /* for cb_detector_accuse alone; NULL: a detector by itself */
    struct cb_error *err;              /* init may fill it when it returns < 0 */
};

/**
 * One violation kind: one file that ends in a const table of this, one line in registry.c.
 * All functions are optional. One thread; stream order; lent arguments; 0 or -errno.
 */
struct cb_detector_info {
    const char *name;       /* [a-z_]+ */
    size_t priv_size;
    int (*init)(struct cb_detector *d);
    int (*on_frame)(struct cb_detector *d, const struct cb_frame *f);
    int (*on_sound)(struct cb_detector *d, const struct cb_sound *s);
    /** Each violation, whichever detector found it, before the sink is told; it may be added to. */
    void (*on_violation)(struct cb_detector *d, struct cb_violation *v);
    int (*flush)(struct cb_detector *d);   /* end of stream: emit what is pending */
    void (*deinit)(struct cb_detector *d); /* also after a failed init */
};

/** How a detector tells of a violation: to all detectors, then to the sink. */
void cb_detector_accuse(struct cb_detector *d, struct cb_violation *v);

/** Called in this order, for frames, sound and flush alike; ends in NULL. */
extern const struct cb_detector_info *const cb_detectors[];

#endif
