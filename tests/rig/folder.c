#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rig.h"

static int is_package(const struct dirent *e)
{
    return cb_uuid_is_valid(e->d_name);
}

static int next(void *self, char ret_id[CB_UUID_LEN], char **ret_dir)
{
    char path[512];
    struct dirent **e;
    snprintf(path, sizeof path, "%s/out", (char *) self);
    int n = scandir(path, &e, is_package, alphasort), r = n > 0 ? 0 : -EAGAIN;
    if (r == 0) {
        memcpy(ret_id, e[0]->d_name, CB_UUID_LEN);
        if (asprintf(ret_dir, "%s/out/%s", (char *) self, ret_id) < 0)
            r = -ENOMEM;
    }
    for (int i = 0; i < n; i++)
        free(e[i]);
    if (n >= 0)
        free(e);
    return r;
}

static int move(const char *folder, const char *id, const char *to)
{
    char from[512], there[512];
    snprintf(from, sizeof from, "%s/out/%s", folder, id);
    snprintf(there, sizeof there, "%s/%s/%s", folder, to, id);
    return rename(from, there) < 0 ? -errno : 0;
}

static int ack(void *self, const char *id)
{
    return move(self, id, "acked");
}

static int set_aside(void *self, const char *id, const char *reason)
{
    char path[512];
    snprintf(path, sizeof path, "%s/aside/%s.reason", (char *) self, id);
    FILE *f = fopen(path, "w");
    if (!f)
        return -errno;
    fputs(reason, f);
    fclose(f);
    return move(self, id, "aside");
}

static uint64_t last(void *self)
{
    char path[512];
    unsigned long long n = 0;
    snprintf(path, sizeof path, "%s/announced", (char *) self);
    FILE *f = fopen(path, "r");
    if (f) {
        if (fscanf(f, "%llu", &n) != 1)
            n = 0;
        fclose(f);
    }
    return n;
}

static int announced(void *self, uint64_t sequence)
{
    char path[512];
    snprintf(path, sizeof path, "%s/announced", (char *) self);
    FILE *f = fopen(path, "w");
    if (!f)
        return -errno;
    fprintf(f, "%llu", (unsigned long long) sequence);
    fclose(f);
    snprintf(path, sizeof path, "%s/announced.log", (char *) self);
    if (!(f = fopen(path, "a")))
        return -errno;
    fprintf(f, "%llu\n", (unsigned long long) sequence);
    return fclose(f) ? -errno : 0;
}

static int read_alert(const char *folder, uint64_t sequence, char **ret_json)
{
    char path[512], text[4096];
    snprintf(path, sizeof path, "%s/alerts/%llu.json", folder, (unsigned long long) sequence);
    FILE *f = fopen(path, "r");
    if (!f)
        return -EAGAIN;
    size_t n = fread(text, 1, sizeof text, f);
    fclose(f);
    *ret_json = strndup(text, n);
    return *ret_json ? 0 : -ENOMEM;
}

static int next_alert(void *self, uint64_t *ret_sequence, char **ret_json)
{
    *ret_sequence = last(self) + 1;
    return read_alert(self, *ret_sequence, ret_json);
}

static int replay(void *self, uint64_t from, uint64_t to,
                  int (*fn)(void *arg, uint64_t sequence, const char *json), void *arg)
{
    int r = 0;
    uint64_t end = last(self);
    for (uint64_t s = from ? from : 1; r == 0 && s <= to && s <= end; s++) {
        char *json;
        if ((r = read_alert(self, s, &json)) < 0)
            return r;
        r = fn(arg, s, json);
        free(json);
    }
    return r;
}

void rig_folder_source(const char *folder, struct cb_bus_source *ret)
{
    *ret = (struct cb_bus_source) {
        .self = (void *) folder,
        .next = next,
        .ack = ack,
        .set_aside = set_aside,
        .next_alert = next_alert,
        .announced = announced,
        .replay = replay,
        .last = last,
    };
}
