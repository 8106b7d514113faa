#ifndef OUTBOX_OUTBOX_PRIVATE_H
#define OUTBOX_OUTBOX_PRIVATE_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>

#include "base/log.h"
#include "outbox/outbox.h"

struct cb_outbox {
    /* set at create, then immutable */
    struct cb_log log;
    struct cb_outbox_opts opts;
    char *sealed_dir;
    int sealed_fd;
    bool has_lock;

    pthread_mutex_t lock; /* leaf; guards all below */
    sqlite3 *db;
    uint64_t n_bytes; /* of packages with media */
    uint64_t n_damaged;
    int64_t tidy_mono_ns; /* when `next` looks for due media again */
    bool must_adopt;      /* a sealed package could not be taken in */
};

/* All with the lock held, or before anybody else has the outbox. */

/** Takes in each sealed folder that the index does not know. @return 0; -errno of the index */
int cb_outbox_adopt(struct cb_outbox *o);
/** One row; the same package again is no error. @return 0; -EEXIST; -errno */
int cb_outbox_insert(struct cb_outbox *o, const char *id, const char *name, uint64_t sequence,
                     const char *alert_json, bool is_delivered);
/** The alert of the record in sealed/name; yours. */
int cb_outbox_make_alert(struct cb_outbox *o, const char *name, char **ret_json);
/** Media whose keeping time is over; what cannot be removed now is tried again. */
void cb_outbox_remove_due(struct cb_outbox *o);

#endif
