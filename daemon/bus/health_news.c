#include "health_news.h"

#include <stdlib.h>

#include "base/clock.h"
#include "bus/bus.h"

/* However many readers come and go: not more often than so. */
#define HURRY_NS CB_NS_PER_S

void cb_health_news_deinit(struct cb_health_news *w)
{
    free(w->told);
    *w = (struct cb_health_news) {.n_said = w->n_said};
}

static const struct cb_health *find(const struct cb_health *h, size_t n, const struct cb_health *one)
{
    for (size_t i = 0; i < n; i++)
        if (cb_health_is_same(&h[i], one))
            return &h[i];
    return NULL;
}

static void say_one(struct cb_health_news *w, const struct cb_health *h, bool is_raised,
                    cb_health_say_fn *say, void *arg)
{
    struct cb_health now = *h;
    now.is_raised = is_raised;
    now.at_utc_ns = cb_clock_now_ns();
    now.repeat_s = CB_BUS_HEALTH_S;
    say(arg, &now);
    w->n_said++;
}

void cb_health_news_exchange(struct cb_health_news *w, struct cb_health *h, size_t n,
                             cb_health_say_fn *say, void *arg)
{
    for (size_t i = 0; i < w->n_told; i++)
        if (!find(h, n, &w->told[i]))
            say_one(w, &w->told[i], false, say, arg);
    for (size_t i = 0; i < n; i++)
        if (!find(w->told, w->n_told, &h[i]))
            say_one(w, &h[i], true, say, arg);
    if (!w->n_told) /* else it is due as it was */
        w->due_ns = cb_clock_mono_ns() + CB_BUS_HEALTH_S * CB_NS_PER_S;
    free(w->told);
    w->told = h;
    w->n_told = n;
}

void cb_health_news_hurry(struct cb_health_news *w)
{
    int64_t soon_ns = w->said_ns + HURRY_NS;
    if (soon_ns < w->due_ns)
        w->due_ns = soon_ns;
}

void cb_health_news_repeat(struct cb_health_news *w, cb_health_say_fn *say, void *arg)
{
    int64_t now_ns = cb_clock_mono_ns();
    if (!w->n_told || now_ns < w->due_ns)
        return;
    for (size_t i = 0; i < w->n_told; i++)
        say_one(w, &w->told[i], true, say, arg);
    w->said_ns = now_ns;
    w->due_ns = now_ns + CB_BUS_HEALTH_S * CB_NS_PER_S;
}

int64_t cb_health_news_due_ns(const struct cb_health_news *w)
{
    return w->n_told ? w->due_ns : INT64_MAX;
}
