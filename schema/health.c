#include "schema/health.h"

#include <stdio.h>
#include <string.h>

#include "codec.h"
#include "schema/alert.h"

static const char *const names[CB_HEALTH_COUNT] = {
    [CB_HEALTH_LOST] = "lost",           [CB_HEALTH_MOVED] = "moved",
    [CB_HEALTH_CLOCK] = "clock",         [CB_HEALTH_OVERLOAD] = "overload",
    [CB_HEALTH_DISK] = "disk",           [CB_HEALTH_STORE] = "store",
    [CB_HEALTH_SET_ASIDE] = "set_aside", [CB_HEALTH_DAMAGED] = "damaged",
    [CB_HEALTH_HANG] = "hang",
};
static const char *const state_names[] = {"cleared", "raised"};

static const char *what_name(int i)
{
    return names[i];
}
static const char *state_name(int i)
{
    return state_names[i];
}

const char *cb_health_name(enum cb_health_what w)
{
    return names[w];
}

/* Paths and the like stand in it: bytes that are no UTF-8 (or were cut) are shown as '?'. */
static json_t *text_to_json(const char *text)
{
    json_t *o = json_string(text);
    if (o)
        return o;
    char plain[CB_HEALTH_TEXT_LEN];
    snprintf(plain, sizeof plain, "%s", text);
    for (char *c = plain; *c; c++)
        *c = *c & 0x80 ? '?' : *c;
    return json_string(plain);
}

int cb_health_print(const struct cb_health *h, char **ret_json)
{
    json_t *o = json_pack("{s:s, s:s, s:o, s:s, s:s, s:s, s:o, s:o, s:i, s:o}",              //
                          "type", "health", "node", h->node,                                //
                          "camera", cb_json_text_or_null(h->camera[0] ? h->camera : NULL),  //
                          "district", h->district, "what", names[h->what],                  //
                          "state", state_names[h->is_raised],                               //
                          "since", cb_json_utc(h->since_utc_ns),                            //
                          "at", cb_json_utc(h->at_utc_ns),                                  //
                          "repeat_s", h->repeat_s, "text", text_to_json(h->text));
    return cb_json_dump(o, false, ret_json, NULL);
}

int cb_health_parse(const char *json, size_t n, struct cb_health *ret)
{
    json_t *root;
    struct cb_health h = {0};
    struct cb_json_reader rd = cb_json_open(json, n, NULL, &root);
    int what = 0, state = 0;
    int64_t repeat_s = 0;
    cb_json_get_text(&rd, "node", h.node, sizeof h.node);
    if (rd.r == 0 && !json_is_null(json_object_get(rd.obj, "camera")))
        cb_json_get_text(&rd, "camera", h.camera, sizeof h.camera);
    cb_json_get_text(&rd, "district", h.district, sizeof h.district);
    cb_json_get_enum(&rd, "what", what_name, CB_HEALTH_COUNT, &what);
    cb_json_get_enum(&rd, "state", state_name, 2, &state);
    cb_json_get_utc(&rd, "since", &h.since_utc_ns);
    cb_json_get_utc(&rd, "at", &h.at_utc_ns);
    cb_json_get_int(&rd, "repeat_s", 0, 86400, &repeat_s);
    cb_json_get_text(&rd, "text", h.text, sizeof h.text);
    json_decref(root);
    h.what = (enum cb_health_what) what;
    h.is_raised = state;
    h.repeat_s = (int) repeat_s;
    if (rd.r == 0)
        *ret = h;
    return rd.r;
}

void cb_health_topic(const struct cb_health *h, char *ret, size_t size)
{
    char district[CB_NAME_LEN], node[CB_NAME_LEN];
    cb_alert_topic_district(h->district, district);
    cb_alert_topic_district(h->node, node);
    if (h->camera[0])
        snprintf(ret, size, "health.%s.%s.%s", district, h->camera, names[h->what]);
    else
        snprintf(ret, size, "health._.%s.%s", node, names[h->what]);
}

bool cb_health_is_same(const struct cb_health *a, const struct cb_health *b)
{
    return a->what == b->what && !strcmp(a->camera, b->camera);
}
