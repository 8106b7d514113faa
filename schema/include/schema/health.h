#ifndef SCHEMA_HEALTH_H
#define SCHEMA_HEALTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/camera.h"

/** What is not as it should be with a camera or an edge: the technician's. */
enum cb_health_what {
    CB_HEALTH_LOST,      /* a camera gives no pictures or sound */
    CB_HEALTH_MOVED,     /* a camera has moved against its calibration and gives no speeds */
    CB_HEALTH_CLOCK,     /* a clock is more than its second from UTC */
    CB_HEALTH_OVERLOAD,  /* pictures are dropped: too few cores */
    CB_HEALTH_DISK,      /* no room, or no budget left, for new evidence */
    CB_HEALTH_STORE,     /* the store is not connected */
    CB_HEALTH_SET_ASIDE, /* packages that the store refuses for ever */
    CB_HEALTH_DAMAGED,   /* sealed folders that cannot be read */
    CB_HEALTH_HANG,      /* a thread has one thing in hand for too long */
    CB_HEALTH_COUNT,
};
const char *cb_health_name(enum cb_health_what w);

#define CB_HEALTH_TEXT_LEN 256

/** That it is so, or is so no more. A value; copy it. */
struct cb_health {
    char node[CB_CAMERA_ID_LEN];
    char camera[CB_CAMERA_ID_LEN]; /* "": the whole edge's */
    char district[CB_NAME_LEN];    /* the camera's */
    enum cb_health_what what;
    bool is_raised;                /* false: it is over */
    int64_t since_utc_ns;          /* when it began */
    int64_t at_utc_ns;             /* when this was said */
    int repeat_s;                  /* while it lasts it is said again so often */
    char text[CB_HEALTH_TEXT_LEN]; /* for people */
};

/** *ret_json is yours. @return 0; -ENOMEM */
int cb_health_print(const struct cb_health *h, char **ret_json);
/** @return 0; -EINVAL, -ENOMEM: ret is untouched */
int cb_health_parse(const char *json, size_t n, struct cb_health *ret);
/** `health.<district>.<camera>.<what>`; of the edge's own `health._.<node>.<what>`. */
void cb_health_topic(const struct cb_health *h, char *ret, size_t size);
/** Whether both are about the same thing. */
bool cb_health_is_same(const struct cb_health *a, const struct cb_health *b);

#endif
