#ifndef SIM_SOUND_H
#define SIM_SOUND_H

#include "motion.h"

#define SIM_OWN_EVERY_S 0.05

/** What was heard of one source of note, at the first microphone. */
struct sim_event {
    const char *type;                    /* the kind's name in truth.json */
    int vehicle;                         /* id, 0: a fixed source */
    double t_start_s, t_peak_s, t_end_s; /* within 10 dB of its peak */
    double lafmax_db;                    /* of all that sounds, then */
    double lafmax_own_db;                /* of the source alone */
    double background_db;                /* of all the rest, at t_peak_s */
    double azimuth_deg;                  /* of the source when the sound of the peak left it */
    float *own_db;                       /* LAF of the source alone, one each SIM_OWN_EVERY_S */
    size_t n_own;
};

/** Sound pressure at each microphone, Pa. */
struct sim_sound {
    int rate_hz, n_channels;
    size_t n;
    float *pa[SIM_MICS_MAX];
    double lafmax_db, laeq_db; /* at the first microphone */
    struct sim_event *event;
    size_t n_events;
};

int sim_sound_create(struct sim_sound **ret, const struct sim_scene *s, int n_threads);
void sim_sound_destroy(struct sim_sound **s);

#endif
