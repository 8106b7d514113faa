#ifndef EVIDENCE_SOUND_H
#define EVIDENCE_SOUND_H

#include "base/sound.h"
#include "detectors/listen.h"
#include "package.h"
#include "plot.h"

/** A stretch of sound with what was heard in it. All lent. */
struct cb_heard_sound {
    const struct cb_samples *samples;
    const struct cb_listening *heard;
    const struct cb_noise *noise;
    const char *subtitle; /* place and time */
};

/** "K3+200 东向 · 0 s = 2026-11-23T10:00:05.100Z" */
void cb_sound_subtitle(const struct cb_package_draft *d, char *ret, size_t size);
/** Level against time, with limit and background. PNG, yours to free. @return 0; -ENOMEM */
int cb_sound_plot_level(const struct cb_heard_sound *s, uint8_t **ret, size_t *ret_n);
/** Spectrogram with the firing orders marked. PNG, yours to free. @return 0; -ENOMEM */
int cb_sound_plot_spectrum(const struct cb_heard_sound *s, uint8_t **ret, size_t *ret_n);
/**
 * The picture with the bearing of the sound over the road, and its uncertainty as a wedge.
 * @param road may be NULL, as may the calibration: then -ENODATA
 * @return 0, PNG yours to free; -ENODATA: no bearing, or the road is not known; -ENOMEM
 */
int cb_sound_draw_bearing(const struct cb_picture *p, const struct cb_camera_conf *c,
                          const struct cb_noise *n, const char *subtitle, uint8_t **ret,
                          size_t *ret_n);

#endif
