#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "calibrate.h"
#include "yaml_tree.h"

#define ENDS_MAX    100
#define PAINTED_U_M 0.03 /* how exactly a dash or gap is painted, and its worn ends are seen */

/* GB 5768.3: dashed lane lines of roads for 60 km/h and more, and of slower ones. */
enum { KIND_OWN, KIND_FAST, KIND_TOWN };
static const char *const kind_names[] = {"own", "fast", "town", NULL};
static const double dash_m[] = {NAN, 6, 2}, gap_m[] = {NAN, 9, 4};

/* One line's dashes, or one width. */
struct entry {
    double px[2 * ENDS_MAX], dash_m, gap_m, width_m, u_m;
    int n, kind;
};

static const struct cb_opt line_opts[] = {
    {"kind", CB_OPT_ENUM, CB_OPT_AT(struct entry, kind), 0, 0, NULL, "of the dashes", kind_names},
    {"dash_m", CB_OPT_DOUBLE, CB_OPT_AT(struct entry, dash_m), 0.2, 100, "m", "a dash", NULL},
    {"gap_m", CB_OPT_DOUBLE, CB_OPT_AT(struct entry, gap_m), 0.2, 100, "m", "a gap", NULL},
    {"u_m", CB_OPT_DOUBLE, CB_OPT_AT(struct entry, u_m), 0.001, 10, "m", "uncertainty", NULL},
    {0},
};
static const struct cb_opt width_opts[] = {
    {"m", CB_OPT_DOUBLE, CB_OPT_AT(struct entry, width_m), 0.2, 100, "m", "a width", NULL},
    {"u_m", CB_OPT_DOUBLE, CB_OPT_AT(struct entry, u_m), 0.001, 10, "m", "uncertainty", NULL},
    {0},
};

struct reader {
    struct cb_calibration_distance *d;
    size_t n, cap;
};

static int read_px(void *self, const char *key, const struct cb_yaml_node *value,
                   struct cb_error *reterr)
{
    struct entry *e = self;
    if (strcmp(key, "px"))
        return -ENOENT;
    int n = cb_yaml_count(value, reterr);
    if (n < 0)
        return n;
    if (n < 2 || n > ENDS_MAX)
        return cb_yaml_refuse(value, reterr, -EINVAL, "has %d points, expected 2 to %d: [[x, y], "
                              "[x, y], …]", n, ENDS_MAX);
    for (e->n = 0; e->n < n; e->n++) {
        struct cb_yaml_node item = cb_yaml_item(value, e->n);
        int r = cb_yaml_numbers(&item, e->px + 2 * e->n, 2, reterr);
        if (r < 0)
            return r;
    }
    return 0;
}

static int add(struct reader *t, const struct entry *e, int i, double length_m, bool is_along,
               int line)
{
    if (cb_grow((void **) &t->d, &t->cap, t->n + 1, sizeof *t->d) < 0)
        return -ENOMEM;
    const double *p = e->px + 2 * i;
    t->d[t->n++] = (struct cb_calibration_distance){p[0], p[1],     p[2], p[3],
                                                    length_m, is_along, line, e->u_m};
    return 0;
}

static const char *const px_key[] = {"px", NULL};

static int read_line(struct reader *t, const struct cb_yaml_node *n, struct cb_error *reterr)
{
    struct entry e = {.dash_m = NAN, .gap_m = NAN, .u_m = PAINTED_U_M};
    int r = cb_yaml_read(n, line_opts, &e, read_px, &e, px_key, reterr);
    if (r < 0)
        return r;
    double dash = isnan(e.dash_m) ? dash_m[e.kind] : e.dash_m;
    double gap = isnan(e.gap_m) ? gap_m[e.kind] : e.gap_m;
    if (!e.n || isnan(dash) || (e.n > 2 && isnan(gap)))
        return cb_yaml_refuse(n, reterr, -EINVAL, "%s is missing, expected {px: [[x, y], …], kind: "
                              "fast or town}, or dash_m and gap_m instead of kind",
                              !e.n ? "px" : isnan(dash) ? "kind" : "gap_m");
    for (int i = 0; i + 1 < e.n && r == 0; i++)
        r = add(t, &e, i, i % 2 ? gap : dash, true, cb_yaml_line(n));
    return r;
}

static int read_width(struct reader *t, const struct cb_yaml_node *n, struct cb_error *reterr)
{
    struct entry e = {.width_m = NAN};
    int r = cb_yaml_read(n, width_opts, &e, read_px, &e, px_key, reterr);
    if (r < 0)
        return r;
    if (e.n != 2 || isnan(e.width_m))
        return cb_yaml_refuse(n, reterr, -EINVAL, "expected {px: [[x1, y1], [x2, y2]], m: width}");
    return add(t, &e, 0, e.width_m, false, cb_yaml_line(n));
}

static int read_bent(void *self, const char *key, const struct cb_yaml_node *value,
                     struct cb_error *reterr)
{
    struct cb_calibrate_lines *t = self;
    if (strcmp(key, "lines"))
        return -ENOENT;
    int n = cb_yaml_count(value, reterr), r = n < 0 ? n : 0;
    if (n > CB_CALIBRATE_LINES_MAX)
        return cb_yaml_refuse(value, reterr, -EINVAL, "has %d lines, expected up to %d", n,
                              CB_CALIBRATE_LINES_MAX);
    for (int i = 0; i < n && r == 0; i++) {
        struct entry e = {0};
        struct cb_yaml_node item = cb_yaml_item(value, i);
        if ((r = cb_yaml_read(&item, NULL, NULL, read_px, &e, px_key, reterr)) < 0)
            break;
        struct cb_vec2 *px = calloc((size_t) e.n + 1, sizeof *px);
        if (!px)
            return -ENOMEM;
        for (int k = 0; k < e.n; k++)
            px[k] = (struct cb_vec2){e.px[2 * k], e.px[2 * k + 1]};
        t->line[t->n++] = (struct cb_line_px){px, (size_t) e.n};
    }
    return r;
}

void cb_calibrate_lines_deinit(struct cb_calibrate_lines *t)
{
    for (size_t i = 0; i < t->n; i++)
        free((void *) t->line[i].px);
    t->n = 0;
}

int cb_calibrate_read_keys(const char *file, const char *const *keys, cb_yaml_key_fn *on_key, void *self,
                     struct cb_error *reterr)
{
    CB_AUTO_FREE char *text = NULL;
    struct cb_yaml *y = NULL;
    size_t n = 0;
    int r = cb_yaml_read_file(file, &text, &n, reterr);
    if (r == 0)
        r = cb_yaml_parse(&y, file, text, n, reterr);
    if (r < 0)
        return r;
    struct cb_yaml_node root = cb_yaml_root(y);
    r = cb_yaml_read(&root, NULL, NULL, on_key, self, keys, reterr);
    cb_yaml_close(&y);
    return r;
}

int cb_calibrate_read_lines(struct cb_calibrate_lines *ret, const char *file,
                            struct cb_error *reterr)
{
    static const char *const keys[] = {"lines", NULL};
    struct cb_calibrate_lines t = {0};
    int r = cb_calibrate_read_keys(file, keys, read_bent, &t, reterr);
    if (r < 0)
        cb_calibrate_lines_deinit(&t);
    else
        *ret = t;
    return r;
}

static int read_list(void *self, const char *key, const struct cb_yaml_node *value,
                     struct cb_error *reterr)
{
    bool is_marks = !strcmp(key, "marks");
    if (!is_marks && strcmp(key, "widths"))
        return -ENOENT;
    int n = cb_yaml_count(value, reterr), r = n < 0 ? n : 0;
    for (int i = 0; i < n && r == 0; i++) {
        struct cb_yaml_node item = cb_yaml_item(value, i);
        r = is_marks ? read_line(self, &item, reterr) : read_width(self, &item, reterr);
    }
    return r;
}

int cb_calibrate_read_marks(struct cb_calibration_conf *ret, const char *file,
                            struct cb_error *reterr)
{
    static const char *const keys[] = {"marks", "widths", NULL};
    struct reader t = {0};
    int r = cb_calibrate_read_keys(file, keys, read_list, &t, reterr);
    if (r == 0 && !t.n)
        r = cb_error_set(reterr, -EINVAL, file, "has no marks, expected marks: and widths:");
    if (r < 0) {
        free(t.d);
        return r;
    }
    free(ret->points);
    free(ret->distances);
    ret->points = NULL;
    ret->n_points = 0;
    ret->distances = t.d;
    ret->n_distances = t.n;
    return 0;
}
