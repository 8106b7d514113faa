#include "readers.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "schema/camera.h"

/* What is published by district. */
static const char *const stems[] = {"alert", "pulse", "health"};
#define TOPIC_LEN (CB_NAME_LEN + 16)

struct cb_reader cb_reader_of(zmq_msg_t *m, const struct cb_bus_curve *curve)
{
    struct cb_reader r = {.curve = curve};
    const char *key = curve ? zmq_msg_gets(m, "User-Id") : NULL;
    if (key)
        snprintf(r.key, sizeof r.key, "%s", key);
    /* inproc has no handshake: its peers are of this process, and carry nothing at all */
    r.is_any = !curve || (!key && !zmq_msg_gets(m, "Socket-Type"));
    return r;
}

bool cb_reader_has_all(const struct cb_reader *r)
{
    return r->is_any || cb_bus_curve_may(r->curve, r->key, NULL);
}

bool cb_reader_may(const struct cb_reader *r, const char *topic)
{
    char district[CB_NAME_LEN];
    const char *from = strchr(topic, '.');
    size_t n = from ? strcspn(from + 1, ".") : 0;
    if (cb_reader_has_all(r))
        return true;
    if (!from || n >= sizeof district)
        return false;
    memcpy(district, from + 1, n);
    district[n] = '\0';
    return cb_bus_curve_may(r->curve, r->key, district);
}

/*
 * What was asked for may be wider than the district ("", "alert.") or narrower. A wider wish is not
 * taken back: another wish of the same reader may rest on it, and its own socket drops the rest.
 */
static void narrow(void *xpub, int option, const char *stem, const char *district,
                   const char *wish, size_t n)
{
    char base[TOPIC_LEN];
    size_t n_base = (size_t) snprintf(base, sizeof base, "%s.%s.", stem, district);
    bool is_wider = n < n_base;
    if (memcmp(base, wish, is_wider ? n : n_base) != 0)
        return;
    if (!is_wider)
        zmq_setsockopt(xpub, option, wish, n);
    else if (option == ZMQ_SUBSCRIBE)
        zmq_setsockopt(xpub, option, base, n_base);
}

void cb_reader_subscribe(void *xpub, zmq_msg_t *m, const struct cb_bus_curve *curve)
{
    const char *data = zmq_msg_data(m);
    size_t n = zmq_msg_size(m);
    if (n < 1 || (data[0] != 0 && data[0] != 1))
        return;
    int option = data[0] ? ZMQ_SUBSCRIBE : ZMQ_UNSUBSCRIBE;
    struct cb_reader r = cb_reader_of(m, curve);
    if (cb_reader_has_all(&r)) {
        zmq_setsockopt(xpub, option, data + 1, n - 1);
        return;
    }
    for (size_t i = 0; i < curve->n_allowed; i++)
        for (size_t k = 0; k < curve->allowed[i].n_districts; k++)
            if (strcmp(curve->allowed[i].key, r.key) == 0)
                for (size_t s = 0; s < sizeof stems / sizeof stems[0]; s++)
                    narrow(xpub, option, stems[s], curve->allowed[i].district[k], data + 1, n - 1);
}

char *cb_reader_districts(const struct cb_reader *r)
{
    if (cb_reader_has_all(r))
        return NULL;
    json_t *list = json_array();
    for (size_t i = 0; i < r->curve->n_allowed; i++)
        for (size_t k = 0; k < r->curve->allowed[i].n_districts; k++)
            if (strcmp(r->curve->allowed[i].key, r->key) == 0)
                json_array_append_new(list, json_string(r->curve->allowed[i].district[k]));
    char *text = json_dumps(list, JSON_COMPACT);
    json_decref(list);
    return text;
}
