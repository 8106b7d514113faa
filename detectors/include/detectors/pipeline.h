#ifndef DETECTORS_PIPELINE_H
#define DETECTORS_PIPELINE_H

#include "detectors/detector.h"

/** One camera's detectors, in order. One thread. Same input, same output, every run. */
struct cb_pipeline;

/** @param reterr filled on < 0: which key of which camera, and what was expected. */
int cb_pipeline_create(struct cb_pipeline **ret, const struct cb_camera_conf *conf,
                       const struct cb_sink *sink, struct cb_error *reterr);
int cb_pipeline_on_frame(struct cb_pipeline *p, const struct cb_frame *f);
int cb_pipeline_on_sound(struct cb_pipeline *p, const struct cb_sound *s);
/**
 * The weather at the camera from now on; copied. Until the first call it is what the
 * configuration says where no file is named, else not known.
 */
void cb_pipeline_on_weather(struct cb_pipeline *p, const struct cb_weather *w);
int cb_pipeline_flush(struct cb_pipeline *p);
/** Takes NULL. */
void cb_pipeline_destroy(struct cb_pipeline **p);

/** A point that another detector followed: `citybrain measure --tracks`. */
struct cb_track_sample {
    int64_t t_ns;
    double x_px, y_px;
};
/**
 * The speed stage and the rules alone, for tracks from elsewhere; the passage goes to the sink
 * with the same track number. The road is that of conf's pixels.
 */
int cb_pipeline_on_track(struct cb_pipeline *p, int64_t track, const struct cb_track_sample *s,
                         size_t n);

#endif
