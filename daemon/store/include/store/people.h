#ifndef STORE_PEOPLE_H
#define STORE_PEOPLE_H

#include "schema/desk.h"

/** One who may log in at the gateway; strings that are NULL stay as they are. */
struct cb_people_change {
    const char *login;
    const char *name, *role, *password_hash;
    const char *const *district; /* with has_districts */
    size_t n_districts;
    bool has_districts; /* n_districts 0: all of them */
    bool is_new;        /* needs role and password_hash; name is the login where it is NULL */
    bool has_disabled, is_disabled;
};

/** conninfo: a login with the rights of citybrain_admin. @return 0; -EEXIST, -ENOENT, -EINVAL, -EIO:
 *  reterr has the words */
int cb_people_set(const char *conninfo, const struct cb_people_change *c, struct cb_error *reterr);
/** districts: as an array of PostgreSQL's, "*": all. All is lent for the call. */
int cb_people_list(const char *conninfo,
                   void (*fn)(void *arg, const char *login, const char *role, const char *name,
                              const char *districts, bool is_disabled),
                   void *arg, struct cb_error *reterr);

#endif
