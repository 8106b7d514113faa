#include "limits.h"

#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "speed/numeric.h"

#define DAY_S        86400
#define TIME_DOUBT_S 60  /* of the camera's clock, and of who read the sign as it changed */
#define EDGE_DOUBT_M 0.3 /* of the middle of a road user across the road */

static int64_t floor_div(int64_t a, int64_t b) /* b > 0 */
{
    return a / b - (a % b < 0);
}

static int64_t local_s(const struct cb_timezone *z, int64_t utc_s)
{
    int32_t offset_s = z->offset[0].offset_s;
    for (size_t i = 1; i < z->n && z->offset[i].from_s <= utc_s; i++)
        offset_s = z->offset[i].offset_s;
    return utc_s + offset_s;
}

static bool is_day(unsigned days, int64_t day) /* since 1970-01-01, a Thursday */
{
    int64_t weekday = day + 3 - 7 * floor_div(day + 3, 7);
    return days >> weekday & 1;
}

static bool period_holds(const struct cb_limit_period *p, int64_t t_s)
{
    int64_t day = floor_div(t_s, DAY_S), s = t_s - day * DAY_S;
    if (p->from_s < p->to_s)
        return s >= p->from_s && s < p->to_s && is_day(p->days, day);
    return (s >= p->from_s && is_day(p->days, day)) || (s < p->to_s && is_day(p->days, day - 1));
}

/* A schedule and the time zone that it is in. */
struct schedule {
    const struct cb_limit_period *period;
    size_t n;
    const struct cb_timezone *zone;
};

/* HUGE_VAL: none. */
static double lowest_of_periods(const struct schedule *s, int64_t utc_s)
{
    double lowest = HUGE_VAL;
    int64_t t_s = local_s(s->zone, utc_s);
    for (size_t i = 0; i < s->n; i++)
        if (period_holds(&s->period[i], t_s))
            lowest = fmin(lowest, s->period[i].limit);
    return lowest;
}

static double of_time(const struct schedule *s, int64_t utc_ns)
{
    if (!s->n || !s->zone->n || utc_ns == CB_UTC_UNKNOWN)
        return HUGE_VAL;
    int64_t utc_s = floor_div(utc_ns, CB_NS_PER_S);
    double highest = lowest_of_periods(s, utc_s);
    highest = fmax(highest, lowest_of_periods(s, utc_s - TIME_DOUBT_S));
    return fmax(highest, lowest_of_periods(s, utc_s + TIME_DOUBT_S));
}

/* The limit at x exactly; lanes do not overlap. NaN x: none of the lanes. */
static double of_lane(const struct cb_camera_conf *conf, double x_m)
{
    const struct cb_limits_conf *l = &conf->limits;
    for (size_t i = 0; i < l->n_lanes; i++)
        if (x_m >= l->lane[i].x_min_m && x_m < l->lane[i].x_max_m)
            return l->lane[i].limit_kmh;
    return conf->speed_limit_kmh;
}

static double of_place(const struct cb_camera_conf *conf, double x_m)
{
    const struct cb_limits_conf *l = &conf->limits;
    double highest = of_lane(conf, x_m);
    if (isnan(x_m)) {
        for (size_t i = 0; i < l->n_lanes; i++)
            highest = fmax(highest, l->lane[i].limit_kmh);
        return highest;
    }
    highest = fmax(highest, of_lane(conf, x_m - EDGE_DOUBT_M));
    return fmax(highest, of_lane(conf, x_m + EDGE_DOUBT_M));
}

double cb_limit_at_kmh(const struct cb_camera_conf *conf, enum cb_road_user who, double x_m,
                       int64_t utc_ns)
{
    if (isnan(conf->speed_limit_kmh))
        return NAN;
    /* fmin leaves a class without a limit, NaN, out */
    struct schedule s = {conf->limits.period, conf->limits.n_periods, &conf->timezone};
    double of_class = who == CB_UNKNOWN ? NAN : conf->limits.class_kmh[who];
    return fmin(fmin(of_place(conf, x_m), of_class), of_time(&s, utc_ns));
}

double cb_noise_limit_at_db(const struct cb_camera_conf *conf, int64_t utc_ns)
{
    const struct cb_noise_limits *l = &conf->microphone.limit;
    struct schedule s = {l->period, l->n_periods, &conf->timezone};
    return isnan(l->default_dba) ? NAN : fmin(l->default_dba, of_time(&s, utc_ns));
}

#define N_PLACES 3 /* the median, and where a tenth of the way lies beyond on either side */

static void places_of(const struct cb_passage *p, double ret_x_m[N_PLACES])
{
    double *x = p->n_path ? malloc(p->n_path * sizeof *x) : NULL;
    for (int k = 0; k < N_PLACES; k++)
        ret_x_m[k] = NAN; /* also without memory: the highest limit there is */
    if (!x)
        return;
    for (size_t i = 0; i < p->n_path; i++)
        x[i] = p->path[i].x_m;
    qsort(x, p->n_path, sizeof *x, cb_by_value);
    ret_x_m[0] = x[(p->n_path - 1) / 10];
    ret_x_m[1] = x[p->n_path / 2];
    ret_x_m[2] = x[p->n_path - 1 - (p->n_path - 1) / 10];
    free(x);
}

int64_t cb_utc_of(const struct cb_camera_conf *conf, int64_t utc_offset_ns, int64_t t_ns)
{
    int64_t offset_ns = utc_offset_ns ? utc_offset_ns : conf->recording_utc_ns, utc_ns;
    if (offset_ns == CB_UTC_UNKNOWN || __builtin_add_overflow(t_ns, offset_ns, &utc_ns))
        return CB_UTC_UNKNOWN;
    return utc_ns;
}

double cb_limit_of_kmh(const struct cb_camera_conf *conf, const struct cb_passage *p)
{
    if (!conf->limits.n_lanes && !conf->limits.n_periods)
        return cb_limit_at_kmh(conf, p->road_user, 0, CB_UTC_UNKNOWN);
    double x_m[N_PLACES], highest = NAN;
    int64_t t_ns[2] = {p->t_first_ns, p->t_last_ns};
    places_of(p, x_m);
    for (int k = 0; k < N_PLACES; k++)
        for (int i = 0; i < 2; i++)
            highest = fmax(highest, cb_limit_at_kmh(conf, p->road_user, x_m[k],
                                                    cb_utc_of(conf, p->utc_offset_ns, t_ns[i])));
    return highest;
}

enum cb_severity cb_severity_of(const struct cb_severity_table *table, double excess)
{
    enum cb_severity s = CB_MINOR;
    for (size_t i = 0; i < table->n; i++)
        if (excess * 100 > table->tier[i].above_percent + 1e-9)
            s = (enum cb_severity) table->tier[i].severity;
    return s;
}
