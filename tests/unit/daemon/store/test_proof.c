#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "db.h"
#include "media.h"
#include "proof.h"
#include "samples.h"
#include "store/store.h"

static const char *const content[] = {"a still", "a clip"};

static void hash(const void *bytes, size_t n, char ret[CB_SHA256_LEN])
{
    unsigned char h[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(h, bytes, n);
    sodium_bin2hex(ret, CB_SHA256_LEN, h, sizeof h);
}

/* A package that is right in all; its strings are static. */
static struct cb_package make(void)
{
    static struct cb_evidence e;
    static char *record, signature[CB_SIGNATURE_LEN];
    unsigned char public[crypto_sign_PUBLICKEYBYTES], secret[crypto_sign_SECRETKEYBYTES];
    unsigned char seed[crypto_sign_SEEDBYTES] = {7}, sig[crypto_sign_BYTES];
    struct cb_fix path[SAMPLE_FIXES];
    struct cb_violation v;
    size_t n;
    sample_speeding(&v, path);
    sample_evidence(&e, &v);
    crypto_sign_seed_keypair(public, secret, seed);
    sodium_bin2hex(e.public_key, sizeof e.public_key, public, sizeof public);
    for (size_t i = 0; i < e.n_files; i++) {
        e.file[i].n_bytes = strlen(content[i]);
        hash(content[i], strlen(content[i]), e.file[i].sha256);
    }
    free(record);
    assert_int_equal(cb_evidence_print(&e, &record, &n), 0);
    crypto_sign_detached(sig, NULL, (unsigned char *) record, n, secret);
    sodium_bin2hex(signature, sizeof signature, sig, sizeof sig);
    struct cb_package p = {.id = e.id, .record = record, .n_record = n, .signature = signature,
                           .n_signature = strlen(signature), .n_files = e.n_files};
    for (size_t i = 0; i < e.n_files; i++)
        p.file[i] = (struct cb_package_file) {e.file[i].name, content[i], strlen(content[i])};
    return p;
}

static void expect(const struct cb_package *p, const char *words)
{
    struct cb_proven v;
    struct cb_error e = {0};
    assert_int_equal(cb_prove(p, NULL, 0, &v, &e), -EBADMSG);
    if (!strstr(e.text, words))
        fail_msg("\"%s\" lacks \"%s\"", e.text, words);
}

static void test_whole_package(void **state)
{
    struct cb_package p = make();
    struct cb_proven v;
    struct cb_error e = {0};
    (void) state;
    if (cb_prove(&p, NULL, 0, &v, &e) < 0)
        fail_msg("%s: %s", e.where, e.text);
    assert_ptr_equal(v.file[1], &p.file[1]);
    assert_string_equal(v.record.district, "福田");
    cb_evidence_deinit(&v.record);

    char trusted[2][CB_KEY_LEN] = {{0}};
    memset(trusted[0], 'a', CB_KEY_LEN - 1);
    memset(trusted[1], 'a', CB_KEY_LEN - 1);
    assert_int_equal(cb_prove(&p, (const char(*)[CB_KEY_LEN]) trusted, 2, &v, &e), -EBADMSG);
    memcpy(trusted[1], v.record.public_key, CB_KEY_LEN);
    assert_int_equal(cb_prove(&p, (const char(*)[CB_KEY_LEN]) trusted, 2, &v, &e), 0);
    cb_evidence_deinit(&v.record);
}

/* Whichever byte is changed, it is found. */
static void test_each_byte_of_the_record_counts(void **state)
{
    struct cb_package p = make();
    char *copy = malloc(p.n_record);
    (void) state;
    assert_non_null(copy);
    for (size_t i = 0; i < p.n_record; i++) {
        struct cb_proven v;
        memcpy(copy, p.record, p.n_record);
        copy[i] ^= 1;
        struct cb_package q = p;
        q.record = copy;
        assert_int_equal(cb_prove(&q, NULL, 0, &v, NULL), -EBADMSG);
    }
    free(copy);
}

static void test_each_digit_of_the_signature_counts(void **state)
{
    struct cb_package p = make();
    char copy[CB_SIGNATURE_LEN];
    (void) state;
    for (size_t i = 0; i < CB_SIGNATURE_LEN - 1; i++) {
        struct cb_proven v;
        memcpy(copy, p.signature, sizeof copy);
        copy[i] = copy[i] == '0' ? '1' : '0';
        struct cb_package q = p;
        q.signature = copy;
        assert_int_equal(cb_prove(&q, NULL, 0, &v, NULL), -EBADMSG);
    }
}

static void test_parts(void **state)
{
    struct cb_package p = make(), q;
    (void) state;
    q = p, q.file[1].bytes = "a clap", expect(&q, "clip.mp4 is altered");
    q = p, q.file[1].n_bytes--, expect(&q, "clip.mp4 has 5 bytes");
    q = p, q.n_files = 1, expect(&q, "clip.mp4 is missing");
    q = p, q.file[0].name = "other.jpg", expect(&q, "still-1.jpg is missing");
    q = p, q.id = "01a207d9-3438-7be8-a653-0340a774c7c4", expect(&q, "its record is of");
    q = p, q.n_signature = 127, expect(&q, "record.sig");
    q = p, q.n_record = 0, expect(&q, "record.json");
}

static bool has_length(const char *path, long n)
{
    struct stat st;
    return stat(path, &st) == 0 && st.st_size == n;
}

/* More than are written at once, and some of them the same. */
#define N_MEDIA 150
static void test_media_by_content(void **state)
{
    static char bytes[N_MEDIA][16], sha256[N_MEDIA][CB_SHA256_LEN];
    char dir[] = "/tmp/citybrain-media-XXXXXX", path[6000], last[6000];
    struct cb_media_item item[N_MEDIA];
    int fd;
    (void) state;
    for (int i = 0; i < N_MEDIA; i++) {
        snprintf(bytes[i], sizeof bytes[i], "bytes %02d", i % 97);
        hash(bytes[i], 8, sha256[i]);
        item[i] = (struct cb_media_item) {sha256[i], bytes[i], 8};
    }
    assert_non_null(mkdtemp(dir));
    assert_int_equal(cb_media_open(dir, &fd, NULL), 0);
    snprintf(last, sizeof last, "%s/%.2s/%s", dir, sha256[60], sha256[60] + 2);
    assert_int_equal(cb_media_put(fd, item, 0, NULL), 0);
    for (int again = 0; again < 3; again++) {
        assert_int_equal(cb_media_put(fd, item, N_MEDIA, NULL), 0);
        for (int i = 0; i < N_MEDIA; i++) {
            snprintf(path, sizeof path, "%s/%.2s/%s", dir, sha256[i], sha256[i] + 2);
            assert_true(has_length(path, 8));
        }
        assert_int_equal(truncate(last, 3), 0); /* what a lost disk block may leave */
    }
    snprintf(path, sizeof path, "%s/tmp", dir);
    assert_int_equal(rmdir(path), 0); /* nothing is left there */
    struct cb_error e = {0};
    assert_int_equal(cb_media_put(fd, item, N_MEDIA, &e), -ENOENT); /* the one that is too short */
    assert_string_equal(e.where, "media folder");
    close(fd);
    for (int i = 0; i < N_MEDIA; i++) {
        snprintf(path, sizeof path, "%s/%.2s/%s", dir, sha256[i], sha256[i] + 2);
        unlink(path);
        *strrchr(path, '/') = '\0';
        rmdir(path);
    }
    assert_int_equal(rmdir(dir), 0);
}

static void expect_array(const char *const *values, size_t n, const char *want)
{
    struct cb_db_array a = {0};
    for (size_t i = 0; i < n; i++)
        assert_int_equal(cb_db_array_add(&a, values[i]), 0);
    assert_string_equal(cb_db_array_end(&a), want);
    cb_db_array_deinit(&a);
}

static void test_arrays(void **state)
{
    static const char *const words[] = {"a", NULL, "", "NULL", "{\"k\":\"C:\\\\x\"}", "福,田\n"};
    (void) state;
    expect_array(NULL, 0, "{}");
    expect_array(words + 1, 1, "{NULL}");
    expect_array(words, CB_LEN(words),
                 "{\"a\",NULL,\"\",\"NULL\",\"{\\\"k\\\":\\\"C:\\\\\\\\x\\\"}\",\"福,田\n\"}");
}

static void test_create_refuses(void **state)
{
    struct cb_store *s = NULL;
    struct cb_error e = {0};
    struct cb_store_opts o = {.conninfo = "no equals sign", .media_dir = "/tmp"};
    (void) state;
    assert_int_equal(cb_store_create(&s, &o, &e), -EINVAL);
    assert_string_equal(e.where, "connection string");
    o = (struct cb_store_opts) {.conninfo = "dbname=x", .media_dir = "/proc/none"};
    assert_true(cb_store_create(&s, &o, &e) < 0);
    assert_string_equal(e.where, "/proc/none");
    char bad[1][CB_KEY_LEN] = {"xyz"};
    o = (struct cb_store_opts) {.conninfo = "dbname=x", .media_dir = "/tmp", .n_trusted = 1,
                                .trusted = (const char(*)[CB_KEY_LEN]) bad};
    assert_int_equal(cb_store_create(&s, &o, &e), -EINVAL);
    assert_null(s);
}

int main(void)
{
    if (sodium_init() < 0)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_package),
        cmocka_unit_test(test_each_byte_of_the_record_counts),
        cmocka_unit_test(test_each_digit_of_the_signature_counts),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_media_by_content),
        cmocka_unit_test(test_arrays),
        cmocka_unit_test(test_create_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
