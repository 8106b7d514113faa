#ifndef DAEMON_HOST_CLOCK_H
#define DAEMON_HOST_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/timex.h>

#define CB_CLOCK_MAX_S 1.0 /* GA/T 832-2014: evidence is timed within a second of UTC */

/**
 * The host's clock against UTC, as far as the kernel knows from whoever disciplines it (chrony,
 * ntpd, timesyncd). Memory: the owner's, zeroed; one thread's.
 */
struct cb_host_clock {
    bool is_synchronised;
    double offset_s;  /* clock less UTC; NaN: not known */
    double error_s;   /* the discipline's own estimate of what it does not know */
    double age_s;     /* since the last comparison, at most; NaN: never */
    bool was_read;
    long maxerror_us; /* of the reading before: it grows until the next comparison */
    int64_t compared_mono_ns; /* 0: never */
};

/** Asks the kernel. @return 0; -errno, c then says not known */
int cb_host_clock_read(struct cb_host_clock *c, int64_t mono_ns);
/** The same of a given answer; state: what ntp_adjtime returned. */
void cb_host_clock_update(struct cb_host_clock *c, const struct timex *t, int state,
                          int64_t mono_ns);
/** More than CB_CLOCK_MAX_S from UTC, as far as is known. */
bool cb_host_clock_is_beyond(const struct cb_host_clock *c);
/**
 * A camera's own clock (RTCP) against the host's. A picture is late by its way here, never early:
 * the one that was least late in the last minute or two shows the two clocks best. Memory: the
 * owner's, zeroed; one thread's.
 */
struct cb_clock_pair {
    int64_t minute_end_ns, max_ns, before_ns;
};
/** ahead_ns: a picture's time less ours when it came. @return the camera's clock less ours */
int64_t cb_clock_pair_add(struct cb_clock_pair *p, int64_t ahead_ns, int64_t mono_ns);
/** Whether a whole minute was looked at: till then a late start of ours could be the reason. */
bool cb_clock_pair_is_settled(const struct cb_clock_pair *p);
/**
 * Ahead of us by more than CB_CLOCK_MAX_S: no way makes a picture early. Behind by more than that and
 * what pictures may be under way, a minute long. NaN is not.
 */
bool cb_clock_pair_is_off(double difference_s, bool is_settled);

void cb_host_clock_print_metrics(const struct cb_host_clock *c, FILE *out);

#endif
