#include <sodium.h>
#include <string.h>

#include "gateway_private.h"

#define VARIANT sodium_base64_VARIANT_URLSAFE_NO_PADDING

static bool is_token(const char *t)
{
    return strlen(t) == CB_TOKEN_LEN - 1 &&
           strspn(t, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") ==
               CB_TOKEN_LEN - 1;
}

bool cb_session_read_cookie(struct cb_request *q)
{
    const char *t = MHD_lookup_connection_value(q->connection, MHD_COOKIE_KIND, CB_COOKIE);
    if (!t || !is_token(t))
        return false;
    memcpy(q->token, t, CB_TOKEN_LEN);
    cb_session_hash(t, q->token_sha256);
    return true;
}

void cb_session_new_token(char ret[CB_TOKEN_LEN])
{
    unsigned char bytes[32];
    randombytes_buf(bytes, sizeof bytes);
    sodium_bin2base64(ret, CB_TOKEN_LEN, bytes, sizeof bytes, VARIANT);
}

void cb_session_hash(const char *token, unsigned char ret[CB_TOKEN_HASH_BYTES])
{
    crypto_hash_sha256(ret, (const unsigned char *) token, strlen(token));
}

/* Made of the token itself: nothing more to keep, and worth nothing without the cookie. */
void cb_session_csrf(const char *token, char ret[CB_TOKEN_LEN])
{
    static const unsigned char what[] = "citybrain csrf";
    unsigned char h[32];
    crypto_generichash(h, sizeof h, what, sizeof what - 1, (const unsigned char *) token,
                       strlen(token));
    sodium_bin2base64(ret, CB_TOKEN_LEN, h, sizeof h, VARIANT);
}

bool cb_session_csrf_is_right(const char *token, const char *header)
{
    char want[CB_TOKEN_LEN];
    cb_session_csrf(token, want);
    return header && strlen(header) == CB_TOKEN_LEN - 1 &&
           sodium_memcmp(want, header, CB_TOKEN_LEN) == 0;
}
