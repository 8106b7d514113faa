#ifndef SCHEMA_EVIDENCE_H
#define SCHEMA_EVIDENCE_H

#include "schema/id.h"
#include "schema/violation.h"

#define CB_EVIDENCE_FILES_MAX 16

struct cb_evidence_file {
    char name[64];       /* in the package's folder: "still-1.jpg" */
    char media_type[48]; /* "image/jpeg" */
    char role[32];       /* still, closeup, clip, samples, calibration, … */
    uint64_t n_bytes;
    char sha256[CB_SHA256_LEN];
};

/**
 * The record of a sealed package: `record.json` in its folder is this, printed canonically
 * (sorted keys, no white space); `record.sig` is the hex Ed25519 signature of those very bytes.
 * Nobody prints it a second time: hashes and signatures are of the bytes as kept.
 */
struct cb_evidence {
    char id[CB_UUID_LEN]; /* UUIDv7 */
    char node[CB_CAMERA_ID_LEN];
    uint64_t sequence;    /* per node, from 1, without gaps */
    char prev_sha256[CB_SHA256_LEN]; /* of the node's record before; 64 zeros for the first */
    char public_key[CB_KEY_LEN];
    int64_t occurred_utc_ns, sealed_utc_ns;
    double clock_offset_s; /* the node's clock against UTC; NaN: not known */
    double clock_age_s;    /* since the clock was last compared; NaN: never */

    /* the camera, as configured at the time */
    char camera_name[CB_NAME_LEN], road[CB_NAME_LEN], district[CB_NAME_LEN];
    double lat_deg, lon_deg, bearing_deg; /* NaN: not configured */
    char certificate[64], calibrated_on[16], microphone_calibrated_on[16];

    struct cb_violation violation; /* its passage's path is in samples.json, not in the record */

    char software[64];      /* "citybrain 0.1.0 (build id)" */
    char config_sha256[CB_SHA256_LEN];
    struct cb_evidence_file file[CB_EVIDENCE_FILES_MAX];
    size_t n_files;
};

/** Canonical bytes; yours to free. @return 0; -ENOMEM */
int cb_evidence_print(const struct cb_evidence *e, char **ret_json, size_t *ret_n);
/** @return 0; -EINVAL: reterr says which key and what was expected. deinit frees what ret holds. */
int cb_evidence_parse(const char *json, size_t n, struct cb_evidence *ret, struct cb_error *reterr);
void cb_evidence_deinit(struct cb_evidence *e);

#endif
