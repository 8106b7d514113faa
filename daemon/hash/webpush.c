/* RFC 8291 over RFC 8188: one record, encrypted for one browser. */
#include "hash/webpush.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>
#include <sodium.h>
#include <stdbool.h>
#include <string.h>

#include "p256.h"

#define KEY_BYTES 16
#define NONCE_BYTES 12
#define TAG_BYTES 16
#define SHARED_BYTES 32
#define HEAD_BYTES (CB_PUSH_SALT_BYTES + 4 + 1 + CB_P256_PUBLIC_BYTES)
#define LAST_RECORD 0x02 /* delimiter (RFC 8188, 2) */

static int read_base64url(const char *text, unsigned char *ret, size_t n)
{
    size_t got = 0;
    const char *end = NULL;
    if (sodium_base642bin(ret, n, text, strlen(text), NULL, &got, &end,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 || *end || got != n)
        return -EINVAL;
    return 0;
}

int cb_push_keys_parse(const char *p256dh, const char *auth, struct cb_push_keys *ret,
                       struct cb_error *reterr)
{
    struct cb_push_keys k;
    EVP_PKEY *key = read_base64url(p256dh, k.p256dh, sizeof k.p256dh) == 0
                        ? cb_p256_from_public(k.p256dh) : NULL;
    EVP_PKEY_free(key);
    ERR_clear_error();
    if (!key)
        return cb_error_set(reterr, -EINVAL, "p256dh", "expected a point of P-256, uncompressed, as base64url");
    if (read_base64url(auth, k.auth, sizeof k.auth) < 0)
        return cb_error_set(reterr, -EINVAL, "auth", "expected %d bytes as base64url", CB_PUSH_AUTH_BYTES);
    *ret = k;
    return 0;
}

static int agree(EVP_PKEY *own, EVP_PKEY *other, unsigned char ret[SHARED_BYTES])
{
    size_t n = SHARED_BYTES;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(own, NULL);
    bool is_right = ctx && EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer(ctx, other) == 1 &&
                    EVP_PKEY_derive(ctx, ret, &n) == 1 && n == SHARED_BYTES;
    EVP_PKEY_CTX_free(ctx);
    return is_right ? 0 : -EIO;
}

struct bytes {
    const void *at;
    size_t n;
};

/* HKDF with SHA-256 (RFC 5869), extract and expand. */
static int derive(struct bytes salt, struct bytes secret, struct bytes info, unsigned char *ret, size_t n)
{
    char sha256[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, sha256, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *) secret.at, secret.n),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *) salt.at, salt.n),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *) info.at, info.n),
        OSSL_PARAM_construct_end()};
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
    int r = ctx && EVP_KDF_derive(ctx, ret, n, params) == 1 ? 0 : -EIO;
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    return r;
}

struct keys {
    unsigned char content[KEY_BYTES], nonce[NONCE_BYTES];
};

/* RFC 8291, 3.4: the browser's secret joins in; then RFC 8188, 2.2 and 2.3. */
static int derive_keys(const struct cb_push_keys *to, const unsigned char shared[SHARED_BYTES],
                       const unsigned char own_public[CB_P256_PUBLIC_BYTES],
                       const unsigned char salt[CB_PUSH_SALT_BYTES], struct keys *ret)
{
    static const char content_info[] = "Content-Encoding: aes128gcm"; /* its end is part of it */
    static const char nonce_info[] = "Content-Encoding: nonce";
    unsigned char info[14 + 2 * CB_P256_PUBLIC_BYTES] = "WebPush: info", ikm[32];
    memcpy(info + 14, to->p256dh, CB_P256_PUBLIC_BYTES);
    memcpy(info + 14 + CB_P256_PUBLIC_BYTES, own_public, CB_P256_PUBLIC_BYTES);
    const struct bytes salted = {salt, CB_PUSH_SALT_BYTES}, key = {ikm, sizeof ikm};
    int r = derive((struct bytes){to->auth, sizeof to->auth}, (struct bytes){shared, SHARED_BYTES},
                   (struct bytes){info, sizeof info}, ikm, sizeof ikm);
    if (r == 0)
        r = derive(salted, key, (struct bytes){content_info, sizeof content_info}, ret->content, KEY_BYTES);
    if (r == 0)
        r = derive(salted, key, (struct bytes){nonce_info, sizeof nonce_info}, ret->nonce, NONCE_BYTES);
    OPENSSL_cleanse(ikm, sizeof ikm);
    return r;
}

static int seal(const struct keys *k, const void *text, size_t n, unsigned char *ret)
{
    const unsigned char delimiter = LAST_RECORD;
    int n1 = 0, n2 = 0, n3 = 0;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool is_right = ctx && EVP_EncryptInit_ex(ctx, EVP_aes_128_gcm(), NULL, k->content, k->nonce) == 1 &&
                    EVP_EncryptUpdate(ctx, ret, &n1, text, (int) n) == 1 &&
                    EVP_EncryptUpdate(ctx, ret + n1, &n2, &delimiter, 1) == 1 &&
                    EVP_EncryptFinal_ex(ctx, ret + n1 + n2, &n3) == 1 &&
                    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, ret + n1 + n2 + n3) == 1;
    EVP_CIPHER_CTX_free(ctx);
    return is_right ? 0 : -EIO;
}

/* Salt, record size, length of the key's name, and as that name the sender's public key. */
static void write_head(const unsigned char salt[CB_PUSH_SALT_BYTES],
                       const unsigned char own_public[CB_P256_PUBLIC_BYTES], unsigned char *ret)
{
    const unsigned char fixed[5] = {0, 0, CB_PUSH_MESSAGE_MAX >> 8, CB_PUSH_MESSAGE_MAX & 0xff,
                                    CB_P256_PUBLIC_BYTES};
    memcpy(ret, salt, CB_PUSH_SALT_BYTES);
    memcpy(ret + CB_PUSH_SALT_BYTES, fixed, sizeof fixed);
    memcpy(ret + CB_PUSH_SALT_BYTES + sizeof fixed, own_public, CB_P256_PUBLIC_BYTES);
}

static int encrypt(EVP_PKEY *own, EVP_PKEY *browser, const struct cb_push_keys *to,
                   const unsigned char salt[CB_PUSH_SALT_BYTES], const void *text, size_t n,
                   unsigned char *ret)
{
    unsigned char shared[SHARED_BYTES], own_public[CB_P256_PUBLIC_BYTES];
    struct keys k;
    if (!own)
        return -EIO;
    int r = browser ? cb_p256_public(own, own_public) : -EINVAL;
    if (r == 0)
        r = agree(own, browser, shared);
    if (r == 0)
        r = derive_keys(to, shared, own_public, salt, &k);
    if (r == 0) {
        write_head(salt, own_public, ret);
        r = seal(&k, text, n, ret + HEAD_BYTES);
    }
    OPENSSL_cleanse(shared, sizeof shared);
    OPENSSL_cleanse(&k, sizeof k);
    return r;
}

int cb_push_encrypt(const struct cb_push_keys *to, const void *text, size_t n,
                    const struct cb_push_chance *chance, unsigned char ret[CB_PUSH_MESSAGE_MAX],
                    size_t *ret_n)
{
    unsigned char salt[CB_PUSH_SALT_BYTES];
    if (n > CB_PUSH_TEXT_MAX)
        return -EMSGSIZE;
    if (chance)
        memcpy(salt, chance->salt, sizeof salt);
    else if (RAND_bytes(salt, sizeof salt) != 1)
        return -EIO;
    EVP_PKEY *own = chance ? cb_p256_from_secret(chance->secret) : cb_p256_generate();
    EVP_PKEY *browser = cb_p256_from_public(to->p256dh);
    int r = encrypt(own, browser, to, salt, text, n, ret);
    EVP_PKEY_free(browser);
    EVP_PKEY_free(own);
    ERR_clear_error();
    if (r == 0)
        *ret_n = HEAD_BYTES + n + 1 + TAG_BYTES;
    return r;
}
