#include "evidence/key.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "durable.h"

#define EXPECTED "expected one line of 64 hex digits as citybrain keygen writes it"

struct cb_key {
    unsigned char secret[crypto_sign_SECRETKEYBYTES];
    char public_key[CB_KEY_LEN];
};

static int key_from_seed(const unsigned char seed[crypto_sign_SEEDBYTES], struct cb_key **ret)
{
    unsigned char public_key[crypto_sign_PUBLICKEYBYTES];
    struct cb_key *k = sodium_malloc(sizeof *k);
    if (!k)
        return -ENOMEM;
    crypto_sign_seed_keypair(public_key, k->secret, seed);
    sodium_bin2hex(k->public_key, sizeof k->public_key, public_key, sizeof public_key);
    *ret = k;
    return 0;
}

/* Reads 64 hex digits of a file, and nothing behind them but the line's end. */
static int read_hex(int fd, const char *file, char ret[CB_KEY_LEN], struct cb_error *reterr)
{
    char text[CB_KEY_LEN + 2] = "";
    ssize_t n = read(fd, text, sizeof text - 1);
    if (n < 0)
        return cb_error_set(reterr, -errno, file, "cannot be read: %s", strerror(errno));
    text[n] = '\0';
    text[strcspn(text, "\r\n")] = '\0';
    bool is_hex = n <= CB_KEY_LEN && cb_hex_is_valid(text, CB_KEY_LEN - 1);
    if (is_hex)
        memcpy(ret, text, CB_KEY_LEN);
    sodium_memzero(text, sizeof text);
    return is_hex ? 0 : cb_error_set(reterr, -EINVAL, file, "is no key: " EXPECTED);
}

static int open_file(const char *file, int *ret_fd, struct stat *ret_st, struct cb_error *reterr)
{
    CB_AUTO_CLOSE int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, ret_st) < 0)
        return cb_error_set(reterr, -errno, file, "cannot be opened: %s", strerror(errno));
    if (!S_ISREG(ret_st->st_mode))
        return cb_error_set(reterr, -EINVAL, file, "is not a file: " EXPECTED);
    *ret_fd = fd;
    fd = -1;
    return 0;
}

int cb_key_load(struct cb_key **ret, const char *file, struct cb_error *reterr)
{
    if (sodium_init() < 0)
        return cb_error_set(reterr, -EIO, file, "libsodium cannot start");
    CB_AUTO_CLOSE int fd = -1;
    struct stat st;
    char hex[CB_KEY_LEN];
    unsigned char seed[crypto_sign_SEEDBYTES];
    int r = open_file(file, &fd, &st, reterr);
    if (r < 0)
        return r;
    if (st.st_mode & 077)
        return cb_error_set(reterr, -EACCES, file,
                            "is open to others (mode %04o), expected 0600: chmod 600 it, or make "
                            "a new key if others may have read it",
                            (unsigned) st.st_mode & 07777);
    if ((r = read_hex(fd, file, hex, reterr)) < 0)
        return r;
    sodium_hex2bin(seed, sizeof seed, hex, CB_KEY_LEN - 1, NULL, NULL, NULL);
    r = key_from_seed(seed, ret);
    sodium_memzero(seed, sizeof seed);
    sodium_memzero(hex, sizeof hex);
    return r;
}

static int write_line(const char *name, const char *suffix, const char *hex, unsigned mode,
                      struct cb_error *reterr)
{
    char line[CB_KEY_LEN + 1];
    size_t size = strlen(name) + strlen(suffix) + 1;
    CB_AUTO_FREE char *file = malloc(size);
    if (!file)
        return -ENOMEM;
    snprintf(file, size, "%s%s", name, suffix);
    snprintf(line, sizeof line, "%s\n", hex);
    int r = cb_durable_write(AT_FDCWD, file, line, CB_KEY_LEN, mode);
    sodium_memzero(line, sizeof line);
    if (r == -EEXIST)
        return cb_error_set(reterr, r, file, "is there already: a key is never overwritten");
    if (r < 0)
        return cb_error_set(reterr, r, file, "cannot be written: %s", strerror(-r));
    return 0;
}

int cb_key_generate(const char *name, char ret_public[CB_KEY_LEN], struct cb_error *reterr)
{
    if (sodium_init() < 0)
        return cb_error_set(reterr, -EIO, name, "libsodium cannot start");
    unsigned char seed[crypto_sign_SEEDBYTES];
    char hex[CB_KEY_LEN];
    struct cb_key *k = NULL;
    randombytes_buf(seed, sizeof seed);
    sodium_bin2hex(hex, sizeof hex, seed, sizeof seed);
    int r = key_from_seed(seed, &k);
    sodium_memzero(seed, sizeof seed);
    if (r == 0)
        r = write_line(name, ".key", hex, 0600, reterr);
    if (r == 0)
        r = write_line(name, ".pub", k->public_key, 0644, reterr);
    if (r == 0)
        memcpy(ret_public, k->public_key, CB_KEY_LEN);
    sodium_memzero(hex, sizeof hex);
    cb_key_destroy(&k);
    return r;
}

void cb_key_destroy(struct cb_key **k)
{
    sodium_free(*k); /* wipes; takes NULL */
    *k = NULL;
}

const char *cb_key_public(const struct cb_key *k)
{
    return k->public_key;
}

void cb_key_sign(const struct cb_key *k, const void *bytes, size_t n, char ret[CB_SIGNATURE_LEN])
{
    unsigned char signature[crypto_sign_BYTES];
    crypto_sign_detached(signature, NULL, bytes, n, k->secret);
    sodium_bin2hex(ret, CB_SIGNATURE_LEN, signature, sizeof signature);
}

int cb_key_load_public(const char *hex_or_file, char ret[CB_KEY_LEN], struct cb_error *reterr)
{
    if (cb_hex_is_valid(hex_or_file, CB_KEY_LEN - 1)) {
        memcpy(ret, hex_or_file, CB_KEY_LEN);
        return 0;
    }
    CB_AUTO_CLOSE int fd = -1;
    struct stat st;
    int r = open_file(hex_or_file, &fd, &st, reterr);
    return r < 0 ? r : read_hex(fd, hex_or_file, ret, reterr);
}

bool cb_key_is_signature_of(const char *public_key, const char *signature, const void *bytes,
                            size_t n)
{
    unsigned char key[crypto_sign_PUBLICKEYBYTES], sig[crypto_sign_BYTES];
    if (!cb_hex_is_valid(public_key, CB_KEY_LEN - 1) ||
        !cb_hex_is_valid(signature, CB_SIGNATURE_LEN - 1))
        return false;
    sodium_hex2bin(key, sizeof key, public_key, CB_KEY_LEN - 1, NULL, NULL, NULL);
    sodium_hex2bin(sig, sizeof sig, signature, CB_SIGNATURE_LEN - 1, NULL, NULL, NULL);
    return crypto_sign_verify_detached(sig, bytes, n, key) == 0;
}
