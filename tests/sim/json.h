#ifndef SIM_JSON_H
#define SIM_JSON_H

#include <jansson.h>
#include <stddef.h>

#include "base/err.h"

enum sim_field_type {
    SIM_FIELD_NUMBER, /* double */
    SIM_FIELD_INT,
    SIM_FIELD_BOOL,
    SIM_FIELD_STRING, /* char[size] */
    SIM_FIELD_ENUM,   /* int, index in names */
    SIM_FIELD_VEC2,   /* struct vec3, Z untouched */
    SIM_FIELD_VEC3,
    SIM_FIELD_COLOUR, /* "#rrggbb" as struct vec3, linear */
    SIM_FIELD_PAIRS,  /* [[t, value], …] as struct sim_curve or struct sim_spans */
    SIM_FIELD_OTHER,  /* read elsewhere; known, so that it is not refused */
};

/** Tables end in a row of zeros. */
struct sim_field {
    const char *key;
    enum sim_field_type type;
    size_t offset, size;
    double min, max;
    const char *const *names;
};

/* The row's other members (range, names) follow as designated or positional initialisers. */
#define SIM_FIELD_AT(kind, object, member)                                                         \
    SIM_FIELD_##kind, offsetof(object, member), sizeof(((object *) 0)->member)

/**
 * Fills obj from json; what json leaves out stays.
 * @param where "scene.json: camera", for messages
 * @return 0; -EINVAL: an unknown key, a wrong type or range, named in reterr
 */
int sim_json_read(const json_t *json, const char *where, const struct sim_field *table, void *obj,
                  struct cb_error *reterr);

#endif
