#include "evidence/verify.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "durable.h"
#include "hash/sha256.h"
#include "evidence/key.h"
#include "refit.h"

#define RECORD_BYTES_MAX (1 << 20)
/* The outbox leaves it where the media were removed after their delivery. Not part of the proof. */
#define DELIVERED "delivered"

static const char *const kind_names[] = {"record",  "signature", "key", "altered",
                                         "missing", "extra",     "row", "measured",
                                         "chain"};

const char *cb_fault_kind_name(enum cb_fault_kind k)
{
    return kind_names[k];
}

void cb_verify_add_fault(struct cb_verify_report *v, enum cb_fault_kind kind, const char *name,
                         const char *fmt, ...)
{
    if (v->n_faults == CB_FAULTS_MAX)
        return;
    struct cb_fault *f = &v->fault[v->n_faults++];
    f->kind = kind;
    snprintf(f->name, sizeof f->name, "%s", name);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(f->text, sizeof f->text, fmt, ap);
    va_end(ap);
}

static void check_signature(const char *json, size_t n, const char *signature,
                            const struct cb_verify_keys *keys, struct cb_verify_report *v)
{
    bool is_trusted = keys->n == 0;
    for (size_t i = 0; i < keys->n; i++)
        is_trusted = is_trusted || !strcmp(keys->key[i], v->link.public_key);
    if (!is_trusted)
        cb_verify_add_fault(v, CB_FAULT_KEY, "record.sig",
                            "is signed with key %.16s…, not with a key given", v->link.public_key);
    if (!signature)
        cb_verify_add_fault(v, CB_FAULT_SIGNATURE, "record.sig",
                            "is missing: nothing proves the record");
    else if (!cb_key_is_signature_of(v->link.public_key, signature, json, n))
        cb_verify_add_fault(
            v, CB_FAULT_SIGNATURE, "record.sig",
            "is not key %.16s…'s signature of record.json: one of the two was altered",
            v->link.public_key);
}

static void check_file(const struct cb_evidence_file *f, const struct cb_verify_media *media,
                       struct cb_verify_report *v)
{
    char sha256[CB_SHA256_LEN];
    uint64_t n_bytes;
    CB_AUTO_CLOSE int fd = media->open(media->self, f);
    if (fd == -ENOENT && v->is_delivered)
        return;
    if (fd < 0) {
        cb_verify_add_fault(v, CB_FAULT_MISSING, f->name,
                            fd == -ENOENT ? "is not there (%s)" : "cannot be opened: %s",
                            fd == -ENOENT ? f->role : strerror(-fd));
        return;
    }
    int r = cb_sha256_file(fd, sha256, &n_bytes);
    if (r < 0)
        cb_verify_add_fault(v, CB_FAULT_MISSING, f->name, "cannot be read: %s", strerror(-r));
    else if (n_bytes != f->n_bytes)
        cb_verify_add_fault(v, CB_FAULT_ALTERED, f->name,
                            "has %" PRIu64 " bytes, %" PRIu64 " were sealed", n_bytes, f->n_bytes);
    else if (strcmp(sha256, f->sha256))
        cb_verify_add_fault(v, CB_FAULT_ALTERED, f->name, "has SHA-256 %.16s…, sealed was %.16s…",
                            sha256, f->sha256);
}

static void fill_report(const struct cb_evidence *e, struct cb_verify_report *v)
{
    v->is_readable = true;
    memcpy(v->link.id, e->id, sizeof v->link.id);
    memcpy(v->link.node, e->node, sizeof v->link.node);
    v->link.sequence = e->sequence;
    memcpy(v->link.prev_sha256, e->prev_sha256, sizeof v->link.prev_sha256);
    memcpy(v->link.public_key, e->public_key, sizeof v->link.public_key);
    v->n_files = e->n_files;
}

/* Fills ret_record (to deinit) when the record can be read; the report in any case. */
static bool prove(const char *json, size_t n, const char *signature,
                  const struct cb_verify_keys *keys, const struct cb_verify_media *media,
                  struct cb_verify_report *v, struct cb_evidence *ret_record)
{
    struct cb_error error = {0};
    if (sodium_init() < 0) {
        cb_verify_add_fault(v, CB_FAULT_RECORD, "record.json",
                            "cannot be checked: libsodium cannot start");
        return false;
    }
    cb_durable_hash_bytes(json, n, v->link.sha256);
    if (cb_evidence_parse(json, n, ret_record, &error) < 0) {
        cb_verify_add_fault(v, CB_FAULT_RECORD, "record.json", "is no record: %.80s %.100s",
                            error.where, error.text);
        return false;
    }
    fill_report(ret_record, v);
    check_signature(json, n, signature, keys, v);
    for (size_t i = 0; media && i < ret_record->n_files; i++)
        check_file(&ret_record->file[i], media, v);
    if (media && v->n_faults == 0)
        cb_refit_check(ret_record, media, v);
    return true;
}

void cb_verify_record(const char *json, size_t n, const char *signature,
                      const struct cb_verify_keys *keys, const struct cb_verify_media *media,
                      struct cb_verify_report *ret)
{
    struct cb_evidence record;
    *ret = (struct cb_verify_report){.refit_kmh = NAN};
    if (prove(json, n, signature, keys, media, ret, &record))
        cb_evidence_deinit(&record);
}

static int open_in_folder(void *self, const struct cb_evidence_file *f)
{
    /* O_NONBLOCK: a pipe in a file's place must not hold the proof up. */
    int fd = openat(*(int *) self, f->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat st;
    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        return fd;
    close(fd);
    return -EINVAL;
}

static bool is_listed(const struct cb_evidence *e, const char *name)
{
    if (!strcmp(name, ".") || !strcmp(name, "..") || !strcmp(name, "record.json") ||
        !strcmp(name, "record.sig") || !strcmp(name, DELIVERED))
        return true;
    for (size_t i = 0; i < e->n_files; i++)
        if (!strcmp(name, e->file[i].name))
            return true;
    return false;
}

static void check_extra(int dir_fd, const struct cb_evidence *e, struct cb_verify_report *v)
{
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        if (fd >= 0)
            close(fd);
        return;
    }
    for (struct dirent *entry; (entry = readdir(d));)
        if (!is_listed(e, entry->d_name))
            cb_verify_add_fault(v, CB_FAULT_EXTRA, entry->d_name, "is not among what was sealed");
    closedir(d);
}

int cb_verify_package(const char *dir, const struct cb_verify_keys *keys,
                      struct cb_verify_report *ret, struct cb_error *reterr)
{
    CB_AUTO_CLOSE int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return cb_error_set(reterr, -errno, dir, "cannot be opened as a package's folder: %s",
                            strerror(errno));
    CB_AUTO_FREE char *json = NULL, *signature = NULL;
    struct cb_verify_media media = {&fd, open_in_folder};
    struct cb_verify_report v = {.is_delivered = faccessat(fd, DELIVERED, F_OK, 0) == 0,
                                 .refit_kmh = NAN};
    struct cb_evidence record;
    size_t n = 0, n_signature = 0;
    int r = cb_durable_read(fd, "record.json", RECORD_BYTES_MAX, &json, &n);
    if (r < 0) {
        cb_verify_add_fault(&v, CB_FAULT_RECORD, "record.json", "cannot be read: %s", strerror(-r));
    } else {
        if (cb_durable_read(fd, "record.sig", CB_SIGNATURE_LEN, &signature, &n_signature) == 0 &&
            n_signature == CB_SIGNATURE_LEN && signature[n_signature - 1] == '\n')
            signature[n_signature - 1] = '\0'; /* an editor's newline is no harm */
        if (prove(json, n, signature, keys, &media, &v, &record)) {
            check_extra(fd, &record, &v);
            cb_evidence_deinit(&record);
        }
    }
    *ret = v;
    return 0;
}

bool cb_verify_is_package(const char *dir)
{
    CB_AUTO_CLOSE int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 && (faccessat(fd, "record.json", F_OK, 0) == 0 ||
                       faccessat(fd, "record.sig", F_OK, 0) == 0);
}

static bool broken(struct cb_fault *f, uint64_t sequence, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static bool broken(struct cb_fault *f, uint64_t sequence, const char *fmt, ...)
{
    f->kind = CB_FAULT_CHAIN;
    snprintf(f->name, sizeof f->name, "sequence %" PRIu64, sequence);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(f->text, sizeof f->text, fmt, ap);
    va_end(ap);
    return false;
}

bool cb_verify_follows(const struct cb_verify_link *a, const struct cb_verify_link *b,
                       bool is_key_free, struct cb_fault *ret_fault)
{
    if (!a) {
        bool is_zero = strspn(b->prev_sha256, "0") == CB_SHA256_LEN - 1;
        if ((b->sequence == 1) == is_zero)
            return true;
        return broken(ret_fault, b->sequence, "%s",
                      is_zero ? "says nothing came before it"
                              : "is the first and names one before it");
    }
    if (b->sequence == a->sequence)
        return broken(ret_fault, b->sequence, "is there twice: %s and %s", a->id, b->id);
    if (b->sequence != a->sequence + 1)
        return broken(ret_fault, b->sequence,
                      "comes after %" PRIu64 ": %" PRIu64 " between are missing", a->sequence,
                      b->sequence - a->sequence - 1);
    if (strcmp(b->prev_sha256, a->sha256))
        return broken(ret_fault, b->sequence,
                      "is chained to record %.16s…, but sequence %" PRIu64 " is %.16s…",
                      b->prev_sha256, a->sequence, a->sha256);
    if (!is_key_free && strcmp(a->public_key, b->public_key))
        return broken(ret_fault, b->sequence,
                      "is signed with key %.16s…, those before with %.16s…: give both with --key "
                      "if that was meant",
                      b->public_key, a->public_key);
    return true;
}
