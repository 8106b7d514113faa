#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/store.h"

/* @return 1: a key; 0: nothing on this line; -EINVAL */
static int read_line(const char *line, char ret[CB_KEY_LEN])
{
    char word[128];
    if (sscanf(line, "%127s", word) < 1 || word[0] == '#')
        return 0;
    if (!cb_hex_is_valid(word, CB_KEY_LEN - 1))
        return -EINVAL;
    memcpy(ret, word, CB_KEY_LEN);
    return 1;
}

static int read_lines(FILE *f, const char *file, char (**keys)[CB_KEY_LEN], size_t *n,
                      struct cb_error *reterr)
{
    char line[512], key[CB_KEY_LEN], where[sizeof reterr->where];
    size_t cap = 0;
    for (int no = 1; fgets(line, sizeof line, f); no++) {
        int r = read_line(line, key);
        snprintf(where, sizeof where, "%s:%d", file, no);
        if (r < 0)
            return cb_error_set(reterr, r, where,
                                "expected an Ed25519 public key, %d lower-case hex digits",
                                CB_KEY_LEN - 1);
        if (r == 0)
            continue;
        if (cb_grow((void **) keys, &cap, *n + 1, CB_KEY_LEN) < 0)
            return cb_error_set(reterr, -ENOMEM, where, "out of memory");
        memcpy((*keys)[(*n)++], key, CB_KEY_LEN);
    }
    return 0;
}

int cb_store_load_trusted(const char *file, char (**ret)[CB_KEY_LEN], size_t *ret_n,
                          struct cb_error *reterr)
{
    char(*keys)[CB_KEY_LEN] = NULL;
    size_t n = 0;
    FILE *f = fopen(file, "re");
    if (!f)
        return cb_error_set(reterr, -errno, file, "cannot be read: %s", strerror(errno));
    int r = read_lines(f, file, &keys, &n, reterr);
    fclose(f);
    if (r == 0 && n == 0)
        r = cb_error_set(reterr, -EINVAL, file, "holds no key: nothing could be stored");
    if (r < 0) {
        free(keys);
        return r;
    }
    *ret = keys;
    *ret_n = n;
    return 0;
}
