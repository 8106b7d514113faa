#ifndef EVIDENCE_OVERLAY_H
#define EVIDENCE_OVERLAY_H

#include <stddef.h>

#include "schema/violation.h"

#define CB_OVERLAY_ROWS_MAX 20

#define CB_OVERLAY_MARKS_MAX 4

/** What is drawn into one view of the picture, and kept inside it. */
struct cb_overlay_mark {
    struct cb_box view;  /* px of the drawing; w 0: the whole picture */
    struct cb_box box;   /* its corners are drawn; w 0: none */
    char label[48];      /* at the box; "" none */
    char caption[96];    /* at the view's left upper corner; "" none */
};

/** What is printed with a still: a headline, then label and value pairs. UTF-8. */
struct cb_overlay {
    char headline[160];
    struct {
        char label[48], value[224];
        bool is_whole_row; /* else it shares a row with its neighbours */
    } row[CB_OVERLAY_ROWS_MAX];
    size_t n_rows;
    struct cb_overlay_mark mark[CB_OVERLAY_MARKS_MAX];
    size_t n_marks;
};

struct cb_evidence;
struct cb_camera_conf;

/** Fills an overlay for still i of n, whose picture was taken at t_ns; n 0: for all of them. */
void cb_overlay_fill(struct cb_overlay *o, const struct cb_evidence *e, int64_t t_ns, size_t i,
                     size_t n, const char *samples_sha256);

/** "2026-05-29 04:26:45.000 +08:00", or the recording's own time where there is no UTC. */
void cb_overlay_print_time(const struct cb_violation *v, int64_t t_ns, char *ret, size_t size);

/** A drawing for a picture of width × height px and the data band below it. Opaque to others. */
struct cb_overlay_image;
/** @return 0; -ENOMEM */
int cb_overlay_draw(const struct cb_overlay *o, int width, int height,
                    struct cb_overlay_image **ret);
void cb_overlay_image_destroy(struct cb_overlay_image **image);
/** Premultiplied ARGB32, width × cb_overlay_image_height px. */
const uint32_t *cb_overlay_image_pixels(const struct cb_overlay_image *image,
                                        size_t *ret_stride_px);
int cb_overlay_image_height(const struct cb_overlay_image *image);
/** Characters that no font of this machine has (they show as boxes). */
int cb_overlay_image_n_unknown(const struct cb_overlay_image *image);

#endif
