#include "config_limits.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "timezone.h"

static const char *const day_names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

#define ALL_DAYS 0x7fu

/* Items of a list of 1 to max. */
static int count_up_to(const struct cb_yaml_node *n, int max, struct cb_error *reterr)
{
    int count = cb_yaml_count(n, reterr);
    if (count == 0 || count > max)
        return cb_yaml_refuse(n, reterr, -ERANGE, "expected 1 to %d entries", max);
    return count;
}

static int read_lane(const struct cb_yaml_node *n, struct cb_limit_lane *ret,
                     struct cb_error *reterr)
{
    *ret = (struct cb_limit_lane){NAN, NAN, NAN, ""};
    int r = cb_yaml_read(n, cb_limit_lane_opts, ret, NULL, NULL, NULL, reterr);
    if (r < 0)
        return r;
    if (isnan(ret->limit_kmh))
        return cb_yaml_refuse(n, reterr, -EINVAL, "kmh is missing, expected the lane's limit");
    if (!(ret->x_min_m < ret->x_max_m))
        return cb_yaml_refuse(n, reterr, -EINVAL, "expected x_min below x_max, both given");
    return 0;
}

static int read_lanes(struct cb_limits_conf *l, const struct cb_yaml_node *n,
                      struct cb_error *reterr)
{
    int count = count_up_to(n, CB_LANES_MAX, reterr);
    for (int i = 0; i < count; i++) {
        struct cb_yaml_node item = cb_yaml_item(n, i);
        struct cb_limit_lane *a = &l->lane[i];
        int r = read_lane(&item, a, reterr);
        if (r < 0)
            return r;
        for (int k = 0; k < i; k++)
            if (a->x_min_m < l->lane[k].x_max_m && l->lane[k].x_min_m < a->x_max_m)
                return cb_yaml_refuse(&item, reterr, -EINVAL, "overlaps lanes[%d], expected lanes "
                                      "beside each other", k);
        l->n_lanes++;
    }
    return count < 0 ? count : 0;
}

/* "22:00" → 79200. */
static bool read_time(const char *s, int *ret_s)
{
    for (int i = 0; i < 5; i++)
        if (i == 2 ? s[i] != ':' : !isdigit((unsigned char) s[i]))
            return false;
    int h = (s[0] - '0') * 10 + s[1] - '0', m = (s[3] - '0') * 10 + s[4] - '0';
    *ret_s = h * 3600 + m * 60;
    return !s[5] && m < 60 && (h < 24 || (h == 24 && m == 0));
}

static int read_days(void *self, const char *key, const struct cb_yaml_node *value,
                     struct cb_error *reterr)
{
    unsigned *days = self;
    if (strcmp(key, "days"))
        return -ENOENT;
    int n = count_up_to(value, 7, reterr);
    for (int i = 0; i < n; i++) {
        struct cb_yaml_node item = cb_yaml_item(value, i);
        const char *text = cb_yaml_text(&item);
        int day = 0;
        while (day < 7 && (!text || strcmp(text, day_names[day])))
            day++;
        if (day == 7)
            return cb_yaml_refuse(&item, reterr, -EINVAL, "is '%.20s', expected one of mon, tue, "
                                  "wed, thu, fri, sat, sun", text ? text : "a list or mapping");
        *days |= 1u << day;
    }
    return n < 0 ? n : 0;
}

/* table: the keys of a period, of speed or of sound; the third is the limit's */
static int read_period(const struct cb_yaml_node *n, const struct cb_opt *table,
                       struct cb_limit_period *ret, struct cb_error *reterr)
{
    static const char *const others[] = {"days", NULL};
    struct cb_limit_period_text t = {.limit = NAN};
    unsigned days = 0;
    int r = cb_yaml_read(n, table, &t, read_days, &days, others, reterr);
    if (r < 0)
        return r;
    *ret = (struct cb_limit_period){.days = days ? days : ALL_DAYS, .limit = t.limit};
    if (isnan(t.limit))
        return cb_yaml_refuse(n, reterr, -EINVAL, "%s is missing, expected the limit in this time",
                              table[2].key);
    if (!read_time(t.from, &ret->from_s) || ret->from_s == 86400)
        return cb_yaml_refuse(n, reterr, -EINVAL, "from is '%s', expected \"HH:MM\" from 00:00 to "
                              "23:59, quoted", t.from);
    if (!read_time(t.to, &ret->to_s))
        return cb_yaml_refuse(n, reterr, -EINVAL, "to is '%s', expected \"HH:MM\" from 00:00 to "
                              "24:00, quoted", t.to);
    if (ret->from_s == ret->to_s)
        return cb_yaml_refuse(n, reterr, -EINVAL, "from and to are both %s, expected two times "
                              "(the whole day is 00:00 to 24:00)", t.from);
    return 0;
}

static int read_schedule(const struct cb_yaml_node *n, const struct cb_opt *table,
                         struct cb_limit_period *period, size_t *n_periods,
                         struct cb_error *reterr)
{
    int count = count_up_to(n, CB_PERIODS_MAX, reterr);
    for (int i = 0; i < count; i++) {
        struct cb_yaml_node item = cb_yaml_item(n, i);
        int r = read_period(&item, table, &period[i], reterr);
        if (r < 0)
            return r;
        (*n_periods)++;
    }
    return count < 0 ? count : 0;
}

static int read_limits_key(void *self, const char *key, const struct cb_yaml_node *value,
                           struct cb_error *reterr)
{
    struct cb_limits_conf *l = self;
    if (!strcmp(key, "lanes"))
        return read_lanes(l, value, reterr);
    if (!strcmp(key, "classes"))
        return cb_yaml_read(value, cb_limit_class_opts, l, NULL, NULL, NULL, reterr);
    if (!strcmp(key, "schedule"))
        return read_schedule(value, cb_limit_period_opts, l->period, &l->n_periods, reterr);
    return -ENOENT;
}

/* The lowest limit that holds is taken: one above all that it could lower is a misunderstanding. */
static int refuse_idle(const struct cb_yaml_node *n, const struct cb_camera_conf *c,
                       struct cb_error *reterr)
{
    const struct cb_limits_conf *l = &c->limits;
    double highest = c->speed_limit_kmh;
    for (size_t i = 0; i < l->n_lanes; i++)
        highest = fmax(highest, l->lane[i].limit_kmh);
    for (int i = 0; i < CB_ROAD_USER_COUNT; i++)
        if (l->class_kmh[i] > highest)
            return cb_yaml_refuse(n, reterr, -EINVAL, "classes.%s is %g and never the lowest, "
                                  "expected at most %g (a class lowers a limit, never raises it)",
                                  cb_road_user_name((enum cb_road_user) i), l->class_kmh[i],
                                  highest);
    for (size_t i = 0; i < l->n_periods; i++)
        if (l->period[i].limit > highest)
            return cb_yaml_refuse(n, reterr, -EINVAL, "schedule[%zu].kmh is %g and never the "
                                  "lowest, expected at most %g: make the highest the default and "
                                  "schedule the lower ones", i, l->period[i].limit, highest);
    return 0;
}

static int read_number(const struct cb_yaml_node *n, const char *text, struct cb_camera_conf *ret,
                       struct cb_error *reterr)
{
    struct cb_error e = {0};
    int r = cb_opt_set(&cb_limit_opts[0], ret, text, &e);
    return r < 0 ? cb_yaml_refuse(n, reterr, r, "%s", e.text) : 0;
}

int cb_config_read_limits(const struct cb_yaml_node *n, struct cb_camera_conf *ret,
                          struct cb_error *reterr)
{
    static const char *const others[] = {"lanes", "classes", "schedule", NULL};
    const char *text = cb_yaml_text(n);
    if (text)
        return read_number(n, text, ret, reterr);
    if (cb_yaml_count(n, NULL) >= 0)
        return cb_yaml_refuse(n, reterr, -EINVAL, "is a list, expected a number from 5 to 200 km/h "
                              "or a mapping {default, lanes, classes, schedule}");
    int r = cb_yaml_read(n, cb_limit_opts, ret, read_limits_key, &ret->limits, others, reterr);
    if (r < 0)
        return r;
    if (isnan(ret->speed_limit_kmh))
        return cb_yaml_refuse(n, reterr, -EINVAL, "default is missing, expected the limit where no "
                              "lane, class or time has another");
    return refuse_idle(n, ret, reterr);
}

static int read_noise_key(void *self, const char *key, const struct cb_yaml_node *value,
                          struct cb_error *reterr)
{
    struct cb_noise_limits *l = self;
    if (strcmp(key, "schedule"))
        return -ENOENT;
    return read_schedule(value, cb_noise_period_opts, l->period, &l->n_periods, reterr);
}

int cb_config_read_noise_limits(const struct cb_yaml_node *n, struct cb_noise_limits *ret,
                                struct cb_error *reterr)
{
    static const char *const others[] = {"schedule", NULL};
    const char *text = cb_yaml_text(n);
    struct cb_error e = {0};
    if (text) {
        int r = cb_opt_set(&cb_noise_limit_opts[0], ret, text, &e);
        return r < 0 ? cb_yaml_refuse(n, reterr, r, "%s", e.text) : 0;
    }
    if (cb_yaml_count(n, NULL) >= 0)
        return cb_yaml_refuse(n, reterr, -EINVAL, "is a list, expected a number from 30 to 140 "
                              "dB(A) or a mapping {default, schedule}");
    int r = cb_yaml_read(n, cb_noise_limit_opts, ret, read_noise_key, ret, others, reterr);
    if (r < 0)
        return r;
    if (isnan(ret->default_dba))
        return cb_yaml_refuse(n, reterr, -EINVAL, "default is missing, expected the limit where no "
                              "time has another");
    for (size_t i = 0; i < ret->n_periods; i++)
        if (ret->period[i].limit > ret->default_dba)
            return cb_yaml_refuse(n, reterr, -EINVAL, "schedule[%zu].dba is %g and never the "
                                  "lowest, expected at most %g: make the day's the default and "
                                  "schedule the night's", i, ret->period[i].limit,
                                  ret->default_dba);
    return 0;
}

static int read_clock_text(const struct cb_yaml_node *n, const char *key, struct cb_clock_text *t,
                           struct cb_error *reterr)
{
    struct cb_error e = {0};
    const char *text = cb_yaml_text(n);
    int r = cb_opt_set(cb_opt_find(cb_clock_opts, key), t, text ? text : "", &e);
    return r < 0 ? cb_yaml_refuse(n, reterr, r, "%s", e.text) : 0;
}

int cb_config_read_timezone(const struct cb_yaml_node *n, struct cb_camera_conf *ret,
                            struct cb_error *reterr)
{
    struct cb_clock_text t = {0};
    struct cb_error e = {0};
    int r = read_clock_text(n, "timezone", &t, reterr);
    if (r < 0)
        return r;
    r = cb_timezone_load(t.timezone, &ret->timezone, &e);
    if (r == -ENOENT) /* to the reader of keys: an unknown key */
        r = -EINVAL;
    return r < 0 ? cb_yaml_refuse(n, reterr, r, "%s", e.text) : 0;
}

int cb_config_read_recording_utc(const struct cb_yaml_node *n, struct cb_camera_conf *ret,
                                 struct cb_error *reterr)
{
    struct cb_clock_text t = {0};
    int r = read_clock_text(n, "recording_utc", &t, reterr);
    if (r < 0)
        return r;
    struct tm tm = {0}, read;
    const char *end = strptime(t.recording_utc, "%Y-%m-%dT%H:%M:%SZ", &tm);
    read = tm;
    time_t s = timegm(&tm);
    /* timegm mends the 31st of February */
    if (!end || *end || tm.tm_mday != read.tm_mday || tm.tm_year < 70 || tm.tm_year > 300)
        return cb_yaml_refuse(n, reterr, -EINVAL, "is '%s', expected a time in UTC as "
                              "2026-03-01T21:50:00Z", t.recording_utc);
    ret->recording_utc_ns = (int64_t) s * CB_NS_PER_S;
    return 0;
}

int cb_config_read_severity(const struct cb_yaml_node *n, struct cb_severity_table *ret,
                            struct cb_error *reterr)
{
    struct cb_severity_table t = {0};
    int count = count_up_to(n, CB_TIERS_MAX, reterr);
    for (int i = 0; i < count; i++) {
        struct cb_yaml_node item = cb_yaml_item(n, i);
        t.tier[i] = (struct cb_severity_tier){NAN, -1};
        int r = cb_yaml_read(&item, cb_severity_opts, &t.tier[i], NULL, NULL, NULL, reterr);
        if (r < 0)
            return r;
        if (isnan(t.tier[i].above_percent) || t.tier[i].severity < 0)
            return cb_yaml_refuse(&item, reterr, -EINVAL,
                                  "expected {above_percent: …, severity: …}, both given");
        if (i ? t.tier[i].above_percent <= t.tier[i - 1].above_percent : t.tier[i].above_percent > 0)
            return cb_yaml_refuse(&item, reterr, -EINVAL, "above_percent is %g, expected %s",
                                  t.tier[i].above_percent,
                                  i ? "more than the tier before has" : "0 in the first tier");
        t.n++;
    }
    if (count > 0)
        *ret = t;
    return count < 0 ? count : 0;
}
