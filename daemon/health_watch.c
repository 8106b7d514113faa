#include "health_watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void cb_health_print_line(void *arg, const struct cb_health *h)
{
    if (h->camera[0])
        fprintf(arg, "camera %s: ", h->camera);
    fprintf(arg, "%s\n", h->text);
}

void cb_health_watch_deinit(struct cb_health_watch *w)
{
    free(w->item);
    *w = (struct cb_health_watch){0};
}

void cb_health_watch_begin(struct cb_health_watch *w, int64_t mono_ns, int64_t utc_ns)
{
    w->now_ns = mono_ns;
    w->now_utc_ns = utc_ns;
}

static struct cb_health_item *find(struct cb_health_watch *w, const struct cb_health *h)
{
    for (size_t i = 0; i < w->n; i++)
        if (cb_health_is_same(&w->item[i].h, h))
            return &w->item[i];
    return NULL;
}

static struct cb_health_item *add(struct cb_health_watch *w, const struct cb_health *h)
{
    if (cb_grow((void **) &w->item, &w->cap, w->n + 1, sizeof *w->item) < 0)
        return NULL; /* the next look is a second away */
    struct cb_health_item *item = &w->item[w->n++];
    *item = (struct cb_health_item){.h = *h, .first_ns = w->now_ns};
    snprintf(item->h.node, sizeof item->h.node, "%s", w->node);
    item->h.is_raised = true;
    item->h.since_utc_ns = w->now_utc_ns;
    return item;
}

void cb_health_watch_add(void *arg, const struct cb_health *h)
{
    struct cb_health_watch *w = arg;
    struct cb_health_item *item = find(w, h);
    if (!item && !(item = add(w, h)))
        return;
    item->seen_ns = w->now_ns;
    memcpy(item->h.text, h->text, sizeof item->h.text); /* its figures move */
}

/* One that is not raised yet has to be there at each look. */
static bool is_over(const struct cb_health_item *item, int64_t now_ns)
{
    return now_ns - item->seen_ns >= (item->is_raised ? CB_HEALTH_HOLD_NS : 1);
}

bool cb_health_watch_end(struct cb_health_watch *w)
{
    bool has_changed = false;
    size_t n = 0;
    for (size_t i = 0; i < w->n; i++) {
        struct cb_health_item *item = &w->item[i];
        if (is_over(item, w->now_ns)) {
            has_changed = has_changed || item->is_raised;
            continue;
        }
        if (!item->is_raised && w->now_ns - item->first_ns >= CB_HEALTH_HOLD_NS)
            item->is_raised = has_changed = true;
        w->item[n++] = *item;
    }
    w->n = n;
    return has_changed;
}

int cb_health_watch_raised(const struct cb_health_watch *w, struct cb_health **ret, size_t *ret_n)
{
    struct cb_health *h = calloc(w->n ? w->n : 1, sizeof *h);
    size_t n = 0;
    if (!h)
        return -ENOMEM;
    for (size_t i = 0; i < w->n; i++)
        if (w->item[i].is_raised)
            h[n++] = w->item[i].h;
    *ret = h;
    *ret_n = n;
    return 0;
}
