#ifndef SCHEMA_DESK_H
#define SCHEMA_DESK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "schema/evidence.h"

/**
 * Between the gateway, which knows HTTP, and the store, which knows SQL: what people ask, and as whom.
 * Neither includes the other; daemon/gateway_role.c hands the store's functions over.
 */

/** What people may be; the names are those of web_user.role. */
enum cb_role {
    CB_ROLE_COMMAND,
    CB_ROLE_ANALYST,
    CB_ROLE_FIELD,
    CB_ROLE_TECHNICIAN,
    CB_ROLE_ADMIN,
    CB_ROLE_COUNT
};
extern const char *const cb_role_names[CB_ROLE_COUNT];
#define CB_ROLE_BIT(role) (1u << (role))

#define CB_LOGIN_LEN 64
#define CB_TOKEN_HASH_BYTES 32

/** Whose session it is. districts: each between two U+001F; NULL: all. Yours to deinit. */
struct cb_desk_user {
    char login[CB_LOGIN_LEN];
    char name[CB_NAME_LEN];
    enum cb_role role;
    char *districts, *districts_json;
    char expires_at[40];
};
void cb_desk_user_deinit(struct cb_desk_user *u);
/** Whether the user may see what is of that district; NULL or "": of none, for who sees all alone. */
bool cb_desk_user_sees(const struct cb_desk_user *u, const char *district);

/** What can be asked between enter and leave; the values of each stand beside its SQL. */
enum cb_question {
    CB_ASK_ALERTS,
    CB_ASK_VIOLATIONS,
    CB_ASK_EVENTS,
    CB_ASK_CAMERAS,
    CB_ASK_UNITS,
    CB_ASK_DISPATCHES,
    CB_ASK_HOURS,
    CB_ASK_HOTSPOTS,
    CB_ASK_CHANGE,
    CB_ASK_HEAT,
    CB_ASK_RESPONSE,
    CB_ASK_SEARCHES,
    CB_ASK_ACCESS,
    CB_ASK_BEAT,
    CB_ASK_INBOX,
    CB_DO_REVIEW,
    CB_DO_DISPATCH,
    CB_DO_PUT_SEARCH,
    CB_DO_DELETE_SEARCH,
    CB_DO_PUT_POSITION,
    CB_DO_DELETE_POSITION,
    CB_DO_PUT_BEAT,
    CB_DO_ANSWER,
    CB_DO_PUT_PUSH,
    CB_DO_DELETE_PUSH,
    CB_QUESTION_COUNT
};
#define CB_QUESTION_VALUES_MAX 20
/** json: yours to free; NULL: nothing to tell. is_same: nothing was changed, it was so already. */
struct cb_desk_answer {
    char *json;
    bool is_same;
};

/** A file of a violation: fd is yours to close, or -1 and bytes yours to free. */
struct cb_desk_file {
    int fd;
    char *bytes;
    uint64_t n_bytes;
    char sha256[CB_SHA256_LEN];
    char media_type[64];
};

/** All is lent for the call. */
struct cb_feed_event {
    int64_t position;     /* 0: no part of the sequence (kind "camera") */
    const char *kind;     /* alert, review, dispatch; nearby, assigned: for `unit` alone; camera */
    const char *district; /* "": none */
    const char *unit;     /* "": for all */
    const char *json;     /* for who sees media */
    const char *json_bare; /* for the others */
    const char *camera, *state; /* of kind camera; else NULL */
};
typedef void cb_feed_fn(void *arg, const struct cb_feed_event *e);

struct cb_desk;
struct cb_desk_opts;
struct cb_feed;
/** The store's functions of these names, store/desk.h and store/feed.h. */
struct cb_desk_ops {
    int (*create)(struct cb_desk **ret, const struct cb_desk_opts *opts, struct cb_error *reterr);
    void (*destroy)(struct cb_desk **d);
    int (*login_begin)(struct cb_desk *d, const char *login, const char *address, char **ret_hash,
                       int *ret_wait_s, struct cb_error *reterr);
    int (*login_end)(struct cb_desk *d, const char *login, const char *address,
                     const unsigned char token_sha256[CB_TOKEN_HASH_BYTES], struct cb_error *reterr);
    int (*logout)(struct cb_desk *d, const unsigned char token_sha256[CB_TOKEN_HASH_BYTES],
                  struct cb_error *reterr);
    int (*enter)(struct cb_desk *d, const unsigned char token_sha256[CB_TOKEN_HASH_BYTES],
                 struct cb_desk_user *ret, struct cb_error *reterr);
    int (*leave)(struct cb_desk *d, bool is_done, struct cb_error *reterr);
    int (*ask)(struct cb_desk *d, enum cb_question q, const struct cb_desk_user *u,
               const char *const values[CB_QUESTION_VALUES_MAX], struct cb_desk_answer *ret,
               struct cb_error *reterr);
    int (*evidence)(struct cb_desk *d, const struct cb_desk_user *u, const char *id, char **ret_json,
                    struct cb_error *reterr);
    int (*file)(struct cb_desk *d, const char *id, const char *name, const char *range,
                struct cb_desk_file *ret, struct cb_error *reterr);
    int (*export_rows)(struct cb_desk *d, const struct cb_desk_user *u,
                       const char *const values[CB_QUESTION_VALUES_MAX], bool is_json, int fd,
                       struct cb_error *reterr);
    int (*events)(struct cb_desk *d, const struct cb_desk_user *u, int64_t after, int max,
                  cb_feed_fn *fn, void *arg, struct cb_error *reterr);
    int (*events_since)(struct cb_desk *d, int64_t after, int64_t *ret_head,
                        struct cb_error *reterr);
    int (*feed_create)(struct cb_feed **ret, const struct cb_desk_opts *opts,
                       struct cb_error *reterr);
    void (*feed_destroy)(struct cb_feed **f);
    int (*feed_wait)(struct cb_feed *f, int timeout_ms);
    int (*feed_spread)(struct cb_feed *f, struct cb_error *reterr);
    int (*feed_head)(struct cb_feed *f, int64_t *ret, struct cb_error *reterr);
    int (*feed_read)(struct cb_feed *f, int64_t after, int max, cb_feed_fn *fn, void *arg,
                     struct cb_error *reterr);
    int (*feed_cameras)(struct cb_feed *f, cb_feed_fn *fn, void *arg, struct cb_error *reterr);
    int (*feed_prune)(struct cb_feed *f, struct cb_error *reterr);
    int (*feed_check)(struct cb_feed *f, const unsigned char (*hashes)[CB_TOKEN_HASH_BYTES],
                      size_t n, bool *ret, struct cb_error *reterr);
};

#endif
