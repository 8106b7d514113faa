#include <errno.h>
#include <stdio.h>

#include "base/frame.h"
#include "calibrate.h"
#include "ingest/ingest.h"

#define N_FRAMES 10 /* the last of so many, or of as many as there are */

struct taker {
    struct cb_ingest *ingest;
    struct cb_frame *frame;
    int n;
};

static int on_frame(void *self, struct cb_frame *f)
{
    struct taker *t = self;
    cb_frame_unref(&t->frame);
    t->frame = cb_frame_ref(f);
    if (++t->n < N_FRAMES)
        return 0;
    cb_ingest_ask_stop(t->ingest);
    return -ECANCELED;
}

static int on_sound(void *self, struct cb_sound *s)
{
    (void) self;
    (void) s;
    return 0;
}

int cb_frame_of(struct cb_frame **ret, const struct cb_camera_conf *camera, const char *url,
                struct cb_error *reterr)
{
    struct cb_camera_conf conf = *camera;
    struct taker t = {0};
    struct cb_ingest_sink sink = {.self = &t, .on_frame = on_frame, .on_sound = on_sound};
    if (url)
        snprintf(conf.url, sizeof conf.url, "%s", url);
    conf.sound_url[0] = '\0';
    struct cb_ingest_opts opts = cb_ingest_defaults(&conf);
    opts.is_live = false; /* a camera that does not answer is told of, not waited for */
    int r = cb_ingest_create(&t.ingest, &conf, &opts, &sink);
    if (r == 0)
        r = cb_ingest_run(t.ingest, reterr);
    cb_ingest_destroy(&t.ingest);
    if (t.frame) {
        *ret = t.frame;
        return 0;
    }
    return r < 0 ? r : cb_error_set(reterr, -ENODATA, url ? url : conf.id,
                                    "has no picture, expected a still or a clip");
}
