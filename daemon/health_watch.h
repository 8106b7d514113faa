#ifndef DAEMON_HEALTH_WATCH_H
#define DAEMON_HEALTH_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "schema/health.h"

/** Who is told of a thing that is not as it should be; h is lent. */
typedef void cb_health_fn(void *arg, const struct cb_health *h);

/** A line of /healthz; arg is a FILE. */
void cb_health_print_line(void *arg, const struct cb_health *h);

/**
 * What has lasted. A thing is raised when it was there at each look for CB_HEALTH_HOLD_NS, and over
 * when it was at none for as long: a camera that connects anew within a breath is nobody's errand.
 * One thread.
 */
#define CB_HEALTH_HOLD_NS (5 * INT64_C(1000000000))

struct cb_health_item {
    struct cb_health h;
    int64_t first_ns, seen_ns; /* monotonic */
    bool is_raised;
};

struct cb_health_watch {
    const char *node;             /* lent */
    struct cb_health_item *item;
    size_t n, cap;
    int64_t now_ns, now_utc_ns;   /* of this look */
};

void cb_health_watch_deinit(struct cb_health_watch *w);
/** A look begins: of what is as it should not be cb_health_watch_add tells, in any order. */
void cb_health_watch_begin(struct cb_health_watch *w, int64_t mono_ns, int64_t utc_ns);
/** A cb_health_fn; arg is the watch. Camera, district, what and text are read. */
void cb_health_watch_add(void *arg, const struct cb_health *h);
/** The look is over. @return whether what is raised is something else now */
bool cb_health_watch_end(struct cb_health_watch *w);
/** Copies of what is raised, yours to free. @return 0; -ENOMEM */
int cb_health_watch_raised(const struct cb_health_watch *w, struct cb_health **ret, size_t *ret_n);

#endif
