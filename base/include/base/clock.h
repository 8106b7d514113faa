#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#define CB_NS_PER_S INT64_C(1000000000)
#define CB_NS_PER_MS INT64_C(1000000)
#define CB_UTC_LEN 32 /* bytes that cb_utc_print needs */

/** UTC in ns since 1970. May step with the system's clock: never measure intervals with it. */
int64_t cb_clock_now_ns(void);
/** Monotonic ns since an arbitrary start: time-outs, intervals, ages. */
int64_t cb_clock_mono_ns(void);
/** Sleeps on the monotonic clock; returns early on a signal. */
void cb_clock_sleep_ns(int64_t ns);

/** "2026-11-23T10:00:00.123Z"; RFC 3339, milliseconds truncated, never rounded up. */
void cb_utc_print(int64_t utc_ns, char ret[CB_UTC_LEN]);
/** RFC 3339 with 'Z' or ±hh:mm and up to nine decimals; a day that is in no calendar is refused.
 *  @return 0; -EINVAL, ret untouched.  */
int cb_utc_parse(const char *text, int64_t *ret_utc_ns);

static inline double cb_s_from_ns(int64_t t_ns)
{
    return (double) t_ns * 1e-9;
}
/** Rounds half away from zero, so that printing and parsing a time of ms precision agree. */
static inline int64_t cb_ns_from_s(double t_s)
{
    return (int64_t) (t_s * 1e9 + (t_s < 0 ? -0.5 : 0.5));
}
static inline double cb_kmh_from_mps(double v_mps)
{
    return v_mps * 3.6;
}
static inline double cb_mps_from_kmh(double v_kmh)
{
    return v_kmh / 3.6;
}

#endif
