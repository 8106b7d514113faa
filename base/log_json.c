#include <stdio.h>

#include "base/clock.h"
#include "base/json_string.h"
#include "base/log.h"

static const char *const level_names[] = {"error", "warn", "info", "debug"};

void cb_log_json(void *self, enum cb_level level, const char *topic, const char *id,
                 const char *text)
{
    FILE *out = self ? self : stderr;
    char at[CB_UTC_LEN];
    cb_utc_print(cb_clock_now_ns(), at);
    fprintf(out, "{\"time\":\"%s\",\"level\":\"%s\",\"topic\":", at, level_names[level]);
    cb_json_put_string(out, topic);
    if (id) {
        fputs(",\"id\":", out);
        cb_json_put_string(out, id);
    }
    fputs(",\"text\":", out);
    cb_json_put_string(out, text);
    fputs("}\n", out);
    fflush(out);
}
