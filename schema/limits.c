#include "schema/limits.h"

#include <math.h>

#include "schema/violation.h"

#define LANE(field) CB_OPT_AT(struct cb_limit_lane, field)
#define PERIOD(field) CB_OPT_AT(struct cb_limit_period_text, field)
#define CLOCK(field) CB_OPT_AT(struct cb_clock_text, field)
#define TIER(field) CB_OPT_AT(struct cb_severity_tier, field)
#define CLASS(name, user)                                                                          \
    {name, CB_OPT_DOUBLE, offsetof(struct cb_limits_conf, class_kmh) + sizeof(double) * (user),    \
     sizeof(double), 5, 200, "km/h", "limit of this class, where it is the lower", NULL}

static const char *const severities[] = {"minor", "moderate", "serious", "extreme", NULL};

const struct cb_opt cb_limit_opts[] = {
    {"default", CB_OPT_DOUBLE, CB_OPT_AT(struct cb_camera_conf, speed_limit_kmh), 5, 200, "km/h",
     "speed limit; the number alone in the mapping's place is the same", NULL},
    {0},
};

const struct cb_opt cb_limit_lane_opts[] = {
    {"x_min", CB_OPT_DOUBLE, LANE(x_min_m), -1000, 1000, "m", "one edge of the lane", NULL},
    {"x_max", CB_OPT_DOUBLE, LANE(x_max_m), -1000, 1000, "m", "its other edge", NULL},
    {"kmh", CB_OPT_DOUBLE, LANE(limit_kmh), 5, 200, "km/h",
     "limit of the lane, in the default's place", NULL},
    {"name", CB_OPT_STRING, LANE(name), 0, 0, NULL, "what the lane is called", NULL},
    {0},
};

const struct cb_opt cb_limit_class_opts[] = {
    CLASS("car", CB_CAR),
    CLASS("truck", CB_TRUCK),
    CLASS("bus", CB_BUS),
    CLASS("motorcycle", CB_MOTORCYCLE),
    {0},
};

const struct cb_opt cb_limit_period_opts[] = {
    {"from", CB_OPT_STRING, PERIOD(from), 1, 0, NULL, "HH:MM local time, quoted", NULL},
    {"to", CB_OPT_STRING, PERIOD(to), 1, 0, NULL,
     "HH:MM, to 24:00; before from: on the next day", NULL},
    {"kmh", CB_OPT_DOUBLE, PERIOD(limit), 5, 200, "km/h",
     "limit in this time, where it is the lower", NULL},
    {0},
};

const struct cb_opt cb_clock_opts[] = {
    {"timezone", CB_OPT_STRING, CLOCK(timezone), 1, 0, NULL,
     "of schedules: an IANA name, or UTC's offset as \"+08:00\"", NULL},
    {"recording_utc", CB_OPT_STRING, CLOCK(recording_utc), 1, 0, NULL,
     "when a recording's time 0 was, YYYY-MM-DDTHH:MM:SSZ; without it no schedule holds for it",
     NULL},
    {0},
};

const struct cb_opt cb_severity_opts[] = {
    {"above_percent", CB_OPT_DOUBLE, TIER(above_percent), 0, 1000, "%",
     "the charged speed's excess over the limit", NULL},
    {"severity", CB_OPT_ENUM, TIER(severity), 0, 0, NULL, "what it is called", severities},
    {0},
};

void cb_limits_conf_init(struct cb_limits_conf *l)
{
    *l = (struct cb_limits_conf){0};
    for (int i = 0; i < CB_ROAD_USER_COUNT; i++)
        l->class_kmh[i] = NAN;
}

void cb_severity_table_init(struct cb_severity_table *t)
{
    *t = (struct cb_severity_table){.tier = {{0, CB_MINOR},
                                             {10, CB_MINOR},
                                             {20, CB_MODERATE},
                                             {50, CB_SERIOUS},
                                             {70, CB_EXTREME}},
                                    .n = 5};
}
