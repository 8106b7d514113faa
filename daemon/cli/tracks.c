#include "tracks.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli.h"
#include "detectors/pipeline.h"

static bool read_sample(const json_t *triple, struct cb_track_sample *ret)
{
    double v[3];
    if (json_array_size(triple) != 3)
        return false;
    for (size_t i = 0; i < 3; i++) {
        const json_t *x = json_array_get(triple, i);
        v[i] = json_number_value(x);
        if (!json_is_number(x) || !(fabs(v[i]) < 4e9))
            return false;
    }
    *ret = (struct cb_track_sample){cb_ns_from_s(v[0]), v[1], v[2]};
    return true;
}

static int feed(const json_t *line, struct cb_pipeline *p)
{
    const json_t *id = json_object_get(line, "track"), *a = json_object_get(line, "samples");
    if (!json_is_integer(id) || !json_is_array(a))
        return -EINVAL;
    size_t n = json_array_size(a);
    CB_AUTO_FREE struct cb_track_sample *s = calloc(n + 1, sizeof *s);
    if (!s)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        if (!read_sample(json_array_get(a, i), &s[i]))
            return -EINVAL;
    return cb_pipeline_on_track(p, json_integer_value(id), s, n);
}

static int feed_all(FILE *f, const char *file, struct cb_pipeline *p)
{
    CB_AUTO_FREE char *text = NULL;
    size_t cap = 0;
    int code = CB_EXIT_OK;
    ssize_t n;
    for (int line = 1; (n = getline(&text, &cap, f)) >= 0; line++) {
        if (strspn(text, " \t\r\n") == (size_t) n)
            continue;
        json_t *o = json_loadb(text, (size_t) n, 0, NULL);
        int r = feed(o, p);
        json_decref(o);
        if (r == 0)
            continue;
        code = CB_EXIT_FAILED;
        fprintf(stderr, "%s:%d: %s\n", file, line,
                r == -EINVAL ? "expected {\"track\": number, \"samples\": [[t_s, x_px, y_px], …]}"
                             : strerror(-r));
    }
    if (ferror(f)) {
        fprintf(stderr, "%s: cannot be read\n", file);
        code = CB_EXIT_FAILED;
    }
    return code;
}

int cb_cli_feed_tracks(const char *file, struct cb_pipeline *p)
{
    bool is_stdin = !strcmp(file, "-");
    FILE *f = is_stdin ? stdin : fopen(file, "rb");
    if (!f) {
        fprintf(stderr, "%s: cannot be opened: %s\n", file, strerror(errno));
        return CB_EXIT_FAILED;
    }
    int code = feed_all(f, file, p);
    if (!is_stdin)
        fclose(f);
    return code;
}
