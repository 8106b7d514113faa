#ifndef OUTBOX_MEDIA_H
#define OUTBOX_MEDIA_H

#include <stdbool.h>
#include <stdint.h>

#include "schema/evidence.h"

/* The sealed folders as the outbox sees them. name: in sealed_fd. */

/** Bytes of the files in a package's folder; 0 when it is not there. */
uint64_t cb_media_n_bytes(int sealed_fd, const char *name);
/** Media were removed from it: `delivered` lies in it. */
bool cb_media_is_delivered(int sealed_fd, const char *name);
/** Leaves `delivered`, record.json and record.sig; safe to repeat. @return 0; -errno */
int cb_media_remove(int sealed_fd, const char *name);
/** @return 0 and the record, to deinit; -errno */
int cb_media_read_record(int sealed_fd, const char *name, struct cb_evidence *ret);

#endif
