#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdarg.h>

/** What a level means, so that two authors choose alike. */
enum cb_level {
    CB_LOG_ERR,   /* something the user relies on does not work: wakes someone */
    CB_LOG_WARN,  /* worked around, says how: "…, ignoring" */
    CB_LOG_INFO,  /* starts, stops, reconnects, violations */
    CB_LOG_DEBUG, /* a developer's; may be per second, never per frame */
};

/** Who speaks: embedded in the object that logs. Both strings must outlive it; id may be NULL. */
struct cb_log {
    const char *topic; /* "ingest" */
    const char *id;    /* "sz-nh-0001" */
};

/** Receives one finished line without a newline. Called from any thread, one call at a time. */
typedef void cb_log_sink_fn(void *self, enum cb_level level, const char *topic, const char *id,
                            const char *text);

/** One line, no newline in fmt. l may be NULL. Thread-safe. */
void cb_log_at(const struct cb_log *l, enum cb_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/** Lines above max are not made. Default: CB_LOG_INFO, to stderr. Set by main before threads. */
void cb_log_set_max(enum cb_level max);
/** fn NULL: back to stderr (`2026-11-23T10:00:00.123Z info ingest[sz-nh-0001] text`). */
void cb_log_set_sink(cb_log_sink_fn *fn, void *self);

/**
 * A sink for machines: one JSON object a line with time, level, topic, id (if there is one), text.
 * self: the FILE, or NULL for stderr.
 */
cb_log_sink_fn cb_log_json;

#define cb_err(obj, ...) cb_log_at(&(obj)->log, CB_LOG_ERR, __VA_ARGS__)
#define cb_warn(obj, ...) cb_log_at(&(obj)->log, CB_LOG_WARN, __VA_ARGS__)
#define cb_info(obj, ...) cb_log_at(&(obj)->log, CB_LOG_INFO, __VA_ARGS__)
#define cb_debug(obj, ...) cb_log_at(&(obj)->log, CB_LOG_DEBUG, __VA_ARGS__)

#endif
