#include "detectors/classifier.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cv/cv.h"
#include "look.h"
#include "yolox.h"

#define LOOKS_MAX 3
#define APART_NS  (160 * CB_NS_PER_MS) /* another moment, not the same picture again */
#define LARGER    1.15f

struct subject {
    int64_t track;
    struct cb_look look[LOOKS_MAX];
    int n;
    int64_t t_ns; /* of the latest look */
};

struct cb_classifier {
    struct cb_cv_net *net;
    struct subject *subject; /* those followed now */
    size_t n, cap;
};

static void drop_looks(struct subject *s)
{
    for (int i = 0; i < LOOKS_MAX; i++)
        free(s->look[i].bgr);
}

static int run(struct cb_classifier *c, const uint8_t *bgr, const float **ret)
{
    size_t d[CB_CV_DIMS_MAX];
    int r = cb_cv_net_run(c->net, bgr, CB_LOOK_SIDE, ret, d);
    if (r < 0)
        return r;
    bool is_yolox = d[0] == 1 && d[1] == cb_yolox_rows(CB_LOOK_SIDE) && d[2] == CB_YOLOX_COLUMNS &&
                    d[3] == 0;
    return is_yolox ? 0 : -EINVAL;
}

/* A model of another layout says so with the first picture. */
static int try_out(struct cb_classifier *c)
{
    CB_AUTO_FREE uint8_t *grey = malloc((size_t) CB_LOOK_SIDE * CB_LOOK_SIDE * 3);
    const float *rows;
    if (!grey)
        return -ENOMEM;
    memset(grey, 114, (size_t) CB_LOOK_SIDE * CB_LOOK_SIDE * 3);
    return run(c, grey, &rows);
}

static int refuse(const struct cb_classifier_conf *conf, int r, struct cb_error *reterr)
{
    if (r == -ENOENT)
        return cb_error_set(reterr, r, conf->model, "no such file, expected an ONNX model");
    if (r == -EINVAL)
        return cb_error_set(reterr, r, conf->model, "is no YOLOX model, expected ONNX with an "
                            "input of 1×3×416×416 and an output of 1×3549×85 (80 classes of COCO)");
    return cb_error_set(reterr, r, conf->model, "%s", strerror(-r));
}

int cb_classifier_create(struct cb_classifier **ret, const struct cb_classifier_conf *conf,
                         struct cb_error *reterr)
{
    struct cb_classifier *c = calloc(1, sizeof *c);
    if (!c)
        return -ENOMEM;
    int r = cb_cv_net_create(&c->net, conf->model);
    if (r == 0)
        r = try_out(c);
    if (r < 0) {
        cb_classifier_destroy(&c);
        return refuse(conf, r, reterr);
    }
    *ret = c;
    return 0;
}

void cb_classifier_destroy(struct cb_classifier **classifier)
{
    struct cb_classifier *c = *classifier;
    if (!c)
        return;
    *classifier = NULL;
    for (size_t i = 0; i < c->n; i++)
        drop_looks(&c->subject[i]);
    free(c->subject);
    cb_cv_net_destroy(&c->net);
    free(c);
}

static struct subject *find(struct cb_classifier *c, int64_t track)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->subject[i].track == track)
            return &c->subject[i];
    return NULL;
}

static struct subject *find_or_add(struct cb_classifier *c, int64_t track)
{
    struct subject *s = find(c, track);
    if (s || cb_grow((void **) &c->subject, &c->cap, c->n + 1, sizeof *c->subject) < 0)
        return s;
    s = &c->subject[c->n++];
    *s = (struct subject){.track = track};
    return s;
}

/* The place that a view of this size deserves; NULL: none. */
static struct cb_look *place_for(struct subject *s, float size_px)
{
    if (s->n < LOOKS_MAX)
        return &s->look[s->n++];
    struct cb_look *least = &s->look[0];
    for (int i = 1; i < LOOKS_MAX; i++)
        if (s->look[i].size_px < least->size_px)
            least = &s->look[i];
    return size_px > LARGER * least->size_px ? least : NULL;
}

int cb_classifier_show(struct cb_classifier *c, int64_t track, const struct cb_picture *p,
                       const struct cb_box *box)
{
    if (!cb_look_is_worth(p, box))
        return 0;
    struct subject *s = find_or_add(c, track);
    if (!s)
        return -ENOMEM;
    if (s->n && p->t_ns - s->t_ns < APART_NS)
        return 0;
    struct cb_look *look = place_for(s, fmaxf(box->w, box->h));
    if (!look)
        return 0;
    s->t_ns = p->t_ns;
    int r = cb_look_take(look, p, box);
    if (r < 0)
        s->n = 0; /* the place may be empty: start again */
    return r;
}

enum cb_road_user cb_classifier_tell(struct cb_classifier *c, int64_t track,
                                     enum cb_road_user by_size)
{
    struct subject *s = find(c, track);
    struct cb_vote vote[LOOKS_MAX] = {{CB_UNKNOWN, 0}};
    for (int i = 0; s && i < s->n; i++) {
        const float *rows;
        if (run(c, s->look[i].bgr, &rows) == 0)
            vote[i] = cb_yolox_vote(rows, CB_LOOK_SIDE, &s->look[i].box);
    }
    enum cb_road_user told = cb_votes_agree(vote, LOOKS_MAX);
    cb_classifier_forget(c, track);
    return told == CB_UNKNOWN ? by_size : told;
}

void cb_classifier_forget(struct cb_classifier *c, int64_t track)
{
    struct subject *s = find(c, track);
    if (!s)
        return;
    drop_looks(s);
    *s = c->subject[--c->n];
}
