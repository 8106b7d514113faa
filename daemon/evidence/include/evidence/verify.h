#ifndef EVIDENCE_VERIFY_H
#define EVIDENCE_VERIFY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "schema/evidence.h"

enum cb_fault_kind {
    CB_FAULT_RECORD,    /* record.json is missing or is no record */
    CB_FAULT_SIGNATURE, /* record.sig is missing or not of these bytes */
    CB_FAULT_KEY,       /* signed, but by none of the keys that are trusted */
    CB_FAULT_ALTERED,   /* a file is not the one that was sealed */
    CB_FAULT_MISSING,
    CB_FAULT_EXTRA,     /* a file that the record does not know */
    CB_FAULT_ROW,       /* a database says something else than the record */
    CB_FAULT_MEASURED,  /* the samples give another speed than the record says */
    CB_FAULT_CHAIN,
};

struct cb_fault {
    enum cb_fault_kind kind;
    char name[80]; /* of the file; "sequence 7" in a chain */
    char text[200];
};

#define CB_FAULTS_MAX 24

/** A record's place in its node's chain. */
struct cb_verify_link {
    char id[CB_UUID_LEN], node[CB_CAMERA_ID_LEN];
    uint64_t sequence;
    char sha256[CB_SHA256_LEN], prev_sha256[CB_SHA256_LEN]; /* of record.json; of the one before */
    char public_key[CB_KEY_LEN];
};

/** What one package proved. n_faults == 0: whole. A plain value. */
struct cb_verify_report {
    bool is_readable;  /* link and n_files are the record's */
    bool is_delivered; /* its media were removed after the store had acknowledged them */
    struct cb_verify_link link;
    size_t n_files;
    double refit_kmh; /* the speed, measured again from the samples; NaN: there was none to measure */
    struct cb_fault fault[CB_FAULTS_MAX]; /* the first of them */
    size_t n_faults;
};

/** Public keys in hex, any of which may have signed. n 0: the one that the record names. */
struct cb_verify_keys {
    const char (*key)[CB_KEY_LEN];
    size_t n;
};

/** Where the files of a record are kept: a folder, or a store that knows them by their hash. */
struct cb_verify_media {
    void *self;
    /** @return a file descriptor, yours to close; -ENOENT: it is not there; -errno */
    int (*open)(void *self, const struct cb_evidence_file *f);
};

const char *cb_fault_kind_name(enum cb_fault_kind k);

/** Adds what was found where the record is kept; no more than CB_FAULTS_MAX are held. */
void cb_verify_add_fault(struct cb_verify_report *v, enum cb_fault_kind kind, const char *name,
                         const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/**
 * Proves record, signature and each file the record lists; where all are whole, measures the speed
 * again from samples and calibration. Pure but for media; thread-safe.
 * media NULL: the record and its signature alone.
 */
void cb_verify_record(const char *json, size_t n, const char *signature,
                      const struct cb_verify_keys *keys, const struct cb_verify_media *media,
                      struct cb_verify_report *ret);
/** The same of a package's folder, and that nothing else lies in it. @return 0; -errno of dir */
int cb_verify_package(const char *dir, const struct cb_verify_keys *keys,
                      struct cb_verify_report *ret, struct cb_error *reterr);
/** True for a folder in which a record.json or record.sig lies. */
bool cb_verify_is_package(const char *dir);

/**
 * That b comes next after a in the chain of one node (a NULL: that b may begin what is at hand).
 * is_key_free: a change of key is no fault (the keys were given).
 * @return true, or false and *ret_fault
 */
bool cb_verify_follows(const struct cb_verify_link *a, const struct cb_verify_link *b,
                       bool is_key_free, struct cb_fault *ret_fault);

#endif
