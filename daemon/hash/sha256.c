#include "hash/sha256.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"

#define BLOCK 65536

static void print_hex(const unsigned char *hash, char ret[CB_SHA256_LEN])
{
    for (int i = 0; i < 32; i++)
        snprintf(ret + 2 * i, 3, "%02x", hash[i]);
}

int cb_sha256(const void *bytes, size_t n, char ret[CB_SHA256_LEN])
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    if (!EVP_Digest(bytes, n, hash, NULL, EVP_sha256(), NULL))
        return -ENOMEM;
    print_hex(hash, ret);
    return 0;
}

/* @return bytes read; -errno */
static int64_t add_file(EVP_MD_CTX *ctx, int fd, unsigned char *block)
{
    off_t at = 0;
    for (;;) {
        ssize_t n = pread(fd, block, BLOCK, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return at;
        if (!EVP_DigestUpdate(ctx, block, (size_t) n))
            return -ENOMEM;
        at += n;
    }
}

int cb_sha256_file(int fd, char ret[CB_SHA256_LEN], uint64_t *ret_n_bytes)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    CB_AUTO_FREE unsigned char *block = malloc(BLOCK);
    EVP_MD_CTX *ctx = block ? EVP_MD_CTX_new() : NULL;
    int64_t n = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) ? add_file(ctx, fd, block)
                                                                  : -ENOMEM;
    if (n >= 0 && !EVP_DigestFinal_ex(ctx, hash, NULL))
        n = -ENOMEM;
    EVP_MD_CTX_free(ctx);
    if (n < 0)
        return (int) n;
    print_hex(hash, ret);
    *ret_n_bytes = (uint64_t) n;
    return 0;
}
