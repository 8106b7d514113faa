#include "bus/framing.h"

#include <errno.h>
#include <string.h>

#define VERSION 1

void cb_bus_u64_print(uint64_t v, uint8_t ret[8])
{
    for (int i = 0; i < 8; i++)
        ret[i] = (uint8_t) (v >> (56 - 8 * i));
}

uint64_t cb_bus_u64_parse(const uint8_t b[8])
{
    uint64_t v = 0;
    for (int i = 0; i < 8; i++)
        v = v << 8 | b[i];
    return v;
}

void cb_bus_head_print(enum cb_bus_kind kind, uint8_t ret[CB_BUS_HEAD_LEN])
{
    ret[0] = 'C';
    ret[1] = 'B';
    ret[2] = VERSION;
    ret[3] = (uint8_t) kind;
}

int cb_bus_head_parse(const struct cb_bus_frame *f)
{
    const uint8_t *b = f->data;
    if (f->n != CB_BUS_HEAD_LEN || b[0] != 'C' || b[1] != 'B')
        return -EPROTO;
    if (b[2] != VERSION)
        return -EPROTONOSUPPORT;
    switch (b[3]) {
    case CB_BUS_PACKAGE:
    case CB_BUS_MINUTES:
    case CB_BUS_CAMERAS:
    case CB_BUS_ACK:
    case CB_BUS_REJECT:
    case CB_BUS_RETRY:
    case CB_BUS_READY:
        return b[3];
    default:
        return -EPROTO;
    }
}

bool cb_bus_name_is_valid(const char *name, size_t n)
{
    if (n < 1 || n > 63 || name[0] == '.')
        return false;
    for (size_t i = 0; i < n; i++) {
        char c = name[i];
        bool is_fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
        if (!is_fine)
            return false;
    }
    return true;
}

static int copy_id(const struct cb_bus_frame *f, char ret[CB_UUID_LEN])
{
    char id[CB_UUID_LEN];
    if (f->n != CB_UUID_LEN - 1)
        return -EBADMSG;
    memcpy(id, f->data, f->n);
    id[f->n] = '\0';
    if (!cb_uuid_is_valid(id))
        return -EBADMSG;
    memcpy(ret, id, sizeof id);
    return 0;
}

static int check_name(const struct cb_package *p, size_t i, struct cb_error *reterr)
{
    const char *name = p->file[i].name;
    if (!cb_bus_name_is_valid(name, strlen(name)))
        return cb_error_set(reterr, -EBADMSG, p->id,
                            "file %zu has a name that is none of [A-Za-z0-9._-]{1,63}", i + 1);
    if (strcmp(name, CB_BUS_RECORD_NAME) == 0 || strcmp(name, CB_BUS_SIGNATURE_NAME) == 0)
        return cb_error_set(reterr, -EBADMSG, p->id, "\"%s\" is no name for a file", name);
    for (size_t k = 0; k < i; k++)
        if (strcmp(name, p->file[k].name) == 0)
            return cb_error_set(reterr, -EBADMSG, p->id, "\"%s\" is there twice", name);
    return 0;
}

int cb_bus_package_check(const struct cb_package *p, struct cb_error *reterr)
{
    uint64_t n_bytes = p->n_record;
    if (!cb_uuid_is_valid(p->id))
        return cb_error_set(reterr, -EBADMSG, "package", "its id is no UUID");
    if (p->n_record < 1 || p->n_record > CB_BUS_RECORD_BYTES_MAX)
        return cb_error_set(reterr, -EBADMSG, p->id, "record.json has %zu bytes, expected 1 to %u",
                            p->n_record, CB_BUS_RECORD_BYTES_MAX);
    if (p->n_signature < CB_SIGNATURE_LEN - 1 || p->n_signature > CB_SIGNATURE_LEN)
        return cb_error_set(reterr, -EBADMSG, p->id, "record.sig has %zu bytes, expected %d",
                            p->n_signature, CB_SIGNATURE_LEN - 1);
    if (p->n_files > CB_EVIDENCE_FILES_MAX)
        return cb_error_set(reterr, -EBADMSG, p->id, "it has %zu files, expected at most %d",
                            p->n_files, CB_EVIDENCE_FILES_MAX);
    for (size_t i = 0; i < p->n_files; i++) {
        int r = check_name(p, i, reterr);
        if (r < 0)
            return r;
        if (p->file[i].n_bytes > CB_BUS_FILE_BYTES_MAX)
            return cb_error_set(reterr, -EBADMSG, p->id, "%s has %zu bytes, expected at most %u",
                                p->file[i].name, p->file[i].n_bytes, CB_BUS_FILE_BYTES_MAX);
        n_bytes += p->file[i].n_bytes;
    }
    if (n_bytes > CB_BUS_PACKAGE_BYTES_MAX)
        return cb_error_set(reterr, -EBADMSG, p->id, "it has %llu bytes, expected at most %u",
                            (unsigned long long) n_bytes, CB_BUS_PACKAGE_BYTES_MAX);
    return 0;
}

static int copy_names(const struct cb_bus_frame *frames, size_t n_files,
                      struct cb_bus_names *names, struct cb_error *reterr)
{
    for (size_t i = 0; i < n_files; i++) {
        const struct cb_bus_frame *f = &frames[4 + 2 * i];
        if (!cb_bus_name_is_valid(f->data, f->n))
            return cb_error_set(reterr, -EBADMSG, names->id,
                                "file %zu has a name that is none of [A-Za-z0-9._-]{1,63}", i + 1);
        memcpy(names->file[i], f->data, f->n);
        names->file[i][f->n] = '\0';
    }
    return 0;
}

int cb_bus_package_parse(const struct cb_bus_frame *frames, size_t n_frames,
                         struct cb_bus_names *names, struct cb_package *ret,
                         struct cb_error *reterr)
{
    int r = n_frames > 0 ? cb_bus_head_parse(&frames[0]) : -EPROTO;
    if (r < 0)
        return cb_error_set(reterr, r, "package", "frame 0 is no head of this protocol's version %d",
                            VERSION);
    if (r != CB_BUS_PACKAGE)
        return cb_error_set(reterr, -EPROTO, "package", "frame 0 names another kind of message");
    if (n_frames < 4 || n_frames % 2 != 0 || n_frames > CB_BUS_FRAMES_MAX)
        return cb_error_set(reterr, -EBADMSG, "package",
                            "%zu frames, expected head, id, record, signature and 2 for each of "
                            "at most %d files", n_frames, CB_EVIDENCE_FILES_MAX);
    if (copy_id(&frames[1], names->id) < 0)
        return cb_error_set(reterr, -EBADMSG, "package", "frame 1 is no UUID");

    struct cb_package p = {
        .id = names->id,
        .record = frames[2].data,
        .n_record = frames[2].n,
        .signature = frames[3].data,
        .n_signature = frames[3].n,
        .n_files = (n_frames - 4) / 2,
    };
    if ((r = copy_names(frames, p.n_files, names, reterr)) < 0)
        return r;
    for (size_t i = 0; i < p.n_files; i++)
        p.file[i] = (struct cb_package_file) {
            names->file[i], frames[5 + 2 * i].data, frames[5 + 2 * i].n};
    if ((r = cb_bus_package_check(&p, reterr)) < 0)
        return r;
    *ret = p;
    return 0;
}

/* A reason comes from the other side and goes into logs: one line, no controls. */
static void copy_reason(const struct cb_bus_frame *f, char ret[CB_BUS_REASON_LEN])
{
    const unsigned char *s = f->data;
    size_t n = f->n < CB_BUS_REASON_LEN - 1 ? f->n : CB_BUS_REASON_LEN - 1;
    for (size_t i = 0; i < n; i++)
        ret[i] = s[i] < 0x20 || s[i] == 0x7f ? ' ' : (char) s[i];
    ret[n] = '\0';
}

int cb_bus_reply_parse(const struct cb_bus_frame *frames, size_t n_frames,
                       struct cb_bus_reply *ret)
{
    struct cb_bus_reply y = {0};
    int r = n_frames >= 1 && n_frames <= 3 ? cb_bus_head_parse(&frames[0]) : -EBADMSG;
    if (r == CB_BUS_READY && n_frames == 1) {
        *ret = (struct cb_bus_reply) {.kind = CB_BUS_READY};
        return 0;
    }
    if (n_frames < 2)
        return -EBADMSG;
    if (r != CB_BUS_ACK && r != CB_BUS_REJECT && r != CB_BUS_RETRY)
        return -EBADMSG;
    y.kind = (enum cb_bus_kind) r;
    if (frames[1].n == 8)
        y.number = cb_bus_u64_parse(frames[1].data);
    else if (copy_id(&frames[1], y.id) < 0)
        return -EBADMSG;
    if (n_frames == 3)
        copy_reason(&frames[2], y.reason);
    *ret = y;
    return 0;
}
