#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "chain.h"
#include "durable.h"
#include "evidence/key.h"
#include "package.h"
#include "schema/camera.h"

struct cb_evidence_sealer {
    char node[CB_CAMERA_ID_LEN];
    char software[64];
    char config_sha256[CB_SHA256_LEN];
    char *sealed_dir;
    int sealed_fd, lock_fd;
    struct cb_key *key;
    struct cb_chain_head head;
    bool is_head_known; /* false after a failure that left it open whether the package is there */
};

/* A folder that stays: its own name must be on the disk as well. */
static int make_dir(const char *parent, const char *name, struct cb_error *reterr)
{
    CB_AUTO_FREE char *path = NULL;
    if (cb_path_join(parent, name, &path) < 0)
        return -ENOMEM;
    if (mkdir(parent, 0750) < 0 && errno != EEXIST)
        return cb_error_set(reterr, -errno, parent, "cannot be made: %s", strerror(errno));
    if (mkdir(path, 0750) < 0 && errno != EEXIST)
        return cb_error_set(reterr, -errno, path, "cannot be made: %s", strerror(errno));
    CB_AUTO_CLOSE int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) < 0)
        return cb_error_set(reterr, -errno, parent, "cannot be synced: %s", strerror(errno));
    return 0;
}

static int open_sealed(struct cb_evidence_sealer *s, const char *data_dir, struct cb_error *reterr)
{
    int r = make_dir(data_dir, "sealed", reterr);
    if (r < 0 || (r = cb_path_join(data_dir, "sealed", &s->sealed_dir)) < 0)
        return r;
    s->sealed_fd = open(s->sealed_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->sealed_fd < 0)
        return cb_error_set(reterr, -errno, s->sealed_dir, "cannot be opened: %s", strerror(errno));
    s->lock_fd = openat(s->sealed_fd, ".lock", O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (s->lock_fd < 0)
        return cb_error_set(reterr, -errno, s->sealed_dir, "cannot be written to: %s",
                            strerror(errno));
    if (flock(s->lock_fd, LOCK_EX | LOCK_NB) < 0)
        return cb_error_set(reterr, -EBUSY, s->sealed_dir,
                            "is in use by another process that seals: one chain, one writer");
    return 0;
}

static int set_texts(struct cb_evidence_sealer *s, const struct cb_evidence_opts *o,
                     struct cb_error *reterr)
{
    size_t n = strlen(o->node);
    if (n == 0 || n >= sizeof s->node ||
        strspn(o->node, "abcdefghijklmnopqrstuvwxyz0123456789-") != n)
        return cb_error_set(reterr, -EINVAL, "node", "is \"%.80s\", expected [a-z0-9-]{1,64}",
                            o->node);
    memcpy(s->node, o->node, n + 1);
    snprintf(s->software, sizeof s->software, "%s", o->software);
    if (cb_evidence_sealer_set_config(s, o->config_sha256) < 0)
        return cb_error_set(reterr, -EINVAL, "config_sha256", "expected 64 lower-case hex digits");
    return 0;
}

int cb_evidence_sealer_create(struct cb_evidence_sealer **ret, const struct cb_evidence_opts *opts,
                              struct cb_error *reterr)
{
    struct cb_evidence_sealer *s = calloc(1, sizeof *s);
    int r;
    if (!s)
        return -ENOMEM;
    s->sealed_fd = s->lock_fd = -1;
    if ((r = set_texts(s, opts, reterr)) < 0 ||
        (r = cb_key_load(&s->key, opts->key_file, reterr)) < 0 ||
        (r = open_sealed(s, opts->data_dir, reterr)) < 0 ||
        (r = cb_chain_find_head(s->sealed_fd, s->node, &s->head, reterr)) < 0)
        goto fail;
    if ((r = cb_chain_remove_drafts(s->sealed_fd)) < 0) {
        cb_error_set(reterr, r, s->sealed_dir, "holds a draft that cannot be removed: %s",
                     strerror(-r));
        goto fail;
    }
    s->is_head_known = true;
    *ret = s;
    return 0;
fail:
    cb_evidence_sealer_destroy(&s);
    return r;
}

void cb_evidence_sealer_destroy(struct cb_evidence_sealer **sealer)
{
    struct cb_evidence_sealer *s = *sealer;
    if (!s)
        return;
    *sealer = NULL;
    if (s->lock_fd >= 0)
        close(s->lock_fd);
    if (s->sealed_fd >= 0)
        close(s->sealed_fd);
    cb_key_destroy(&s->key);
    free(s->sealed_dir);
    free(s);
}

int cb_evidence_sealer_set_config(struct cb_evidence_sealer *s, const char *config_sha256)
{
    if (!config_sha256 || !cb_hex_is_valid(config_sha256, CB_SHA256_LEN - 1))
        return -EINVAL;
    memcpy(s->config_sha256, config_sha256, CB_SHA256_LEN);
    return 0;
}

const char *cb_evidence_sealer_public_key(const struct cb_evidence_sealer *s)
{
    return cb_key_public(s->key);
}

uint64_t cb_evidence_sealer_sequence(const struct cb_evidence_sealer *s)
{
    return s->head.sequence;
}

static void fill_camera(struct cb_evidence *e, const struct cb_camera_conf *c)
{
    snprintf(e->camera_name, sizeof e->camera_name, "%s", c->name);
    snprintf(e->road, sizeof e->road, "%s", c->road);
    snprintf(e->district, sizeof e->district, "%s", c->district);
    e->lat_deg = c->lat_deg;
    e->lon_deg = c->lon_deg;
    e->bearing_deg = c->bearing_deg;
    if (c->has_calibration) {
        memcpy(e->certificate, c->calibration.certificate, sizeof e->certificate);
        memcpy(e->calibrated_on, c->calibration.calibrated_on, sizeof e->calibrated_on);
    }
    if (c->has_microphone)
        memcpy(e->microphone_calibrated_on, c->microphone.calibrated_on,
               sizeof e->microphone_calibrated_on);
}

/* The record but for its files. Its violation's path stays the request's own. */
static void fill_record(const struct cb_evidence_sealer *s, const struct cb_evidence_request *q,
                        struct cb_evidence *e)
{
    uint8_t random[10];
    const struct cb_clock_check *clock = q->clock;
    int64_t occurred_ns = q->violation->t_ns + q->violation->utc_offset_ns;
    *e = (struct cb_evidence){
        .sequence = s->head.sequence + 1,
        .occurred_utc_ns = occurred_ns > 0 ? occurred_ns : 0,
        .sealed_utc_ns = cb_clock_now_ns(),
        .clock_offset_s = clock ? clock->offset_s : NAN,
        .clock_age_s = clock ? clock->age_s : NAN,
        .violation = *q->violation,
    };
    randombytes_buf(random, sizeof random);
    cb_uuid7_print(e->sealed_utc_ns, random, e->id);
    memcpy(e->node, s->node, sizeof e->node);
    memcpy(e->prev_sha256, s->head.sha256, sizeof e->prev_sha256);
    memcpy(e->public_key, cb_key_public(s->key), sizeof e->public_key);
    memcpy(e->software, s->software, sizeof e->software);
    memcpy(e->config_sha256, s->config_sha256, sizeof e->config_sha256);
    fill_camera(e, q->camera);
}

/* The samples' hash is printed on the stills, and the samples say which stills there are: so the
 * pictures are fetched first and written last. */
static int write_parts(struct cb_package_draft *d)
{
    int r;
    if ((r = cb_package_fetch_stills(d)) < 0 || (r = cb_package_add_clip(d)) < 0 ||
        (r = cb_package_add_sound(d)) < 0 ||
        (r = cb_package_add_calibration(d)) < 0 || (r = cb_package_add_samples(d)) < 0)
        return r;
    r = cb_package_add_stills(d);
    return r < 0 ? r : cb_package_add_composed(d);
}

static int write_record(const struct cb_evidence_sealer *s, struct cb_package_draft *d,
                        char ret_sha256[CB_SHA256_LEN])
{
    CB_AUTO_FREE char *json = NULL;
    char signature[CB_SIGNATURE_LEN];
    size_t n;
    int r = cb_evidence_print(&d->record, &json, &n);
    if (r == 0)
        r = cb_durable_write(d->dir_fd, "record.json", json, n, 0640);
    if (r == 0) {
        cb_key_sign(s->key, json, n, signature);
        r = cb_durable_write(d->dir_fd, "record.sig", signature, CB_SIGNATURE_LEN - 1, 0640);
    }
    if (r == 0 && fsync(d->dir_fd) < 0)
        r = -errno;
    if (r < 0)
        return cb_error_set(d->reterr, r, "record.json", "cannot be written: %s", strerror(-r));
    cb_durable_hash_bytes(json, n, ret_sha256);
    return 0;
}

static int write_draft(struct cb_evidence_sealer *s, struct cb_package_draft *d, const char *draft,
                       char ret_sha256[CB_SHA256_LEN])
{
    if (mkdirat(s->sealed_fd, draft, 0750) < 0)
        return cb_error_set(d->reterr, -errno, s->sealed_dir, "takes no new package: %s",
                            strerror(errno));
    CB_AUTO_CLOSE int fd = openat(s->sealed_fd, draft, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    d->missing = json_array();
    if (fd < 0 || !d->missing)
        return cb_error_set(d->reterr, fd < 0 ? -errno : -ENOMEM, draft, "cannot be opened");
    d->dir_fd = fd;
    int r = write_parts(d);
    return r < 0 ? r : write_record(s, d, ret_sha256);
}

/*
 * The rename is the moment of sealing. If the folder's name may not have reached the disk, the
 * package is taken back; if even that is unclear, the next seal looks at the folder again.
 */
static int commit(struct cb_evidence_sealer *s, const char *draft, const char *name,
                  struct cb_error *reterr)
{
    if (renameat(s->sealed_fd, draft, s->sealed_fd, name) < 0)
        return cb_error_set(reterr, -errno, s->sealed_dir, "takes no new package: %s",
                            strerror(errno));
    if (fsync(s->sealed_fd) == 0)
        return 0;
    int r = cb_error_set(reterr, -errno, s->sealed_dir, "cannot be synced: %s", strerror(errno));
    s->is_head_known = false;
    if (renameat(s->sealed_fd, name, s->sealed_fd, draft) == 0)
        fsync(s->sealed_fd);
    return r;
}

static int seal_as(struct cb_evidence_sealer *s, struct cb_package_draft *d, struct cb_sealed *ret)
{
    char draft[CB_PACKAGE_NAME_LEN], name[CB_PACKAGE_NAME_LEN];
    struct cb_chain_head head = {.sequence = d->record.sequence};
    CB_AUTO_FREE char *dir = NULL;
    snprintf(draft, sizeof draft, ".draft-%s", d->record.id);
    cb_package_name_print(d->record.sequence, d->record.id, name);
    int r = cb_path_join(s->sealed_dir, name, &dir);
    if (r == 0)
        r = write_draft(s, d, draft, head.sha256);
    if (r == 0)
        r = commit(s, draft, name, d->reterr);
    if (r < 0) {
        cb_durable_remove_dir(s->sealed_fd, draft); /* else the next start does it */
        return r;
    }
    s->head = head;
    memcpy(ret->id, d->record.id, CB_UUID_LEN);
    ret->sequence = head.sequence;
    ret->dir = dir;
    dir = NULL;
    return 0;
}

int64_t cb_evidence_wants_until(const struct cb_violation *v)
{
    int64_t clip_ns = v->t_to_ns + CB_CLIP_POST_ROLL_NS;
    int64_t sound_ns = v->kind == CB_MODIFIED_EXHAUST && v->has_noise
                           ? v->noise.t_end_ns + CB_SOUND_AROUND_NS
                           : clip_ns;
    return sound_ns > clip_ns ? sound_ns : clip_ns;
}

int cb_evidence_seal(struct cb_evidence_sealer *s, const struct cb_evidence_request *request,
                     struct cb_sealed *ret, struct cb_error *reterr)
{
    const struct cb_violation *v = request->violation;
    int r;
    if (strcmp(v->camera, request->camera->id))
        return cb_error_set(reterr, -EINVAL, v->camera, "is not the camera given, \"%s\"",
                            request->camera->id);
    if (v->kind <= CB_VIOLATION_NONE || v->kind >= CB_VIOLATION_COUNT ||
        v->n_stills > CB_STILLS_MAX)
        return cb_error_set(reterr, -EINVAL, v->camera, "has a violation of no known kind");
    if (!s->is_head_known) {
        if ((r = cb_chain_find_head(s->sealed_fd, s->node, &s->head, reterr)) < 0)
            return r;
        s->is_head_known = true;
    }
    struct cb_package_draft d = {.request = request, .dir_fd = -1, .reterr = reterr};
    fill_record(s, request, &d.record);
    r = seal_as(s, &d, ret);
    cb_package_drop_stills(&d);
    json_decref(d.missing);
    json_decref(d.sound);
    json_decref(d.clip);
    return r;
}
