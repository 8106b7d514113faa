#ifndef PUSH_PUSH_H
#define PUSH_PUSH_H

#include <stdio.h>

#include "base/err.h"
#include "schema/push.h"

/** Strings may be NULL or "": not configured. All is lent for its life. */
struct cb_push_opts {
    const struct cb_push_ops *ops;
    const struct cb_desk_opts *desk_opts; /* what ops->create is given */
    const char *services; /* as cb_push_service_allows */
    const char *key;      /* P-256 secret key file */
    const char *contact;  /* whom a push service may write to */
};

/**
 * Tells units whose page is closed, by Web Push: takes from the store what is due and sends it to the
 * push services that their browsers named (RFC 8030, 8291, 8292). A thread of its own.
 *
 * What a service has taken is noted and never sent again; what it has not is sent again until it is
 * older than it is worth. A gateway that dies between the two sends one twice: both have one topic and one
 * tag, so that a browser shows one.
 */
struct cb_push;
/**
 * PostgreSQL and the services need not be there yet.
 * @return 0; -EINVAL …: reterr names the key of the configuration, or the file, and what was expected
 */
int cb_push_create(struct cb_push **ret, const struct cb_push_opts *opts, struct cb_error *reterr);
/** What is under way is left: it is sent again. Takes NULL. */
void cb_push_destroy(struct cb_push **p);
/** What browsers subscribe with. */
const char *cb_push_public_key(const struct cb_push *p);
/** As Prometheus text. Any thread. */
void cb_push_print_metrics(struct cb_push *p, FILE *out);
/** A line when the store is away, or a service refuses us. Any thread. */
void cb_push_complain(struct cb_push *p, FILE *out);

#endif
