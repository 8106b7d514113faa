#ifndef STORE_DESK_H
#define STORE_DESK_H

#include "base/err.h"
#include "schema/desk.h"

struct cb_desk_opts {
    const char *conninfo;  /* a login with the rights of citybrain_gateway */
    const char *media_dir; /* "" : no files are served */
    const char *timezone;  /* in which hours and weekdays are counted */
    const char (*trusted)[CB_KEY_LEN]; /* as cb_store_opts */
    size_t n_trusted;
    int signed_s, responded_s, feedback_s; /* the response clock */
};

/**
 * A connection on which people's questions are asked, each in a transaction of its own and with the
 * asker's rights: PostgreSQL itself decides what he sees. One thread at a time; it connects when it
 * is needed, and again when it was lost.
 *
 * Results of all: 0; -EAGAIN: PostgreSQL is away; -EACCES: no right; -ENOENT: there is none, or it is
 * hidden; -EINVAL: a value that is none, reterr->where names it; -EEXIST: it is not in a state for
 * that; -EIO: any other refusal.
 */
struct cb_desk;
/** opts' strings and keys must outlive it. @return 0; -ENOMEM; -errno of the media folder */
int cb_desk_create(struct cb_desk **ret, const struct cb_desk_opts *opts, struct cb_error *reterr);
/** Takes NULL. */
void cb_desk_destroy(struct cb_desk **d);

/**
 * Notes the attempt and gives what the password is to be compared with: *ret_hash, yours to free, NULL
 * when there is no such user. *ret_wait_s > 0: too many have failed, nothing is compared.
 */
int cb_desk_login_begin(struct cb_desk *d, const char *login, const char *address, char **ret_hash,
                        int *ret_wait_s, struct cb_error *reterr);
/** The password was right: the session begins. */
int cb_desk_login_end(struct cb_desk *d, const char *login, const char *address,
                      const unsigned char token_sha256[CB_TOKEN_HASH_BYTES],
                      struct cb_error *reterr);
int cb_desk_logout(struct cb_desk *d, const unsigned char token_sha256[CB_TOKEN_HASH_BYTES],
                   struct cb_error *reterr);

/** Begins a transaction with the rights of the session's user. @return also -EPERM: no such session.
 *  On < 0 nothing was begun. */
int cb_desk_enter(struct cb_desk *d, const unsigned char token_sha256[CB_TOKEN_HASH_BYTES],
                  struct cb_desk_user *ret, struct cb_error *reterr);
/** Ends it; is_done false: nothing of it remains. */
int cb_desk_leave(struct cb_desk *d, bool is_done, struct cb_error *reterr);

/** values: as text, NULL: not said. Reading evidence is noted in access_log, in the same transaction. */
int cb_desk_ask(struct cb_desk *d, enum cb_question q, const struct cb_desk_user *u,
                const char *const values[CB_QUESTION_VALUES_MAX], struct cb_desk_answer *ret,
                struct cb_error *reterr);

/** One evidence record, its signature verified here and now. *ret_json is yours to free. */
int cb_desk_evidence(struct cb_desk *d, const struct cb_desk_user *u, const char *id,
                     char **ret_json, struct cb_error *reterr);

/** range: what is noted beside the name; or NULL. */
int cb_desk_file(struct cb_desk *d, const char *id, const char *name, const char *range,
                 struct cb_desk_file *ret, struct cb_error *reterr);

/** Writes the rows that CB_ASK_VIOLATIONS would give, all of them, to fd; CSV or an object a line. */
int cb_desk_export(struct cb_desk *d, const struct cb_desk_user *u,
                   const char *const values[CB_QUESTION_VALUES_MAX], bool is_json, int fd,
                   struct cb_error *reterr);

#endif
