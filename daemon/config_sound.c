#include "config_sound.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include "config_limits.h"

static int read_array(struct cb_microphone_conf *m, const struct cb_yaml_node *value,
                      struct cb_error *reterr)
{
    int n = cb_yaml_count(value, reterr);
    if (n < 0)
        return n;
    if (n < 1 || n > CB_SOUND_CHANNELS_MAX)
        return cb_yaml_refuse(value, reterr, -ERANGE, "expected 1 to %d positions",
                              CB_SOUND_CHANNELS_MAX);
    for (int i = 0; i < n; i++) {
        struct cb_yaml_node item = cb_yaml_item(value, i);
        int r = cb_yaml_numbers(&item, m->position_m[i], 3, reterr);
        if (r < 0)
            return r;
    }
    m->n_positions = n;
    return 0;
}

static int read_microphone_key(void *self, const char *key, const struct cb_yaml_node *value,
                               struct cb_error *reterr)
{
    struct cb_microphone_conf *m = self;
    if (!strcmp(key, "limit_dba"))
        return cb_config_read_noise_limits(value, &m->limit, reterr);
    return strcmp(key, "array_m") ? -ENOENT : read_array(m, value, reterr);
}

static const char *const microphone_keys[] = {"array_m", "limit_dba", NULL};

static bool is_date(const char *s)
{
    for (int i = 0; i < 10; i++)
        if (i == 4 || i == 7 ? s[i] != '-' : !isdigit((unsigned char) s[i]))
            return false;
    int month = (s[5] - '0') * 10 + s[6] - '0', day = (s[8] - '0') * 10 + s[9] - '0';
    return !s[10] && month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

int cb_config_read_microphone(const struct cb_yaml_node *n, struct cb_camera_conf *cam,
                              struct cb_error *reterr)
{
    struct cb_microphone_conf *m = &cam->microphone;
    cam->has_microphone = true;
    int r = cb_yaml_read(n, cb_microphone_opts, m, read_microphone_key, m, microphone_keys, reterr);
    if (r < 0)
        return r;
    if (isnan(m->sensitivity_dbfs_at_94db))
        return cb_yaml_refuse(n, reterr, -EINVAL, "sensitivity_dbfs_at_94db is missing, expected "
                              "the level of a 94 dB SPL tone in dBFS RMS");
    if (m->calibrated_on[0] && !is_date(m->calibrated_on))
        return cb_yaml_refuse(n, reterr, -EINVAL, "calibrated_on is '%s', expected a date as "
                              "2026-10-01", m->calibrated_on);
    return 0;
}

int cb_config_read_weather(const struct cb_yaml_node *n, struct cb_weather_conf *ret,
                           struct cb_error *reterr)
{
    int r = cb_yaml_read(n, cb_weather_opts, ret, NULL, NULL, NULL, reterr);
    ret->is_set = true;
    return r;
}

static int read_class_key(void *self, const char *key, const struct cb_yaml_node *value,
                          struct cb_error *reterr)
{
    struct cb_road_class *c = self;
    if (strcmp(key, "limit_dba"))
        return -ENOENT;
    return cb_config_read_noise_limits(value, &c->limit, reterr);
}

int cb_config_read_noise_classes(const struct cb_yaml_node *n, struct cb_road_class *ret,
                                 size_t *ret_n, struct cb_error *reterr)
{
    static const struct cb_opt opts[] = {
        {"road_class", CB_OPT_STRING, CB_OPT_AT(struct cb_road_class, name), 1, 0, NULL,
         "as in cameras[].road_class", NULL},
        {0}};
    static const char *const others[] = {"limit_dba", NULL};
    int count = cb_yaml_count(n, reterr);
    if (count < 0)
        return count;
    if (count < 1 || count > CB_ROAD_CLASSES_MAX)
        return cb_yaml_refuse(n, reterr, -ERANGE, "expected 1 to %d classes of roads",
                              CB_ROAD_CLASSES_MAX);
    for (int i = 0; i < count; i++) {
        struct cb_yaml_node item = cb_yaml_item(n, i);
        ret[i] = (struct cb_road_class){.limit = {.default_dba = NAN}};
        int r = cb_yaml_read(&item, opts, &ret[i], read_class_key, &ret[i], others, reterr);
        if (r < 0)
            return r;
        if (!ret[i].name[0] || isnan(ret[i].limit.default_dba))
            return cb_yaml_refuse(&item, reterr, -EINVAL, "expected {road_class: …, limit_dba: …}, "
                                  "both given");
    }
    *ret_n = (size_t) count;
    return 0;
}
