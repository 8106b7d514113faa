#include "bus/curve.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include "base/mem.h"
#include "schema/alert.h"

#define DISTRICTS_WORD "districts="
#define LINE_LEN 4096

int cb_bus_key_check(const char *key)
{
    uint8_t bytes[32];
    return key && strlen(key) == CB_BUS_KEY_LEN - 1 && zmq_z85_decode(bytes, key) ? 0 : -EINVAL;
}

static int open_text(const char *path, FILE **ret, struct cb_error *reterr)
{
    FILE *f = fopen(path, "re");
    if (!f)
        return cb_error_set(reterr, -errno, path, "cannot be read: %s", strerror(errno));
    *ret = f;
    return 0;
}

static int check_private(FILE *f, const char *path, struct cb_error *reterr)
{
    struct stat st;
    if (fstat(fileno(f), &st) < 0)
        return cb_error_set(reterr, -errno, path, "%s", strerror(errno));
    if (!S_ISREG(st.st_mode))
        return cb_error_set(reterr, -EINVAL, path, "is no file");
    if (st.st_mode & 077)
        return cb_error_set(reterr, -EACCES, path,
                            "holds a secret key but others may open it (mode %03o), expected 600",
                            st.st_mode & 0777u);
    return 0;
}

/* Line for line; a value that is no key names its line. */
static int read_pair(FILE *f, const char *path, struct cb_bus_curve *c, struct cb_error *reterr)
{
    char line[256], word[16], key[64], where[sizeof reterr->where];
    for (int no = 1; fgets(line, sizeof line, f); no++) {
        int n = sscanf(line, "%15s %63s", word, key);
        if (n < 1 || strncmp(line, "# ", 2) == 0)
            continue;
        char *to = strcmp(word, "public") == 0   ? c->public_key
                   : strcmp(word, "secret") == 0 ? c->secret_key
                                                 : NULL;
        snprintf(where, sizeof where, "%s:%d", path, no);
        if (n != 2 || !to || cb_bus_key_check(key) < 0)
            return cb_error_set(reterr, -EINVAL, where,
                                "expected \"public\" or \"secret\" and a key of 40 characters (Z85)");
        memcpy(to, key, CB_BUS_KEY_LEN);
    }
    if (!c->public_key[0] || !c->secret_key[0])
        return cb_error_set(reterr, -EINVAL, path, "lacks a line \"%s KEY\"",
                            c->public_key[0] ? "secret" : "public");
    return 0;
}

static int load_pair(const char *path, struct cb_bus_curve *c, struct cb_error *reterr)
{
    char derived[CB_BUS_KEY_LEN];
    FILE *f = NULL;
    int r = open_text(path, &f, reterr);
    if (r < 0)
        return r;
    if ((r = check_private(f, path, reterr)) == 0)
        r = read_pair(f, path, c, reterr);
    fclose(f);
    if (r < 0)
        return r;
    if (zmq_curve_public(derived, c->secret_key) != 0 || strcmp(derived, c->public_key) != 0)
        return cb_error_set(reterr, -EINVAL, path, "its public key does not belong to its secret");
    return 0;
}

static int add_district(struct cb_bus_reader *r, size_t *cap, const char *name)
{
    char topic[CB_NAME_LEN];
    cb_alert_topic_district(name, topic);
    if (cb_grow((void **) &r->district, cap, r->n_districts + 1, sizeof *r->district) < 0 ||
        !(r->district[r->n_districts] = strdup(topic)))
        return -ENOMEM;
    r->n_districts++;
    return 0;
}

/* "A, B" up to the line's end: a name may have spaces within. */
static int read_districts(char *list, struct cb_bus_reader *r)
{
    size_t cap = 0;
    char *at = NULL;
    list[strcspn(list, "\r\n")] = '\0';
    for (char *w = strtok_r(list, ",", &at); w; w = strtok_r(NULL, ",", &at)) {
        w += strspn(w, " \t");
        size_t n = strlen(w);
        while (n && (w[n - 1] == ' ' || w[n - 1] == '\t'))
            w[--n] = '\0';
        if (n >= CB_NAME_LEN)
            return -EINVAL;
        int res = n ? add_district(r, &cap, w) : 0;
        if (res < 0)
            return res;
    }
    return r->n_districts ? 0 : -EINVAL;
}

static void deinit_reader(struct cb_bus_reader *r)
{
    for (size_t i = 0; i < r->n_districts; i++)
        free(r->district[i]);
    free(r->district);
}

/* KEY [name] [districts=A,B] */
static int read_reader(char *line, struct cb_bus_reader *ret, const char *where,
                       struct cb_error *reterr)
{
    char key[64];
    struct cb_bus_reader r = {0};
    sscanf(line, "%63s", key);
    if (cb_bus_key_check(key) < 0)
        return cb_error_set(reterr, -EINVAL, where, "expected a key of 40 characters (Z85)");
    memcpy(r.key, key, CB_BUS_KEY_LEN);
    /* behind the key: Z85 knows '=' too */
    char *list = strstr(line + strspn(line, " \t") + CB_BUS_KEY_LEN - 1, DISTRICTS_WORD);
    int res = list ? read_districts(list + strlen(DISTRICTS_WORD), &r) : 0;
    if (res < 0) {
        deinit_reader(&r);
        return res == -ENOMEM ? cb_error_set(reterr, res, where, "out of memory")
                              : cb_error_set(reterr, res, where,
                                             "expected names of districts after " DISTRICTS_WORD
                                             ", parted by commas");
    }
    *ret = r;
    return 0;
}

static int load_allowed(const char *path, struct cb_bus_curve *c, struct cb_error *reterr)
{
    char line[LINE_LEN], where[sizeof reterr->where];
    size_t cap = 0;
    FILE *f = NULL;
    int r = open_text(path, &f, reterr);
    if (r < 0)
        return r;
    for (int no = 1; r == 0 && fgets(line, sizeof line, f); no++) {
        if (!line[strspn(line, " \t\r\n")] || strncmp(line, "# ", 2) == 0)
            continue;
        snprintf(where, sizeof where, "%s:%d", path, no);
        struct cb_bus_reader reader;
        if (strlen(line) == sizeof line - 1)
            r = cb_error_set(reterr, -EINVAL, where, "expected less than %d bytes", LINE_LEN - 1);
        else if (cb_grow((void **) &c->allowed, &cap, c->n_allowed + 1, sizeof *c->allowed) < 0)
            r = cb_error_set(reterr, -ENOMEM, where, "out of memory");
        else if ((r = read_reader(line, &reader, where, reterr)) == 0)
            c->allowed[c->n_allowed++] = reader;
    }
    fclose(f);
    return r;
}

static int load_server(const char *path, struct cb_bus_curve *c, struct cb_error *reterr)
{
    char word[64] = "", key[64] = "";
    FILE *f = NULL;
    int r = open_text(path, &f, reterr);
    if (r < 0)
        return r;
    int n = fscanf(f, "%63s %63s", word, key);
    fclose(f);
    const char *text = n == 2 && strcmp(word, "public") == 0 ? key : word;
    if (cb_bus_key_check(text) < 0)
        return cb_error_set(reterr, -EINVAL, path,
                            "expected the server's public key, 40 characters (Z85)");
    memcpy(c->server_key, text, CB_BUS_KEY_LEN);
    return 0;
}

int cb_bus_curve_load(struct cb_bus_curve *ret, const char *key_file, const char *allow_file,
                      const char *server_file, struct cb_error *reterr)
{
    struct cb_bus_curve c = {0};
    int r = load_pair(key_file, &c, reterr);
    if (r == 0 && allow_file)
        r = load_allowed(allow_file, &c, reterr);
    if (r == 0 && server_file)
        r = load_server(server_file, &c, reterr);
    if (r < 0) {
        cb_bus_curve_deinit(&c);
        return r;
    }
    *ret = c;
    return 0;
}

static int copy_reader(const struct cb_bus_reader *from, struct cb_bus_reader *to)
{
    size_t cap = 0;
    int r = 0;
    *to = (struct cb_bus_reader) {0};
    memcpy(to->key, from->key, sizeof to->key);
    for (size_t i = 0; i < from->n_districts && r == 0; i++)
        r = add_district(to, &cap, from->district[i]);
    return r;
}

int cb_bus_curve_copy(const struct cb_bus_curve *from, struct cb_bus_curve *ret)
{
    struct cb_bus_curve c = *from;
    c.n_allowed = 0;
    int r = 0;
    if (!(c.allowed = calloc(from->n_allowed ? from->n_allowed : 1, sizeof *c.allowed)))
        r = -ENOMEM;
    while (r == 0 && c.n_allowed < from->n_allowed) {
        r = copy_reader(&from->allowed[c.n_allowed], &c.allowed[c.n_allowed]);
        c.n_allowed++;
    }
    if (r < 0)
        cb_bus_curve_deinit(&c);
    else
        *ret = c;
    return r;
}

void cb_bus_curve_exchange_allowed(struct cb_bus_curve *a, struct cb_bus_curve *b)
{
    struct cb_bus_reader *allowed = a->allowed;
    size_t n = a->n_allowed;
    a->allowed = b->allowed;
    a->n_allowed = b->n_allowed;
    b->allowed = allowed;
    b->n_allowed = n;
}

static bool has_district(const struct cb_bus_reader *r, const char *district)
{
    bool has = !r->district;
    for (size_t i = 0; district && i < r->n_districts && !has; i++)
        has = strcmp(r->district[i], district) == 0;
    return has;
}

bool cb_bus_curve_may(const struct cb_bus_curve *c, const char *key, const char *district)
{
    for (size_t i = 0; i < c->n_allowed; i++)
        if (strcmp(c->allowed[i].key, key) == 0 && has_district(&c->allowed[i], district))
            return true;
    return false;
}

bool cb_bus_curve_keeps(const struct cb_bus_curve *from, const struct cb_bus_curve *to)
{
    for (size_t i = 0; i < from->n_allowed; i++) {
        const struct cb_bus_reader *r = &from->allowed[i];
        if (!r->district && !cb_bus_curve_may(to, r->key, NULL))
            return false;
        for (size_t k = 0; k < r->n_districts; k++)
            if (!cb_bus_curve_may(to, r->key, r->district[k]))
                return false;
    }
    return true;
}

void cb_bus_curve_deinit(struct cb_bus_curve *c)
{
    for (size_t i = 0; i < c->n_allowed; i++)
        deinit_reader(&c->allowed[i]);
    free(c->allowed);
    explicit_bzero(c, sizeof *c);
}

int cb_bus_keys_write(const char *key_file, char ret_public[CB_BUS_KEY_LEN],
                      struct cb_error *reterr)
{
    char public_key[CB_BUS_KEY_LEN], secret_key[CB_BUS_KEY_LEN], text[160];
    if (zmq_curve_keypair(public_key, secret_key) != 0)
        return cb_error_set(reterr, -errno, key_file, "cannot make keys: %s", zmq_strerror(errno));
    CB_AUTO_CLOSE int fd = open(key_file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return cb_error_set(reterr, -errno, key_file, "cannot be made: %s", strerror(errno));
    int n = snprintf(text, sizeof text, "public %s\nsecret %s\n", public_key, secret_key);
    ssize_t done = write(fd, text, (size_t) n);
    explicit_bzero(text, sizeof text);
    explicit_bzero(secret_key, sizeof secret_key);
    if (done != n || fsync(fd) < 0)
        return cb_error_set(reterr, -EIO, key_file, "cannot be written: %s", strerror(errno));
    memcpy(ret_public, public_key, sizeof public_key);
    return 0;
}
