#include "base/clock.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
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

/* True when text begins as the pattern says: '0' stands for any digit, the rest for itself. */
static bool is_like(const char *text, const char *pattern)
{
    for (; *pattern; text++, pattern++)
        if (*pattern == '0' ? *text < '0' || *text > '9' : *text != *pattern)
            return false;
    return true;
}

static int two_digits(const char *p)
{
    return (p[0] - '0') * 10 + p[1] - '0';
}

/* The offset behind the time: 'Z' or ±hh:mm, and then the end. */
static bool parse_zone(const char *p, int64_t *ret_s)
{
    if ((*p == 'Z' || *p == 'z') && !p[1]) {
        *ret_s = 0;
        return true;
    }
    if ((*p != '+' && *p != '-') || !is_like(p + 1, "00:00") || p[6])
        return false;
    int h = two_digits(p + 1), m = two_digits(p + 4);
    *ret_s = (*p == '-' ? -1 : 1) * (h * 3600 + m * 60);
    return h < 24 && m < 60;
}

/* One to nine decimals behind a point, or nothing. @return where the zone begins; NULL */
static const char *parse_decimals(const char *p, int64_t *ret_ns)
{
    *ret_ns = 0;
    if (*p != '.')
        return p;
    const char *first = ++p;
    for (int64_t unit = CB_NS_PER_S / 10; *p >= '0' && *p <= '9'; p++, unit /= 10)
        *ret_ns += (*p - '0') * unit;
    return p > first && p <= first + 9 ? p : NULL;
}

int cb_utc_parse(const char *text, int64_t *ret_utc_ns)
{
    if (!is_like(text, "0000-00-00T00:00:00"))
        return -EINVAL;
    const struct tm want = {
        .tm_year = two_digits(text) * 100 + two_digits(text + 2) - 1900,
        .tm_mon = two_digits(text + 5) - 1, .tm_mday = two_digits(text + 8),
        .tm_hour = two_digits(text + 11), .tm_min = two_digits(text + 14),
        .tm_sec = two_digits(text + 17),
    };
    int64_t frac_ns, zone_s;
    const char *zone = parse_decimals(text + 19, &frac_ns);
    if (!zone || !parse_zone(zone, &zone_s))
        return -EINVAL;
    struct tm tm = want;
    int64_t s = timegm(&tm); /* moves 30 February to March: such a day is refused */
    if (tm.tm_mon != want.tm_mon || tm.tm_mday != want.tm_mday || tm.tm_hour != want.tm_hour ||
        tm.tm_min != want.tm_min || tm.tm_sec != want.tm_sec)
        return -EINVAL;
    if (__builtin_mul_overflow(s - zone_s, CB_NS_PER_S, &s)) /* ends in 2262 */
        return -EINVAL;
    if (__builtin_add_overflow(s, frac_ns, &s))
        return -EINVAL;
    *ret_utc_ns = s;
    return 0;
}
