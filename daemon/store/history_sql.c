/* The filters of the pages' history as SQL: only what is asked is in the text. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "desk_private.h"

#define STATE                                                                                      \
    "coalesce((SELECT r.verdict FROM review r WHERE r.violation_id = v.id"                         \
    " ORDER BY r.id DESC LIMIT 1), 'new')"

static const char *const conditions[] = {
    [CB_HV_KIND] = "v.kind = $%d",
    [CB_HV_CAMERA] = "v.camera_id = $%d",
    [CB_HV_DISTRICT] = "v.district = $%d",
    [CB_HV_ROAD] = "v.road = $%d",
    [CB_HV_SEVERITY] = "v.severity = $%d",
    [CB_HV_REVIEW] = STATE " = $%d",
    [CB_HV_CLASS] = "v.road_user = $%d",
    [CB_HV_DIRECTION] = "v.direction = $%d",
    [CB_HV_PLATE] =
        "v.id = ANY (ARRAY(SELECT h.id FROM vehicle_history h WHERE h.plate = citybrain_plate($%d)))",
    [CB_HV_INCIDENT] = "v.incident_id = $%d",
    [CB_HV_FROM] = "v.occurred_at >= $%d::timestamptz",
    [CB_HV_TO] = "v.occurred_at < $%d::timestamptz",
    [CB_HV_MIN_SPEED] = "v.speed_kmh >= $%d::float8",
    [CB_HV_MAX_SPEED] = "v.speed_kmh < $%d::float8",
    [CB_HV_MIN_LEVEL] = "v.lafmax_db >= $%d::float8",
    [CB_HV_MAX_LEVEL] = "v.lafmax_db < $%d::float8",
};
#define N_CONDITIONS (sizeof conditions / sizeof conditions[0])

/* What is sorted by a number goes, among the same numbers, as the index (number, occurred_at DESC)
 * does when it is read that way. */
struct sorting {
    const char *name, *column; /* column "NULL": by time alone */
    const char *order[2];      /* desc, asc */
    const char *after[2];      /* $%1$d the time, $%2$d the id, $%3$d the number */
};
#define BY_NUMBER(c)                                                                               \
    {" ORDER BY " c " DESC, v.occurred_at, v.id", " ORDER BY " c ", v.occurred_at DESC, v.id"},    \
    {c " <= $%3$d::float8 AND (" c " < $%3$d::float8 OR (v.occurred_at, v.id) > ($%1$d::timestamptz, $%2$d::uuid))", \
     c " >= $%3$d::float8 AND (" c " > $%3$d::float8 OR v.occurred_at < $%1$d::timestamptz OR"      \
     " (v.occurred_at = $%1$d::timestamptz AND v.id > $%2$d::uuid))"}
static const struct sorting sortings[] = {
    {"time", "NULL",
     {" ORDER BY v.occurred_at DESC, v.id DESC", " ORDER BY v.occurred_at, v.id"},
     /* the months that it leaves out are found by the time alone */
     {"v.occurred_at <= $%1$d::timestamptz AND (v.occurred_at, v.id) < ($%1$d::timestamptz, $%2$d::uuid)",
      "v.occurred_at >= $%1$d::timestamptz AND (v.occurred_at, v.id) > ($%1$d::timestamptz, $%2$d::uuid)"}},
    {"speed", "v.speed_kmh", BY_NUMBER("v.speed_kmh")},
    {"level", "v.lafmax_db", BY_NUMBER("v.lafmax_db")},
};

static const struct sorting *sorting_of(const char *name)
{
    for (size_t i = 0; name && i < sizeof sortings / sizeof sortings[0]; i++)
        if (!strcmp(name, sortings[i].name))
            return &sortings[i];
    return &sortings[0];
}

/* "[number_]time_id", the parts of no more than some characters. */
static int split_after(const char *after, bool has_number, struct cb_history_sql *h)
{
    const char *id = strrchr(after, '_');
    const char *at = id;
    while (at && at > after && at[-1] != '_')
        at--;
    if (!id || !at || has_number != (at > after) || strlen(id + 1) != CB_UUID_LEN - 1 ||
        at - after >= (long) sizeof h->sort_value || id - at >= (long) sizeof h->at)
        return -EINVAL;
    snprintf(h->sort_value, sizeof h->sort_value, "%.*s", has_number ? (int) (at - after - 1) : 0,
             after);
    snprintf(h->at, sizeof h->at, "%.*s", (int) (id - at), at);
    snprintf(h->id, sizeof h->id, "%s", id + 1);
    return strchr(h->sort_value, '_') ? -EINVAL : 0;
}

static void add(struct cb_history_sql *h, size_t *n, const char *condition, int a, int b, int c)
{
    *n += (size_t) snprintf(h->where + *n, sizeof h->where - *n, "%s", *n ? " AND " : " WHERE ");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    *n += (size_t) snprintf(h->where + *n, sizeof h->where - *n, condition, a, b, c);
#pragma GCC diagnostic pop
    assert(*n < sizeof h->where);
}

static int add_after(struct cb_history_sql *h, size_t *n, const struct sorting *s, bool is_asc,
                     const char *after, struct cb_error *reterr)
{
    bool has_number = s != &sortings[0];
    if (split_after(after, has_number, h) < 0)
        return cb_error_set(reterr, -EINVAL, "after", "expected `next` of a page with the same sort");
    int number = has_number ? h->n + 1 : 0;
    if (has_number)
        h->v[h->n++] = h->sort_value;
    h->v[h->n++] = h->at;
    h->v[h->n++] = h->id;
    add(h, n, s->after[is_asc], h->n - 1, h->n, number);
    return 0;
}

int cb_history_sql(const char *const values[CB_QUESTION_VALUES_MAX], struct cb_history_sql *h,
                   struct cb_error *reterr)
{
    const struct sorting *s = sorting_of(values[CB_HV_SORT]);
    bool is_asc = values[CB_HV_ORDER] && !strcmp(values[CB_HV_ORDER], "asc");
    size_t n = 0;
    memset(h, 0, sizeof *h);
    h->sort_column = s->column;
    snprintf(h->order, sizeof h->order, "%s", s->order[is_asc]);
    for (size_t i = 0; i < N_CONDITIONS; i++) {
        if (!values[i])
            continue;
        h->v[h->n++] = values[i];
        add(h, &n, conditions[i], h->n, 0, 0);
    }
    if (s != &sortings[0]) {
        char has_one[64];
        snprintf(has_one, sizeof has_one, "%s IS NOT NULL", s->column);
        add(h, &n, has_one, 0, 0, 0);
    }
    return values[CB_HV_AFTER]
               ? add_after(h, &n, s, is_asc, values[CB_HV_AFTER], reterr)
               : 0;
}
