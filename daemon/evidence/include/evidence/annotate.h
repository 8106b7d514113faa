#ifndef EVIDENCE_ANNOTATE_H
#define EVIDENCE_ANNOTATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/frame.h"
#include "schema/passage.h"

/** A road user as it is marked in one picture. All px of the full picture. */
struct cb_mark {
    struct cb_box box;
    const struct cb_fix *trail; /* where it has touched the road so far; x_px, y_px */
    size_t n_trail;
    char label[128];            /* UTF-8 */
    bool is_violation, has_speed;
};

/** Points joined by a line. */
struct cb_outline {
    double x_px[64], y_px[64];
    size_t n;
};

/** What is drawn over one picture. */
struct cb_annotation {
    const struct cb_outline *outline;
    size_t n_outlines;
    const struct cb_mark *mark;
    size_t n_marks;
    char caption[192]; /* at the top left */
};

/** Draws over pictures of one size. */
struct cb_annotator;

int cb_annotator_create(struct cb_annotator **ret);
/** Takes NULL. */
void cb_annotator_destroy(struct cb_annotator **a);
/**
 * p with what is drawn over it, full range, in ret, which is the annotator's until its next call.
 * @return 0; -ENOMEM
 */
int cb_annotator_draw(struct cb_annotator *a, const struct cb_picture *p,
                      const struct cb_annotation *what, struct cb_picture *ret);

#endif
