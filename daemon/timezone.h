#ifndef DAEMON_TIMEZONE_H
#define DAEMON_TIMEZONE_H

#include "base/err.h"
#include "schema/limits.h"

/**
 * A zone's offsets from UTC: "+08:00" and the like, or an IANA name, whose table is read from the
 * system's tzdata (TZif, RFC 8536). Thread-safe; touches no global of the C library's.
 * @return 0, offsets yours to free; -EINVAL, -ENOENT: reterr->text says what was expected
 */
int cb_timezone_load(const char *name, struct cb_timezone *ret, struct cb_error *reterr);

#endif
