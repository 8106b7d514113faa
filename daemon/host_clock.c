#include "host_clock.h"

#include <errno.h>
#include <math.h>

#include "base/clock.h"

/* The kernel lets maxerror grow by this, MAXFREQ, from the last comparison on (ntp_adjtime(2)). */
#define MAXERROR_US_PER_S 500.0
#define MINUTE_NS         (60 * CB_NS_PER_S)
/* What may lie between a picture and its arrival: encoder, network, buffers. */
#define WAY_MAX_S         2.0

void cb_host_clock_update(struct cb_host_clock *c, const struct timex *t, int state,
                          int64_t mono_ns)
{
    c->is_synchronised = state != TIME_ERROR && !(t->status & STA_UNSYNC);
    if (c->is_synchronised && !c->was_read)
        c->compared_mono_ns = mono_ns - (int64_t) (t->maxerror / MAXERROR_US_PER_S * 1e9);
    else if (c->is_synchronised && t->maxerror < c->maxerror_us)
        c->compared_mono_ns = mono_ns;
    c->was_read = c->is_synchronised;
    c->maxerror_us = t->maxerror;
    /* what is still to be added to the clock */
    c->offset_s = c->is_synchronised ? -(double) t->offset * (t->status & STA_NANO ? 1e-9 : 1e-6)
                                     : NAN;
    c->error_s = c->is_synchronised ? (double) t->esterror * 1e-6 : NAN;
    c->age_s = c->compared_mono_ns ? cb_s_from_ns(mono_ns - c->compared_mono_ns) : NAN;
}

int cb_host_clock_read(struct cb_host_clock *c, int64_t mono_ns)
{
    struct timex t = {0};
    int state = ntp_adjtime(&t);
    int r = state < 0 ? -errno : 0;
    if (r < 0)
        t.status = STA_UNSYNC;
    cb_host_clock_update(c, &t, state, mono_ns);
    return r;
}

bool cb_host_clock_is_beyond(const struct cb_host_clock *c)
{
    return c->is_synchronised && fabs(c->offset_s) + c->error_s > CB_CLOCK_MAX_S;
}

int64_t cb_clock_pair_add(struct cb_clock_pair *p, int64_t ahead_ns, int64_t mono_ns)
{
    if (mono_ns >= p->minute_end_ns) {
        p->before_ns = p->minute_end_ns ? p->max_ns : INT64_MIN;
        p->max_ns = INT64_MIN;
        p->minute_end_ns = mono_ns + MINUTE_NS;
    }
    p->max_ns = ahead_ns > p->max_ns ? ahead_ns : p->max_ns;
    return p->max_ns > p->before_ns ? p->max_ns : p->before_ns;
}

bool cb_clock_pair_is_settled(const struct cb_clock_pair *p)
{
    return p->minute_end_ns && p->before_ns != INT64_MIN;
}

bool cb_clock_pair_is_off(double difference_s, bool is_settled)
{
    return difference_s > CB_CLOCK_MAX_S ||
           (is_settled && difference_s < -(CB_CLOCK_MAX_S + WAY_MAX_S));
}

static void print(FILE *out, const char *name, const char *help, double v)
{
    fprintf(out, "# HELP citybrain_clock_%s %s\n# TYPE citybrain_clock_%s gauge\n", name, help, name);
    if (isnan(v))
        fprintf(out, "citybrain_clock_%s NaN\n", name);
    else
        fprintf(out, "citybrain_clock_%s %.6f\n", name, v);
}

void cb_host_clock_print_metrics(const struct cb_host_clock *c, FILE *out)
{
    print(out, "synchronised", "Whether the host's clock is held to UTC", c->is_synchronised);
    print(out, "offset_seconds", "The host's clock less UTC", c->offset_s);
    print(out, "age_seconds", "Since the host's clock was compared, at most", c->age_s);
}
