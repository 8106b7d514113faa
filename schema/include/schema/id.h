#ifndef SCHEMA_ID_H
#define SCHEMA_ID_H

#include <stdbool.h>
#include <stdint.h>

#define CB_UUID_LEN 37   /* 8-4-4-4-12 and the end */
#define CB_SHA256_LEN 65 /* hex and the end */
#define CB_KEY_LEN 65    /* Ed25519 public key, hex and the end */
#define CB_SIGNATURE_LEN 129

/** RFC 9562 UUIDv7 of a UTC time (ms) and 10 random bytes, lower case. Pure. */
void cb_uuid7_print(int64_t utc_ns, const uint8_t random[10], char ret[CB_UUID_LEN]);
bool cb_uuid_is_valid(const char *text);
/** True for exactly n lower-case hex digits. */
bool cb_hex_is_valid(const char *text, int n);

#endif
