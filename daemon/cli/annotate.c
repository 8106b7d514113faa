#include "annotate.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli.h"
#include "detectors/calibration.h"
#include "evidence/annotate.h"
#include "ingest/encode.h"
#include "ingest/ingest.h"

#define MARKS_MAX  64
#define GAP_MAX_NS (600 * CB_NS_PER_MS) /* between two fixes that a box is drawn across */
#define BESIDE_M   1.5                  /* the zone's edges reach beyond the outermost path */

struct job {
    const struct cb_camera_conf *conf;
    const struct cb_cli_passages *passages;
    const char *file;
    struct cb_annotator *annotator;
    struct cb_encoder *encoder; /* made with the first picture */
    struct cb_outline outline[4];
    size_t n_outlines;
    struct cb_error err;
};

int cb_cli_passages_add(struct cb_cli_passages *l, const struct cb_passage *p)
{
    if (cb_grow((void **) &l->item, &l->cap, l->n + 1, sizeof *l->item) < 0)
        return -ENOMEM;
    int r = cb_passage_copy(p, &l->item[l->n]);
    l->n += r == 0;
    return r;
}

void cb_cli_passages_deinit(struct cb_cli_passages *l)
{
    for (size_t i = 0; i < l->n; i++)
        cb_passage_deinit(&l->item[i]);
    free(l->item);
    *l = (struct cb_cli_passages){0};
}

static float between(float a, float b, double k)
{
    return a + (float) k * (b - a);
}

/* The fix at t, between those around it. @return how many fixes were up to t; 0: not there at t */
static size_t fix_at(const struct cb_passage *p, int64_t t_ns, struct cb_fix *ret)
{
    size_t n = 0;
    while (n < p->n_path && p->path[n].t_ns <= t_ns)
        n++;
    if (!n)
        return 0;
    const struct cb_fix *a = &p->path[n - 1], *b = n < p->n_path ? a + 1 : a;
    if (a->t_ns != t_ns && (a == b || b->t_ns - a->t_ns > GAP_MAX_NS))
        return 0;
    double k = a == b ? 0 : (double) (t_ns - a->t_ns) / (double) (b->t_ns - a->t_ns);
    *ret = *a;
    ret->box = (struct cb_box){between(a->box.x, b->box.x, k), between(a->box.y, b->box.y, k),
                               between(a->box.w, b->box.w, k), between(a->box.h, b->box.h, k)};
    return n;
}

static void label(const struct cb_passage *p, struct cb_mark *m)
{
    int n = snprintf(m->label, sizeof m->label, "#%lld %s ", (long long) p->track,
                     cb_road_user_name(p->road_user));
    char *at = m->label + n;
    size_t left = sizeof m->label - (size_t) n;
    if (!m->has_speed)
        snprintf(at, left, "%s", p->reason ? cb_reason_name(p->reason) : "no speed");
    else if (p->violation)
        snprintf(at, left, "%.1f ± %.1f km/h > %g", cb_kmh_from_mps(p->speed_mps),
                 cb_kmh_from_mps(p->u95_mps), round(cb_kmh_from_mps(p->limit_mps)));
    else
        snprintf(at, left, "%.1f ± %.1f km/h", cb_kmh_from_mps(p->speed_mps),
                 cb_kmh_from_mps(p->u95_mps));
}

/* 0: no speed; 1: within the limit; 2: a violation. */
static int rank_of(const struct cb_passage *p)
{
    return !isfinite(p->speed_mps) ? 0 : p->violation == CB_SPEEDING ? 2 : 1;
}

/* In the order of drawing: what was measured lies over what was not, violations over all. */
static size_t mark_all(const struct cb_cli_passages *l, int64_t t_ns, struct cb_mark *mark)
{
    size_t n = 0;
    for (int rank = 0; rank < 3; rank++)
        for (size_t i = 0; i < l->n && n < MARKS_MAX; i++) {
            const struct cb_passage *p = &l->item[i];
            struct cb_fix now;
            size_t n_trail = rank_of(p) == rank ? fix_at(p, t_ns, &now) : 0;
            if (!n_trail)
                continue;
            mark[n] = (struct cb_mark){.box = now.box, .trail = p->path, .n_trail = n_trail,
                                       .is_violation = rank == 2, .has_speed = rank > 0};
            label(p, &mark[n++]);
        }
    return n;
}

struct bounds {
    double x0, x1, y0, y1;
};

static void widen(struct bounds *b, double x, double y)
{
    b->x0 = fmin(b->x0, x);
    b->x1 = fmax(b->x1, x);
    b->y0 = fmin(b->y0, y);
    b->y1 = fmax(b->y1, y);
}

/* The zone on the road: as far across as was driven or calibrated, as far along as is configured or calibrated. */
static struct bounds zone_of(const struct job *j)
{
    struct bounds b = {HUGE_VAL, -HUGE_VAL, HUGE_VAL, -HUGE_VAL};
    for (size_t i = 0; i < j->passages->n; i++)
        for (size_t k = 0; k < j->passages->item[i].n_path; k++)
            widen(&b, j->passages->item[i].path[k].x_m, j->passages->item[i].path[k].y_m);
    b.x0 -= BESIDE_M;
    b.x1 += BESIDE_M;
    const struct cb_calibration_conf *c = &j->conf->calibration;
    for (size_t i = 0; i < c->n_points; i++)
        widen(&b, c->points[i].x_m, c->points[i].y_m);
    if (j->conf->has_zone) {
        b.y0 = j->conf->zone_y_min_m;
        b.y1 = j->conf->zone_y_max_m;
    }
    return b;
}

static void add_edge(struct job *j, const struct cb_road *road, struct cb_vec2 a, struct cb_vec2 b)
{
    struct cb_outline *o = &j->outline[j->n_outlines++];
    const size_t n = sizeof o->x_px / sizeof o->x_px[0];
    for (size_t i = 0; i < n; i++) {
        double k = (double) i / (double) (n - 1);
        struct cb_vec2 px, m = {a.x + k * (b.x - a.x), a.y + k * (b.y - a.y)};
        if (cb_road_to_px(road, m, &px) < 0)
            continue;
        o->x_px[o->n] = px.x;
        o->y_px[o->n++] = px.y;
    }
}

static void draw_zone(struct job *j, int width, int height)
{
    struct cb_road *road = NULL;
    struct bounds b = zone_of(j);
    if (!j->conf->has_calibration || !(b.x0 < b.x1 && b.y0 < b.y1) || !isfinite(b.x0 - b.x1) ||
        cb_road_create(&road, &j->conf->calibration, width, height, NULL) < 0)
        return;
    struct cb_vec2 c[4] = {{b.x0, b.y0}, {b.x1, b.y0}, {b.x1, b.y1}, {b.x0, b.y1}};
    for (int i = 0; i < 4; i++)
        add_edge(j, road, c[i], c[(i + 1) % 4]);
    cb_road_destroy(&road);
}

static int on_frame(void *self, struct cb_frame *f)
{
    struct job *j = self;
    const struct cb_picture *p = cb_frame_picture(f);
    struct cb_mark mark[MARKS_MAX];
    struct cb_picture drawn;
    bool is_first = !j->encoder;
    if (is_first)
        draw_zone(j, p->width, p->height);
    struct cb_annotation what = {.outline = j->outline, .n_outlines = j->n_outlines, .mark = mark,
                                 .n_marks = mark_all(j->passages, p->t_ns, mark)};
    snprintf(what.caption, sizeof what.caption, "%s  %.3f s", j->conf->id, cb_s_from_ns(p->t_ns));
    int r = cb_annotator_draw(j->annotator, p, &what, &drawn);
    if (r == 0 && is_first)
        r = cb_encoder_create(&j->encoder, j->file, &drawn, &j->err);
    if (r == 0 && (r = cb_encoder_add(j->encoder, &drawn)) < 0)
        cb_error_set(&j->err, r, j->file, r == -EINVAL ? "the picture changes its size within the "
                     "recording, expected one size to draw" : "can't be written further");
    return r;
}

static int write_all(struct job *j)
{
    struct cb_ingest_opts opts = cb_ingest_defaults(j->conf);
    struct cb_ingest_sink sink = {.self = j, .on_frame = on_frame};
    struct cb_ingest *in = NULL;
    int r = cb_annotator_create(&j->annotator);
    if (r == 0)
        r = cb_ingest_create(&in, j->conf, &opts, &sink);
    if (r == 0)
        r = cb_ingest_run(in, j->err.text[0] ? NULL : &j->err);
    if (r == 0 && !j->encoder)
        r = cb_error_set(&j->err, -ENODATA, j->conf->url, "has no pictures to annotate");
    else if (r == 0 && (r = cb_encoder_finish(j->encoder)) < 0)
        cb_error_set(&j->err, r, j->file, "can't be written to its end");
    cb_ingest_destroy(&in);
    return r;
}

static bool is_same_file(const char *a, const char *b)
{
    struct stat s, t;
    return stat(a, &s) == 0 && stat(b, &t) == 0 && s.st_dev == t.st_dev && s.st_ino == t.st_ino;
}

int cb_cli_annotate(const struct cb_camera_conf *conf, const struct cb_cli_passages *l,
                    const char *file)
{
    struct job j = {.conf = conf, .passages = l, .file = file};
    if (is_same_file(conf->url, file)) {
        fprintf(stderr, "%s: is the recording itself, expected another file to write\n", file);
        return CB_EXIT_USAGE;
    }
    int r = write_all(&j);
    bool is_begun = j.encoder;
    cb_encoder_destroy(&j.encoder);
    cb_annotator_destroy(&j.annotator);
    if (r == 0)
        return CB_EXIT_OK;
    if (is_begun)
        unlink(file); /* half a clip is none */
    fprintf(stderr, "%s: %s\n", j.err.where[0] ? j.err.where : file,
            j.err.text[0] ? j.err.text : strerror(-r));
    return CB_EXIT_FAILED;
}
