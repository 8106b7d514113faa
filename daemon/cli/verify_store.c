#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "verify.h"

struct reading {
    struct verification *vf;
    int media_fd;
};

static int open_media(void *self, const struct cb_evidence_file *f)
{
    return cb_audit_open_media(*(int *) self, f->sha256);
}

static void report_lost(struct verification *vf, const struct cb_audit_row *row)
{
    struct cb_verify_report v = {.refit_kmh = NAN};
    cb_verify_add_fault(&v, CB_FAULT_RECORD, "record.json",
                        "is gone from the database: %s of %s was stored once", row->id,
                        row->claimed_at);
    cb_cli_take_report(vf, row->id, &v);
}

/* Its place in the chain is kept, and counts as that of any record. */
static void take_erased(struct verification *vf, const struct cb_audit_row *row)
{
    struct cb_verify_link link = {.sequence = row->sequence};
    snprintf(link.id, sizeof link.id, "%s", row->id);
    snprintf(link.node, sizeof link.node, "%s", row->node);
    snprintf(link.sha256, sizeof link.sha256, "%s", row->record_sha256);
    snprintf(link.prev_sha256, sizeof link.prev_sha256, "%s", row->prev_sha256);
    snprintf(link.public_key, sizeof link.public_key, "%s", row->public_key);
    vf->n_erased++;
    if (vf->has_chain)
        cb_cli_chain_add(vf, &link);
}

static int on_row(void *arg, const struct cb_audit_row *row)
{
    struct reading *rd = arg;
    struct verification *vf = rd->vf;
    struct cb_verify_media media = {&rd->media_fd, open_media};
    struct cb_verify_report v;
    if (row->erased_at) {
        take_erased(vf, row);
        return 0;
    }
    if (!row->record_json) {
        report_lost(vf, row);
        return 0;
    }
    cb_verify_record(row->record_json, row->n_record, row->signature, &vf->keys, &media, &v);
    for (size_t i = 0; i < row->n_differences; i++) {
        const struct cb_audit_difference *d = &row->difference[i];
        cb_verify_add_fault(&v, CB_FAULT_ROW, d->column, "is '%s' in its row, the record says '%s'",
                            d->row, d->record);
    }
    cb_cli_take_report(vf, row->id, &v);
    if (vf->has_chain && v.is_readable)
        cb_cli_chain_add(vf, &v.link);
    return ferror(stdout) ? -EPIPE : 0;
}

int cb_cli_verify_store(struct verification *vf)
{
    struct cb_error e = {0};
    CB_AUTO_CLOSE int fd = open(vf->media_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        fprintf(stderr, "--media %s: cannot be opened as a folder: %s\n", vf->media_dir,
                strerror(errno));
        return -ENOENT;
    }
    struct reading rd = {vf, fd};
    int r = cb_audit_read(vf->db, &vf->query, on_row, &rd, &e);
    if (vf->has_chain)
        cb_cli_chain_end(vf);
    if (r == 0 && vf->n_packages == 0 && vf->n_erased == 0) {
        fprintf(stderr, "citybrain verify: the store holds no such violation\n");
        return -ENOENT;
    }
    if (r < 0 && r != -EPIPE)
        fprintf(stderr, "citybrain verify: %s: %s\n", e.where, e.text[0] ? e.text : strerror(-r));
    return r;
}
