#include "base/clock.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts); /* cannot fail for these ids */
    return (int64_t) ts.tv_sec * CB_NS_PER_S + ts.tv_nsec;
}

int64_t cb_clock_now_ns(void)
{
    return read_clock(CLOCK_REALTIME);
}

int64_t cb_clock_mono_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

void cb_clock_sleep_ns(int64_t ns)
{
    if (ns <= 0)
        return;
    struct timespec ts = {ns / CB_NS_PER_S, ns % CB_NS_PER_S};
    nanosleep(&ts, NULL);
}

void cb_utc_print(int64_t utc_ns, char ret[CB_UTC_LEN])
{
    int64_t rest = utc_ns % CB_NS_PER_S;
    time_t s = (time_t) (utc_ns / CB_NS_PER_S);
    if (rest < 0) {
        rest += CB_NS_PER_S;
        s--;
    }
    struct tm tm;
    char day[24];
    gmtime_r(&s, &tm);
    strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(ret, CB_UTC_LEN, "%s.%03dZ", day, (int) (rest / CB_NS_PER_MS));
}

/* The offset behind the time: 'Z' or ±hh:mm, and then the end. */
static bool parse_zone(const char *p, int64_t *ret_s)
{
    if ((*p == 'Z' || *p == 'z') && !p[1]) {
        *ret_s = 0;
        return true;
    }
    int h, m, n = 0;
    if ((*p != '+' && *p != '-') || sscanf(p + 1, "%2d:%2d%n", &h, &m, &n) != 2 || n != 5 || p[6])
        return false;
    *ret_s = (*p == '-' ? -1 : 1) * (h * 3600 + m * 60);
    return h < 24 && m < 60;
}

int cb_utc_parse(const char *text, int64_t *ret_utc_ns)
{
    struct tm tm = {0};
    const char *p = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    if (!p)
        return -EINVAL;
    int64_t frac = 0;
    if (*p == '.') {
        int64_t unit = CB_NS_PER_S / 10;
        for (p++; *p >= '0' && *p <= '9'; p++, unit /= 10)
            frac += (*p - '0') * unit;
    }
    int64_t zone_s;
    if (!parse_zone(p, &zone_s))
        return -EINVAL;
    *ret_utc_ns = ((int64_t) timegm(&tm) - zone_s) * CB_NS_PER_S + frac;
    return 0;
}
