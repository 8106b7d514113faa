#include "proof.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "hash/sha256.h"

static void hash(const void *bytes, size_t n, char ret[CB_SHA256_LEN])
{
    unsigned char h[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(h, bytes, n);
    sodium_bin2hex(ret, CB_SHA256_LEN, h, sizeof h);
}

/* The file may end in a newline; the hex before it is all that counts. */
static int read_signature(const struct cb_package *p, char ret[CB_SIGNATURE_LEN])
{
    const size_t n = CB_SIGNATURE_LEN - 1;
    if (p->n_signature < n || p->n_signature > n + 1 ||
        (p->n_signature == n + 1 && p->signature[n] != '\n'))
        return -EBADMSG;
    memcpy(ret, p->signature, n);
    ret[n] = '\0';
    return cb_hex_is_valid(ret, (int) n) ? 0 : -EBADMSG;
}

static bool is_signed(const struct cb_package *p, const char *signature, const char *public_key)
{
    unsigned char sig[crypto_sign_BYTES], key[crypto_sign_PUBLICKEYBYTES];
    return sodium_hex2bin(sig, sizeof sig, signature, 2 * sizeof sig, NULL, NULL, NULL) == 0 &&
           sodium_hex2bin(key, sizeof key, public_key, 2 * sizeof key, NULL, NULL, NULL) == 0 &&
           crypto_sign_verify_detached(sig, (const unsigned char *) p->record, p->n_record, key) ==
               0;
}

static bool is_trusted(const char *key, const char (*trusted)[CB_KEY_LEN], size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(trusted[i], key) == 0)
            return true;
    return n == 0;
}

static const struct cb_package_file *find(const struct cb_package *p, const char *name)
{
    for (size_t i = 0; i < p->n_files; i++)
        if (strcmp(p->file[i].name, name) == 0)
            return &p->file[i];
    return NULL;
}

static int prove_files(const struct cb_package *p, struct cb_proven *v, struct cb_error *reterr)
{
    char sha256[CB_SHA256_LEN];
    for (size_t i = 0; i < v->record.n_files; i++) {
        const struct cb_evidence_file *want = &v->record.file[i];
        const struct cb_package_file *got = find(p, want->name);
        if (!got)
            return cb_error_set(reterr, -EBADMSG, p->id, "%s is missing", want->name);
        if (got->n_bytes != want->n_bytes)
            return cb_error_set(reterr, -EBADMSG, p->id, "%s has %zu bytes, its record says %llu",
                                want->name, got->n_bytes, (unsigned long long) want->n_bytes);
        if (cb_sha256(got->bytes, got->n_bytes, sha256) < 0)
            return cb_error_set(reterr, -ENOMEM, p->id, "out of memory");
        if (strcmp(sha256, want->sha256) != 0)
            return cb_error_set(reterr, -EBADMSG, p->id, "%s is altered: its SHA-256 is not the record's",
                                want->name);
        v->file[i] = got;
    }
    return 0;
}

static int check_record(const struct cb_package *p, const char (*trusted)[CB_KEY_LEN], size_t n,
                        struct cb_proven *v, struct cb_error *reterr)
{
    const struct cb_evidence *e = &v->record;
    if (strcmp(e->id, p->id) != 0)
        return cb_error_set(reterr, -EBADMSG, p->id, "its record is of %s", e->id);
    if (!is_trusted(e->public_key, trusted, n))
        return cb_error_set(reterr, -EBADMSG, p->id, "signed by an untrusted key, %s", e->public_key);
    if (!is_signed(p, v->signature, e->public_key))
        return cb_error_set(reterr, -EBADMSG, p->id, "its signature does not fit its record");
    return 0;
}

int cb_prove_record(const struct cb_package *p, const char (*trusted)[CB_KEY_LEN], size_t n_trusted,
             struct cb_proven *ret, struct cb_error *reterr)
{
    struct cb_proven v = {0};
    struct cb_error e = {0};
    if (read_signature(p, v.signature) < 0)
        return cb_error_set(reterr, -EBADMSG, p->id, "record.sig: expected %d hex digits",
                            CB_SIGNATURE_LEN - 1);
    int r = cb_evidence_parse(p->record, p->n_record, &v.record, &e);
    if (r < 0)
        return cb_error_set(reterr, r == -ENOMEM ? r : -EBADMSG, p->id, "record.json: %.60s: %.120s",
                            e.where, e.text);
    hash(p->record, p->n_record, v.record_sha256);
    if ((r = check_record(p, trusted, n_trusted, &v, reterr)) < 0) {
        cb_evidence_deinit(&v.record);
        return r;
    }
    *ret = v;
    return 0;
}

int cb_prove(const struct cb_package *p, const char (*trusted)[CB_KEY_LEN], size_t n_trusted,
             struct cb_proven *ret, struct cb_error *reterr)
{
    struct cb_proven v = {0};
    int r = cb_prove_record(p, trusted, n_trusted, &v, reterr);
    if (r == 0 && (r = prove_files(p, &v, reterr)) < 0)
        cb_evidence_deinit(&v.record);
    if (r == 0)
        *ret = v;
    return r;
}
