#include "refit.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "detectors/refit.h"
#include "durable.h"
#include "schema/camera.h"

#define JSON_BYTES_MAX (16 << 20)
#define FIXES_MAX 100000
/* Numbers are kept with 12 digits, pixels as floats, the record's speed with two decimals: what the
 * same fit gives of the same samples differs by less than this … */
#define ROUNDING_KMH 0.02
/* … and what another fit gives by as much as this. */
#define OTHER_FIT_KMH 0.1
#define HOLE 1.5 /* times the usual time from one sample to the next */

static bool is_version_2(const json_t *o)
{
    return json_integer_value(json_object_get(o, "version")) >= 2;
}

static double number(const json_t *v)
{
    return json_is_number(v) ? json_number_value(v) : NAN;
}

static double at(const json_t *array, size_t i)
{
    return number(json_array_get(array, i));
}

static double get(const json_t *o, const char *key)
{
    return number(json_object_get(o, key));
}

static int take_points(const json_t *a, struct cb_calibration_conf *c)
{
    size_t n = json_array_size(a);
    c->points = calloc(n ? n : 1, sizeof *c->points);
    if (!c->points)
        return -ENOMEM;
    for (; c->n_points < n; c->n_points++) {
        const json_t *o = json_array_get(a, c->n_points);
        const json_t *px = json_object_get(o, "px"), *m = json_object_get(o, "m");
        c->points[c->n_points] = (struct cb_calibration_point){at(px, 0), at(px, 1), at(m, 0),
                                                               at(m, 1), 0};
    }
    return 0;
}

static int take_distances(const json_t *a, struct cb_calibration_conf *c)
{
    size_t n = json_array_size(a);
    c->distances = calloc(n ? n : 1, sizeof *c->distances);
    if (!c->distances)
        return -ENOMEM;
    for (; c->n_distances < n; c->n_distances++) {
        const json_t *o = json_array_get(a, c->n_distances), *px = json_object_get(o, "px");
        const json_t *p = json_array_get(px, 0), *q = json_array_get(px, 1);
        c->distances[c->n_distances] = (struct cb_calibration_distance){
            .x1_px = at(p, 0), .y1_px = at(p, 1), .x2_px = at(q, 0), .y2_px = at(q, 1),
            .length_m = get(o, "m"), .is_along = json_is_true(json_object_get(o, "along")),
            .u_m = get(o, "u_m")};
    }
    return 0;
}

/* @return 0; -ENODATA: the camera was not calibrated; -ENOMEM */
static int take_calibration(const json_t *o, struct cb_camera_conf *c)
{
    const json_t *road = json_object_get(o, "road"), *zone = json_object_get(o, "zone");
    const json_t *reference = json_object_get(road, "reference");
    if (!json_is_object(road))
        return -ENODATA;
    c->has_calibration = true;
    c->calibration.k1 = get(road, "k1");
    c->calibration.k2 = get(road, "k2");
    if (json_is_object(reference)) {
        c->calibration.reference_factor = get(reference, "factor");
        c->calibration.reference_u = get(reference, "u");
    }
    c->has_zone = json_is_object(zone);
    c->zone_y_min_m = get(zone, "y_min");
    c->zone_y_max_m = get(zone, "y_max");
    int r = take_points(json_object_get(road, "points"), &c->calibration);
    return r < 0 ? r : take_distances(json_object_get(road, "distances"), &c->calibration);
}

static struct cb_fix fix_of(const json_t *o)
{
    const json_t *px = json_object_get(o, "px"), *box = json_object_get(o, "box_px");
    struct cb_fix f = {.t_ns = json_integer_value(json_object_get(o, "t_ns")),
                       .x_px = (float) at(px, 0),
                       .y_px = (float) at(px, 1),
                       .sigma_px = (float) get(o, "sigma_px")};
    if (json_is_array(box))
        f.box = (struct cb_box){(float) at(box, 0), (float) at(box, 1), (float) at(box, 2),
                                (float) at(box, 3)};
    return f;
}

static int by_time(const void *a, const void *b)
{
    const struct cb_fix *p = a, *q = b;
    return (p->t_ns > q->t_ns) - (p->t_ns < q->t_ns);
}

/* What was kept and what was left out, as it came: the fit finds again which is which. */
static int take_path(const json_t *samples, struct cb_fix **ret, size_t *ret_n)
{
    const json_t *passage = json_object_get(samples, "passage");
    const json_t *path = json_object_get(passage, "path");
    const json_t *left_out = json_object_get(passage, "left_out");
    size_t n_path = json_array_size(path), n = n_path + json_array_size(left_out);
    if (n_path == 0 || n > FIXES_MAX)
        return -ENODATA;
    struct cb_fix *fix = calloc(n, sizeof *fix);
    if (!fix)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        fix[i] = fix_of(i < n_path ? json_array_get(path, i) : json_array_get(left_out, i - n_path));
    qsort(fix, n, sizeof *fix, by_time);
    *ret = fix;
    *ret_n = n;
    return 0;
}

/* km/h; NaN: the samples give no speed. @return 0; < 0: there is nothing to measure from */
static int measure(const json_t *samples, const json_t *calibration, double *ret_kmh)
{
    struct cb_camera_conf conf;
    struct cb_passage p = {0};
    CB_AUTO_FREE struct cb_fix *path = NULL;
    size_t n;
    const json_t *still = json_array_get(json_object_get(samples, "stills"), 0);
    int width = (int) json_integer_value(json_object_get(still, "width_px"));
    int height = (int) json_integer_value(json_object_get(still, "height_px"));
    cb_camera_conf_init(&conf);
    int r = take_calibration(calibration, &conf);
    if (r == 0)
        r = take_path(samples, &path, &n);
    if (r == 0)
        r = cb_refit(&conf, width, height, path, n, &p);
    if (r == 0)
        *ret_kmh = cb_kmh_from_mps(p.speed_mps);
    if (r == 0)
        cb_passage_deinit(&p);
    cb_camera_conf_deinit(&conf);
    return r;
}

int cb_refit_measure(const char *samples, size_t n_samples, const char *calibration,
                     size_t n_calibration, double *ret_kmh)
{
    json_t *a = json_loadb(samples, n_samples, JSON_REJECT_DUPLICATES, NULL);
    json_t *b = json_loadb(calibration, n_calibration, JSON_REJECT_DUPLICATES, NULL);
    int r = is_version_2(a) && is_version_2(b) ? measure(a, b, ret_kmh) : -ENOTSUP;
    json_decref(a);
    json_decref(b);
    return r;
}

/* The text of the file with this role; NULL: there is none. */
static char *load(const struct cb_evidence *e, const struct cb_verify_media *media,
                  const char *role, size_t *ret_n)
{
    for (size_t i = 0; i < e->n_files; i++) {
        if (strcmp(e->file[i].role, role))
            continue;
        CB_AUTO_CLOSE int fd = media->open(media->self, &e->file[i]);
        char *text = NULL;
        return fd >= 0 && cb_durable_read_fd(fd, JSON_BYTES_MAX, &text, ret_n) == 0 ? text : NULL;
    }
    return NULL;
}

static bool has_hole(const json_t *path)
{
    size_t n = json_array_size(path);
    double shortest = HUGE_VAL, longest = 0;
    for (size_t i = 1; i < n; i++) {
        double step = get(json_array_get(path, i), "t_ns") - get(json_array_get(path, i - 1), "t_ns");
        shortest = fmin(shortest, step);
        longest = fmax(longest, step);
    }
    return longest > HOLE * shortest;
}

/*
 * Packages of version 2 lack the samples that the fit left out: without them it weighs the others
 * anew, and what it gives may differ by as much as the record says that it may be wrong.
 */
static double allowed_kmh(const char *samples, size_t n_samples, double u95_kmh)
{
    json_t *o = json_loadb(samples, n_samples, JSON_REJECT_DUPLICATES, NULL);
    const json_t *passage = json_object_get(o, "passage");
    double allowed = OTHER_FIT_KMH;
    if (json_integer_value(json_object_get(passage, "fit")) == CB_REFIT_NUMBER)
        allowed = ROUNDING_KMH;
    else if (!json_object_get(passage, "left_out") && isfinite(u95_kmh) &&
             has_hole(json_object_get(passage, "path")))
        allowed = fmax(allowed, u95_kmh);
    json_decref(o);
    return allowed;
}

static void compare(double said_kmh, double allowed, int r, double kmh,
                    struct cb_verify_report *ret)
{
    if (r < 0 || isnan(kmh))
        cb_verify_add_fault(ret, CB_FAULT_MEASURED, "samples.json",
                            "give no speed any more, the record says %.2f km/h", said_kmh);
    else if (fabs(kmh - said_kmh) > allowed)
        cb_verify_add_fault(ret, CB_FAULT_MEASURED, "samples.json",
                            "give %.2f km/h with calibration.json, the record says %.2f", kmh,
                            said_kmh);
}

void cb_refit_check(const struct cb_evidence *e, const struct cb_verify_media *media,
                    struct cb_verify_report *ret)
{
    double said_kmh = cb_kmh_from_mps(e->violation.passage.speed_mps), kmh = NAN;
    size_t n, m;
    if (!e->violation.has_passage || !isfinite(said_kmh))
        return;
    CB_AUTO_FREE char *samples = load(e, media, "samples", &n);
    CB_AUTO_FREE char *calibration = load(e, media, "calibration", &m);
    if (!samples || !calibration)
        return; /* removed after delivery, or never there: then it is a fault already */
    int r = cb_refit_measure(samples, n, calibration, m, &kmh);
    if (r == -ENOTSUP)
        return;
    double u95_kmh = cb_kmh_from_mps(e->violation.passage.u95_mps);
    compare(said_kmh, allowed_kmh(samples, n, u95_kmh), r, kmh, ret);
    ret->refit_kmh = kmh;
}
