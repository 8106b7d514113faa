/* Messages of the bus: the input is a row of frames, each with its length before it (two bytes,
 * big-endian; the last may be cut short). What is accepted keeps the limits it promises. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus/framing.h"
#include "target.h"

enum { FRAMES_MAX = CB_BUS_FRAMES_MAX + 8 };

static void want(bool is_true, const char *what)
{
    if (is_true)
        return;
    fprintf(stderr, "a message was accepted although not: %s\n", what);
    abort();
}

static size_t split(const uint8_t *data, size_t size, struct cb_bus_frame ret[FRAMES_MAX])
{
    size_t n_frames = 0;
    while (size >= 2 && n_frames < FRAMES_MAX) {
        size_t n = (size_t) data[0] << 8 | data[1];
        data += 2;
        size -= 2;
        if (n > size)
            n = size;
        ret[n_frames++] = (struct cb_bus_frame){data, n};
        data += n;
        size -= n;
    }
    return n_frames;
}

static void check_package(const struct cb_package *p)
{
    struct cb_error e = {0};
    want(cb_uuid_is_valid(p->id), "its id is a UUID");
    want(p->n_record <= CB_BUS_RECORD_BYTES_MAX, "its record is short enough");
    want(p->n_files <= CB_EVIDENCE_FILES_MAX, "it has few enough files");
    for (size_t i = 0; i < p->n_files; i++)
        want(cb_bus_name_is_valid(p->file[i].name, strlen(p->file[i].name)) &&
                 !strchr(p->file[i].name, '/'),
             "its files have plain names");
    want(cb_bus_package_check(p, &e) == 0, "its sender would have sent it");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cb_bus_frame frame[FRAMES_MAX];
    size_t n = split(data, size, frame);
    struct cb_bus_names names;
    struct cb_package package = {0};
    struct cb_bus_reply reply = {0};
    struct cb_error e = {0};
    int r = cb_bus_package_parse(frame, n, &names, &package, &e);
    if (r == 0)
        check_package(&package);
    else
        want(e.text[0], "it was refused without a word");
    if (cb_bus_reply_parse(frame, n, &reply) == 0)
        want(strlen(reply.reason) < CB_BUS_REASON_LEN, "its reason ends");
    if (n)
        cb_bus_head_parse(&frame[0]);
    return 0;
}
