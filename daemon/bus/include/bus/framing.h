#ifndef BUS_FRAMING_H
#define BUS_FRAMING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "schema/package.h"

/**
 * What travels between an edge and the store, as ZeroMQ multiparts. All of it is pure: bytes in,
 * views of these bytes out, so that anything may be thrown at it (tests/fuzz).
 *
 * Frame 0 of each message is a head of four bytes: 'C' 'B', version 1, kind. Then:
 *   package  id, record.json, record.sig, then name and bytes of each file
 *   minutes  8 bytes big-endian number, JSON array (schema/minute.h)
 *   cameras  8 bytes that say nothing, JSON array (schema/camera_state.h): not answered, and not sent
 *            again; the next one says more
 *   ack      id or number: it is committed, and on disk
 *   reject   id or number, reason: it will never be stored
 *   retry    id or number, reason: not now
 *   ready    nothing more: to those who were told "not now", it may be tried again
 */
enum cb_bus_kind {
    CB_BUS_PACKAGE = 1,
    CB_BUS_MINUTES = 2,
    CB_BUS_CAMERAS = 3,
    CB_BUS_ACK = 0x41,
    CB_BUS_REJECT = 0x42,
    CB_BUS_RETRY = 0x43,
    CB_BUS_READY = 0x44,
};

#define CB_BUS_HEAD_LEN 4
#define CB_BUS_FRAMES_MAX (4 + 2 * CB_EVIDENCE_FILES_MAX)
#define CB_BUS_RECORD_BYTES_MAX (1u << 20)
#define CB_BUS_FILE_BYTES_MAX (256u << 20)
#define CB_BUS_PACKAGE_BYTES_MAX (512u << 20)
#define CB_BUS_MINUTES_BYTES_MAX (1u << 20)
#define CB_BUS_REASON_LEN 256
/** The package's own names, as file names too. */
#define CB_BUS_RECORD_NAME "record.json"
#define CB_BUS_SIGNATURE_NAME "record.sig"

struct cb_bus_frame {
    const void *data;
    size_t n;
};

/** The store's answer. */
struct cb_bus_reply {
    enum cb_bus_kind kind;   /* CB_BUS_ACK, CB_BUS_REJECT, CB_BUS_RETRY or CB_BUS_READY */
    char id[CB_UUID_LEN];    /* "" when number counts */
    uint64_t number;
    char reason[CB_BUS_REASON_LEN]; /* valid UTF-8 is not promised; controls are replaced */
};

void cb_bus_head_print(enum cb_bus_kind kind, uint8_t ret[CB_BUS_HEAD_LEN]);
/** @return the kind; -EPROTO: not this protocol; -EPROTONOSUPPORT: another version */
int cb_bus_head_parse(const struct cb_bus_frame *f);

/** A name that is safe as a file name everywhere: [A-Za-z0-9._-]{1,63}, no leading dot. */
bool cb_bus_name_is_valid(const char *name, size_t n);

/**
 * All frames of a package message, the head too. ret lends from frames, except its strings: id and
 * the files' names are copied to `names`.
 * @return 0; -EBADMSG (poison), -EPROTO, -EPROTONOSUPPORT: reterr says which frame
 */
struct cb_bus_names {
    char id[CB_UUID_LEN];
    char file[CB_EVIDENCE_FILES_MAX][64];
};
int cb_bus_package_parse(const struct cb_bus_frame *frames, size_t n_frames,
                         struct cb_bus_names *names, struct cb_package *ret,
                         struct cb_error *reterr);
/** The same limits on the sender's side. @return 0; -EBADMSG: it would be refused */
int cb_bus_package_check(const struct cb_package *p, struct cb_error *reterr);

/** @return 0; -EBADMSG */
int cb_bus_reply_parse(const struct cb_bus_frame *frames, size_t n_frames,
                       struct cb_bus_reply *ret);

void cb_bus_u64_print(uint64_t v, uint8_t ret[8]);
uint64_t cb_bus_u64_parse(const uint8_t b[8]);

#endif
