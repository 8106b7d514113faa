/*
 * Violations a second through the store's own code: proven, written, committed, as the receiver hands
 * them over. usage: citybrain-bench-put CONNINFO MEDIA_DIR COUNT BATCH BYTES
 * BYTES: of each of the two files of a package; 0: a record without files. Prints one line: seconds,
 * without making the packages.
 */
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "samples.h"
#include "store/store.h"

#define DIE(what) (fprintf(stderr, "citybrain-bench-put: %s\n", what), exit(1))

struct made {
    char id[CB_UUID_LEN], signature[CB_SIGNATURE_LEN], name[CB_EVIDENCE_FILES_MAX][64];
    struct cb_package package;
};

static void hash(const void *bytes, size_t n, char ret[CB_SHA256_LEN])
{
    unsigned char h[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(h, bytes, n);
    sodium_bin2hex(ret, CB_SHA256_LEN, h, sizeof h);
}

static void add_files(struct made *m, struct cb_evidence *e, size_t n_bytes)
{
    if (n_bytes == 0)
        e->n_files = 0;
    m->package.n_files = e->n_files;
    for (size_t i = 0; i < e->n_files; i++) {
        void *bytes = malloc(n_bytes);
        if (!bytes)
            DIE("out of memory");
        unsigned char seed[randombytes_SEEDBYTES];
        randombytes_buf(seed, sizeof seed);
        randombytes_buf_deterministic(bytes, n_bytes, seed); /* the kernel's own takes as long as all else */
        e->file[i].n_bytes = n_bytes;
        hash(bytes, n_bytes, e->file[i].sha256);
        snprintf(m->name[i], sizeof m->name[i], "%s", e->file[i].name);
        m->package.file[i] = (struct cb_package_file) {m->name[i], bytes, n_bytes};
    }
}

static void make(struct made *m, uint64_t sequence, size_t n_bytes)
{
    static unsigned char public[crypto_sign_PUBLICKEYBYTES], secret[crypto_sign_SECRETKEYBYTES];
    unsigned char signature[crypto_sign_BYTES];
    struct cb_fix path[SAMPLE_FIXES];
    struct cb_violation v;
    struct cb_evidence e;
    uint8_t random[10];
    char *json;
    if (sequence == 1)
        crypto_sign_keypair(public, secret);
    sample_speeding(&v, path);
    v.utc_offset_ns = cb_clock_now_ns() + (int64_t) sequence * CB_NS_PER_MS;
    sample_evidence(&e, &v);
    e.sequence = sequence;
    randombytes_buf(random, sizeof random);
    cb_uuid7_print(e.occurred_utc_ns, random, e.id);
    sodium_bin2hex(e.public_key, sizeof e.public_key, public, sizeof public);
    add_files(m, &e, n_bytes);
    memcpy(m->id, e.id, sizeof m->id);
    if (cb_evidence_print(&e, &json, &m->package.n_record) < 0)
        DIE("a record cannot be printed");
    crypto_sign_detached(signature, NULL, (unsigned char *) json, m->package.n_record, secret);
    sodium_bin2hex(m->signature, sizeof m->signature, signature, sizeof signature);
    m->package.record = json;
    m->package.id = m->id;
    m->package.signature = m->signature;
    m->package.n_signature = sizeof m->signature - 1;
}

static void release(struct made *m)
{
    free((void *) m->package.record);
    for (size_t i = 0; i < m->package.n_files; i++)
        free((void *) m->package.file[i].bytes);
}

/* @return seconds */
static double put(struct cb_store *s, struct made *m, size_t n)
{
    const struct cb_package *p[CB_STORE_BATCH_MAX];
    struct cb_package_verdict v[CB_STORE_BATCH_MAX];
    for (size_t i = 0; i < n; i++)
        p[i] = &m[i].package;
    int64_t start_ns = cb_clock_mono_ns();
    cb_store_put(s, p, n, v);
    int64_t end_ns = cb_clock_mono_ns();
    for (size_t i = 0; i < n; i++)
        if (v[i].r < 0)
            DIE(v[i].error.text);
    return cb_s_from_ns(end_ns - start_ns);
}

int main(int argc, char **argv)
{
    struct cb_store *s = NULL;
    struct cb_error e = {0};
    if (argc != 6 || sodium_init() < 0)
        DIE("usage: CONNINFO MEDIA_DIR COUNT BATCH BYTES");
    struct cb_store_opts opts = {.conninfo = argv[1], .media_dir = argv[2]};
    size_t count = strtoul(argv[3], NULL, 10), batch = strtoul(argv[4], NULL, 10);
    if (batch < 1 || batch > CB_STORE_BATCH_MAX)
        DIE("BATCH");
    struct made *m = calloc(batch, sizeof *m);
    if (!m || cb_store_create(&s, &opts, &e) < 0)
        DIE(e.text);
    double seconds = 0;
    for (size_t done = 0; done < count + 1;) {
        /* the first connects and is not counted */
        size_t left = count + 1 - done, n = done == 0 ? 1 : left < batch ? left : batch;
        for (size_t i = 0; i < n; i++)
            make(&m[i], done + i + 1, strtoul(argv[5], NULL, 10));
        double took = put(s, m, n);
        seconds += done ? took : 0;
        for (size_t i = 0; i < n; i++)
            release(&m[i]);
        done += n;
    }
    cb_store_destroy(&s);
    free(m);
    printf("%.6f\n", seconds);
    return 0;
}
