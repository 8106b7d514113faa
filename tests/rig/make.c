/* Sealed packages of invented violations: real hashes, real signatures, noise as media. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "rig.h"
#include "samples.h"

#define DIE(what) (perror(what), exit(1))

static void write_file(const char *dir, const char *name, const void *bytes, size_t n)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(bytes, 1, n, f) != n || fclose(f))
        DIE(path);
}

static void hash(const void *bytes, size_t n, char ret[CB_SHA256_LEN])
{
    unsigned char h[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(h, bytes, n);
    sodium_bin2hex(ret, CB_SHA256_LEN, h, sizeof h);
}

static void add_media(struct cb_evidence *e, const char *dir, size_t n_bytes)
{
    unsigned char *bytes = malloc(n_bytes + 1);
    if (!bytes)
        DIE("media");
    for (size_t i = 0; i < e->n_files; i++) {
        randombytes_buf(bytes, n_bytes);
        e->file[i].n_bytes = n_bytes;
        hash(bytes, n_bytes, e->file[i].sha256);
        write_file(dir, e->file[i].name, bytes, n_bytes);
    }
    free(bytes);
}

static bool is(const char *poison, const char *what)
{
    return poison && strcmp(poison, what) == 0;
}

static void spoil(const char *dir, const char *poison)
{
    char path[1024];
    if (is(poison, "file"))
        write_file(dir, "clip.mp4", "altered", 7);
    if (is(poison, "record"))
        write_file(dir, "record.json", "{\"type\":\"evidence\"}", 19);
    snprintf(path, sizeof path, "%s/still-1.jpg", dir);
    if (is(poison, "missing") && remove(path))
        DIE(path);
}

static void seal(struct cb_evidence *e, const char *dir, const unsigned char *secret, char *prev,
                 const char *poison)
{
    unsigned char signature[crypto_sign_BYTES];
    char hex[CB_SIGNATURE_LEN], *json;
    size_t n;
    memcpy(e->prev_sha256, prev, CB_SHA256_LEN);
    if (cb_evidence_print(e, &json, &n) < 0)
        DIE("record");
    crypto_sign_detached(signature, NULL, (unsigned char *) json, n, secret);
    if (is(poison, "signature"))
        signature[5] ^= 1;
    sodium_bin2hex(hex, sizeof hex, signature, sizeof signature);
    write_file(dir, "record.json", json, n);
    write_file(dir, "record.sig", hex, strlen(hex));
    hash(json, n, prev);
    free(json);
}

static void announce(const struct cb_evidence *e, const char *folder)
{
    struct cb_alert a;
    char *json, name[64];
    cb_alert_from_evidence(e, &a);
    a.published_utc_ns = cb_clock_now_ns();
    if (cb_alert_print(&a, &json) < 0)
        DIE("alert");
    snprintf(name, sizeof name, "alerts/%llu.json", (unsigned long long) e->sequence);
    write_file(folder, name, json, strlen(json));
    free(json);
}

static void make_one(const char *folder, uint64_t sequence, const unsigned char *public,
                     const unsigned char *secret, char *prev, const char *poison, size_t n_bytes)
{
    struct cb_fix path[SAMPLE_FIXES];
    struct cb_violation v;
    struct cb_evidence e;
    uint8_t random[10];
    char dir[512], done[512];
    if (sequence % 2)
        sample_speeding(&v, path);
    else
        sample_exhaust(&v, path);
    v.utc_offset_ns += (int64_t) sequence * CB_NS_PER_S;
    sample_evidence(&e, &v);
    e.sequence = sequence;
    randombytes_buf(random, sizeof random);
    cb_uuid7_print(e.occurred_utc_ns, random, e.id);
    sodium_bin2hex(e.public_key, sizeof e.public_key, public, crypto_sign_PUBLICKEYBYTES);
    snprintf(dir, sizeof dir, "%s/.new", folder);
    snprintf(done, sizeof done, "%s/out/%s", folder, e.id);
    if (mkdir(dir, 0755))
        DIE(dir);
    add_media(&e, dir, n_bytes);
    seal(&e, dir, secret, prev, poison);
    spoil(dir, poison);
    if (rename(dir, done))
        DIE(done);
    announce(&e, folder);
    puts(e.id);
}

static void make_folders(const char *folder)
{
    static const char *const names[] = {"", "/out", "/acked", "/aside", "/alerts"};
    char path[512];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s%s", folder, names[i]);
        mkdir(path, 0755);
    }
}

static uint64_t next_sequence(const char *folder)
{
    char path[512];
    for (uint64_t n = 1;; n++) {
        snprintf(path, sizeof path, "%s/alerts/%llu.json", folder, (unsigned long long) n);
        FILE *f = fopen(path, "r");
        if (!f)
            return n;
        fclose(f);
    }
}

int rig_make(const char *folder, int count, const char *poison, size_t n_media_bytes)
{
    static const unsigned char seed[crypto_sign_SEEDBYTES] = "a test's key, nobody's evidence";
    unsigned char public[crypto_sign_PUBLICKEYBYTES], secret[crypto_sign_SECRETKEYBYTES];
    char prev[CB_SHA256_LEN];
    memset(prev, '0', sizeof prev - 1);
    prev[sizeof prev - 1] = '\0';
    crypto_sign_seed_keypair(public, secret, seed);
    make_folders(folder);
    uint64_t first = next_sequence(folder);
    for (int i = 0; i < count; i++)
        make_one(folder, first + (uint64_t) i, public, secret, prev, poison, n_media_bytes);
    return 0;
}
