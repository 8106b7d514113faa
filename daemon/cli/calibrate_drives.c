#include <errno.h>
#include <math.h>
#include <string.h>

#include "calibrate.h"

#define DRIVES_MAX 100
#define DRIVES_MIN 3
#define RUN_U      0.004 /* one measured passage by another of the same speed, relative */
#define OFF_SIGMAS 4.0   /* farther from the median it is another vehicle, or a slip of the pen */
#define OFF_MAX    0.05  /* of the scale: then the calibration itself is wrong */

struct drive {
    double measured_kmh, true_kmh, u_kmh, ratio, u;
};

struct drives {
    struct drive d[DRIVES_MAX];
    size_t n;
};

static const struct cb_opt drive_opts[] = {
    {"measured_kmh", CB_OPT_DOUBLE, CB_OPT_AT(struct drive, measured_kmh), 10, 300, "km/h",
     "as the camera measured it", NULL},
    {"true_kmh", CB_OPT_DOUBLE, CB_OPT_AT(struct drive, true_kmh), 10, 300, "km/h",
     "the vehicle's own mean speed over the zone", NULL},
    {"u_kmh", CB_OPT_DOUBLE, CB_OPT_AT(struct drive, u_kmh), 0.01, 5, "km/h",
     "standard uncertainty of that", NULL},
    {0},
};

static int read_drives(void *self, const char *key, const struct cb_yaml_node *value,
                       struct cb_error *reterr)
{
    struct drives *t = self;
    if (strcmp(key, "drives"))
        return -ENOENT;
    int n = cb_yaml_count(value, reterr), r = n < 0 ? n : 0;
    if (n > DRIVES_MAX)
        return cb_yaml_refuse(value, reterr, -EINVAL, "has %d drives, expected up to %d", n,
                              DRIVES_MAX);
    for (int i = 0; i < n && r == 0; i++) {
        struct drive *d = &t->d[t->n++];
        struct cb_yaml_node item = cb_yaml_item(value, i);
        r = cb_yaml_read(&item, drive_opts, d, NULL, NULL, NULL, reterr);
        if (r == 0 && !(d->measured_kmh > 0 && d->true_kmh > 0 && d->u_kmh > 0))
            r = cb_yaml_refuse(&item, reterr, -EINVAL,
                               "expected {measured_kmh: v, true_kmh: v, u_kmh: u}");
        d->ratio = d->true_kmh / d->measured_kmh;
        d->u = hypot(d->u_kmh / d->true_kmh, RUN_U);
    }
    return r;
}

/* The ratio that half of the drives lie on either side of. */
static double median(const struct drives *t)
{
    double least = INFINITY, at = 1;
    for (size_t i = 0; i < t->n; i++) {
        double sum = 0;
        for (size_t k = 0; k < t->n; k++)
            sum += fabs(t->d[k].ratio - t->d[i].ratio);
        if (sum < least) {
            least = sum;
            at = t->d[i].ratio;
        }
    }
    return at;
}

static int check(const struct drives *t, const char *file, struct cb_error *reterr)
{
    if (t->n < DRIVES_MIN)
        return cb_error_set(reterr, -EINVAL, file, "has %zu drives, expected %d or more", t->n,
                            DRIVES_MIN);
    double middle = median(t);
    for (size_t i = 0; i < t->n; i++)
        if (fabs(t->d[i].ratio - middle) > OFF_SIGMAS * t->d[i].u)
            return cb_error_set(reterr, -EINVAL, file,
                                "drives[%zu]: its speeds differ by %+.1f %%, those of the others "
                                "by %+.1f %%; was it another vehicle?",
                                i, 100 * (t->d[i].ratio - 1), 100 * (middle - 1));
    if (fabs(middle - 1) > OFF_MAX)
        return cb_error_set(reterr, -EINVAL, file,
                            "the drives differ from what was measured by %+.1f %%: no reference "
                            "mends that, calibrate again",
                            100 * (middle - 1));
    return 0;
}

int cb_calibrate_read_drives(struct cb_calibration_conf *ret, const char *file,
                             struct cb_error *reterr)
{
    static const char *const keys[] = {"drives", NULL};
    struct drives t = {0};
    if (ret->reference_u > 0)
        return cb_error_set(reterr, -EINVAL, file,
                            "the camera has a reference already: take it out of its calibration, "
                            "measure the drives without it");
    int r = cb_calibrate_read_keys(file, keys, read_drives, &t, reterr);
    if (r == 0)
        r = check(&t, file, reterr);
    if (r < 0)
        return r;
    double sum = 0, weight = 0, common = 0, chi2 = 0;
    for (size_t i = 0; i < t.n; i++) {
        double w = 1 / (t.d[i].u * t.d[i].u);
        sum += w * t.d[i].ratio;
        weight += w;
        /* what the vehicle's own instrument is off by, it is off by in each drive */
        common += t.d[i].u_kmh / t.d[i].true_kmh / (double) t.n;
    }
    double factor = sum / weight;
    for (size_t i = 0; i < t.n; i++)
        chi2 += pow((t.d[i].ratio - factor) / t.d[i].u, 2) / ((double) t.n - 1);
    ret->reference_factor = factor;
    ret->reference_u = hypot(sqrt(fmax(1, chi2) / weight), common);
    return 0;
}
