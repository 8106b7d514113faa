#ifndef EVIDENCE_PACKAGE_H
#define EVIDENCE_PACKAGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "evidence/evidence.h"

struct cb_canvas;

/** A package in the making: a folder that nobody else looks into yet. */
struct cb_package_draft {
    const struct cb_evidence_request *request;
    struct cb_evidence record; /* its violation is lent: the request's */
    int dir_fd;
    struct {
        struct cb_frame *frame;
        int64_t t_ns; /* when the picture was taken */
        struct cb_box box;
    } still[CB_STILLS_MAX];
    size_t n_stills;
    char samples_sha256[CB_SHA256_LEN];
    json_t *clip;    /* what the clip holds; NULL: there is none */
    json_t *sound;   /* what sound.wav is; NULL: there is none */
    json_t *missing; /* what could not be had, and why */
    struct cb_error *reterr;
};

/** Writes the bytes as a new file of the package and lists it in the record. */
int cb_package_add(struct cb_package_draft *d, const char *name, const char *media_type,
                   const char *role, const void *bytes, size_t n);
/** Lists a file that is written, fsynced and open as fd. */
int cb_package_list(struct cb_package_draft *d, const char *name, const char *media_type,
                    const char *role, int fd);
/** Notes in samples.json that there is no such file. */
int cb_package_note_missing(struct cb_package_draft *d, const char *role, const char *why);

/** The canvas as a new JPEG of the package. */
int cb_package_add_jpeg(struct cb_package_draft *d, const struct cb_canvas *c, int quality,
                        const char *name, const char *role);
/** The still that shows the vehicle largest and the part of it (x, y, w, h). @return false: none */
bool cb_package_find_closeup(const struct cb_package_draft *d, size_t *ret_i, int ret[4]);

/* The parts, each in a file of its own. 0; -errno with words in reterr. */
int cb_package_fetch_stills(struct cb_package_draft *d);
int cb_package_add_clip(struct cb_package_draft *d);
int cb_package_add_sound(struct cb_package_draft *d);
int cb_package_add_calibration(struct cb_package_draft *d);
int cb_package_add_samples(struct cb_package_draft *d);
int cb_package_add_stills(struct cb_package_draft *d);
int cb_package_add_composed(struct cb_package_draft *d);
void cb_package_drop_stills(struct cb_package_draft *d);

#endif
