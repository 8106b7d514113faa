/* RFC 8292: a JWT (RFC 7519) that the push service can check, signed by ES256 (RFC 7518, 3.4). */
#include <errno.h>
#include <fcntl.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "p256.h"
#include "pem.h"

#define EXPECTED "expected a secret key of P-256 as PEM, as citybrain keygen --push writes it"
#define NUMBER_BYTES 32

struct cb_vapid {
    EVP_PKEY *key;
    const char *contact;
    char public_key[CB_PUSH_PUBLIC_LEN];
};

static void print_base64url(const unsigned char *bytes, size_t n, char *ret, size_t size)
{
    sodium_bin2base64(ret, size, bytes, n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

static int print_public(const EVP_PKEY *key, char ret[CB_PUSH_PUBLIC_LEN])
{
    unsigned char point[CB_P256_PUBLIC_BYTES];
    int r = cb_p256_public(key, point);
    if (r == 0)
        print_base64url(point, sizeof point, ret, CB_PUSH_PUBLIC_LEN);
    return r;
}

static int read_key(const char *file, EVP_PKEY **ret, struct cb_error *reterr)
{
    struct stat st;
    FILE *in = fopen(file, "re");
    if (!in || fstat(fileno(in), &st) < 0) {
        int r = -errno;
        if (in)
            fclose(in);
        return cb_error_set(reterr, r, file, "cannot be opened: %s", strerror(-r));
    }
    if (st.st_mode & 077) {
        fclose(in);
        return cb_error_set(reterr, -EACCES, file, "is open to others (mode %04o), expected 0600",
                            (unsigned) st.st_mode & 07777);
    }
    *ret = PEM_read_PrivateKey(in, NULL, cb_pem_no_passphrase, NULL);
    fclose(in);
    ERR_clear_error();
    return *ret ? 0 : cb_error_set(reterr, -EINVAL, file, EXPECTED);
}

int cb_vapid_create(struct cb_vapid **ret, const char *file, const char *contact, struct cb_error *reterr)
{
    if (strncmp(contact, "mailto:", 7) != 0 && strncmp(contact, "https://", 8) != 0)
        return cb_error_set(reterr, -EINVAL, "gateway.push_contact",
                            "expected mailto:… or https://…, where push services can ask");
    if (strpbrk(contact, "\"\\ \t\r\n"))
        return cb_error_set(reterr, -EINVAL, "gateway.push_contact", "expected one without blanks or quotes");
    struct cb_vapid *v = calloc(1, sizeof *v);
    if (!v)
        return -ENOMEM;
    v->contact = contact;
    int r = read_key(file, &v->key, reterr);
    if (r == 0 && print_public(v->key, v->public_key) < 0)
        r = cb_error_set(reterr, -EINVAL, file, EXPECTED);
    if (r < 0) {
        cb_vapid_destroy(&v);
        return r;
    }
    *ret = v;
    return 0;
}

void cb_vapid_destroy(struct cb_vapid **vapid)
{
    struct cb_vapid *v = *vapid;
    if (!v)
        return;
    *vapid = NULL;
    EVP_PKEY_free(v->key);
    free(v);
}

const char *cb_vapid_public(const struct cb_vapid *v)
{
    return v->public_key;
}

/* libcrypto's signature is ASN.1; a JWT's is the two numbers, one after the other. */
static int unpack(const unsigned char *der, size_t n, unsigned char ret[2 * NUMBER_BYTES])
{
    ECDSA_SIG *s = d2i_ECDSA_SIG(NULL, &der, (long) n);
    bool is_right = s && BN_bn2binpad(ECDSA_SIG_get0_r(s), ret, NUMBER_BYTES) == NUMBER_BYTES &&
                    BN_bn2binpad(ECDSA_SIG_get0_s(s), ret + NUMBER_BYTES, NUMBER_BYTES) == NUMBER_BYTES;
    ECDSA_SIG_free(s);
    return is_right ? 0 : -EIO;
}

static int sign(const struct cb_vapid *v, const char *text, unsigned char ret[2 * NUMBER_BYTES])
{
    unsigned char der[128];
    size_t n = sizeof der;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    int r = ctx && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, v->key) == 1 &&
                    EVP_DigestSign(ctx, der, &n, (const unsigned char *) text, strlen(text)) == 1
                ? unpack(der, n, ret) : -EIO;
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return r;
}

/* Head and claims, each as base64url, with the dot between. */
static char *print_claims(const struct cb_vapid *v, const char *origin, size_t n, int64_t until_s)
{
    static const char head[] = "{\"typ\":\"JWT\",\"alg\":\"ES256\"}";
    CB_AUTO_FREE char *claims = NULL;
    int k = asprintf(&claims, "{\"aud\":\"%.*s\",\"exp\":%lld,\"sub\":\"%s\"}", (int) n, origin,
                     (long long) until_s, v->contact);
    if (k < 0) {
        claims = NULL;
        return NULL;
    }
    size_t head_len = sodium_base64_ENCODED_LEN(sizeof head - 1, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    size_t size = sodium_base64_ENCODED_LEN((size_t) k, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    char *text = malloc(head_len + size);
    if (!text)
        return NULL;
    print_base64url((const unsigned char *) head, sizeof head - 1, text, head_len);
    text[head_len - 1] = '.';
    print_base64url((const unsigned char *) claims, (size_t) k, text + head_len, size);
    return text;
}

int cb_vapid_authorize(const struct cb_vapid *v, const char *origin, size_t n, int64_t until_s,
                       char **ret, struct cb_error *reterr)
{
    unsigned char signature[2 * NUMBER_BYTES];
    char printed[4 * NUMBER_BYTES];
    CB_AUTO_FREE char *claims = print_claims(v, origin, n, until_s);
    if (!claims)
        return cb_error_set(reterr, -ENOMEM, "push", "out of memory");
    if (sign(v, claims, signature) < 0)
        return cb_error_set(reterr, -EIO, "push", "the key does not sign");
    print_base64url(signature, sizeof signature, printed, sizeof printed);
    if (asprintf(ret, "vapid t=%s.%s, k=%s", claims, printed, v->public_key) < 0) {
        *ret = NULL;
        return cb_error_set(reterr, -ENOMEM, "push", "out of memory");
    }
    return 0;
}

static int write_key(const char *file, EVP_PKEY *key, struct cb_error *reterr)
{
    int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return cb_error_set(reterr, -errno, file, "%s", errno == EEXIST
                            ? "is there already: a key is never overwritten" : strerror(errno));
    FILE *out = fdopen(fd, "w");
    bool is_right = out && PEM_write_PKCS8PrivateKey(out, key, NULL, NULL, 0, NULL, NULL) == 1 &&
                    fflush(out) == 0 && fsync(fd) == 0;
    if (out)
        is_right = fclose(out) == 0 && is_right;
    else
        close(fd);
    if (is_right)
        return 0;
    unlink(file);
    return cb_error_set(reterr, -EIO, file, "cannot be written");
}

int cb_vapid_generate(const char *file, char ret_public[CB_PUSH_PUBLIC_LEN], struct cb_error *reterr)
{
    EVP_PKEY *key = cb_p256_generate();
    int r = key && print_public(key, ret_public) == 0 ? write_key(file, key, reterr)
                                                      : cb_error_set(reterr, -EIO, file, "no key can be made");
    EVP_PKEY_free(key);
    return r;
}
