#ifndef HASH_WEBPUSH_H
#define HASH_WEBPUSH_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/**
 * What a push service and a browser ask of who pushes: messages that the service cannot read (RFC 8291),
 * and a proof of who sends them (VAPID, RFC 8292). Binary things are base64url without padding.
 */

#define CB_P256_PUBLIC_BYTES 65 /* an uncompressed point */
#define CB_P256_SECRET_BYTES 32
#define CB_PUSH_AUTH_BYTES   16
#define CB_PUSH_SALT_BYTES   16
#define CB_PUSH_PUBLIC_LEN   88 /* of a public key as text, with its end */
/* RFC 8291, 4: services take 4096 bytes; 86 of them are the head, 17 the tag and the delimiter */
#define CB_PUSH_MESSAGE_MAX  4096
#define CB_PUSH_TEXT_MAX     (CB_PUSH_MESSAGE_MAX - 86 - 17)

/** A browser's P-256 key and secret, as PushSubscription.getKey() gives them. */
struct cb_push_keys {
    unsigned char p256dh[CB_P256_PUBLIC_BYTES];
    unsigned char auth[CB_PUSH_AUTH_BYTES];
};
/** @return 0; -EINVAL: reterr->where is "p256dh" or "auth", which is none (a key must be on the curve) */
int cb_push_keys_parse(const char *p256dh, const char *auth, struct cb_push_keys *ret,
                       struct cb_error *reterr);

/** What is drawn anew for each message; given by tests alone. */
struct cb_push_chance {
    unsigned char salt[CB_PUSH_SALT_BYTES];
    unsigned char secret[CB_P256_SECRET_BYTES];
};
/**
 * A message for one browser: aes128gcm (RFC 8188) by keys that RFC 8291, 3.4 derives.
 * @param n up to CB_PUSH_TEXT_MAX
 * @param chance NULL: drawn by libcrypto
 * @return 0, *ret_n bytes in ret; -EMSGSIZE; -EINVAL: the browser's key is no key; -EIO
 */
int cb_push_encrypt(const struct cb_push_keys *to, const void *text, size_t n,
                    const struct cb_push_chance *chance, unsigned char ret[CB_PUSH_MESSAGE_MAX],
                    size_t *ret_n);

/** The key by which push services know this city, and whom they may write to when something is wrong. */
struct cb_vapid;
/**
 * @param file P-256 secret key as PEM, of mode 0600
 * @param contact "mailto:…" or "https://…"; it must outlive it
 * @return 0; < 0: reterr names the file or the contact, and what was expected
 */
int cb_vapid_create(struct cb_vapid **ret, const char *file, const char *contact, struct cb_error *reterr);
/** Takes NULL. */
void cb_vapid_destroy(struct cb_vapid **v);
/** What browsers subscribe with (applicationServerKey). */
const char *cb_vapid_public(const struct cb_vapid *v);
/**
 * "vapid t=…, k=…" of RFC 8292, 3, yours to free.
 * @param origin of the push service, "https://host[:port]", n bytes
 * @param until_s UTC, s since 1970, at most a day ahead
 */
int cb_vapid_authorize(const struct cb_vapid *v, const char *origin, size_t n, int64_t until_s,
                       char **ret, struct cb_error *reterr);
/** Makes a key; never overwrites a file. @return -EEXIST … */
int cb_vapid_generate(const char *file, char ret_public[CB_PUSH_PUBLIC_LEN], struct cb_error *reterr);

#endif
