#include "store/store.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "media.h"
#include "rows.h"

#define ANSWER_TIMEOUT_MS 20000

/* Packages on their way, those whose verdict is out excepted. */
struct batch {
    struct cb_rows_item item[CB_STORE_BATCH_MAX];
    struct cb_proven proven[CB_STORE_BATCH_MAX];
    char *record_json[CB_STORE_BATCH_MAX];
    struct cb_package_verdict *verdict[CB_STORE_BATCH_MAX];
    size_t n;
};

/* Whose records are taken; none: any that signs. */
struct trusted {
    char (*key)[CB_KEY_LEN];
    size_t n;
};

struct cb_store {
    /* set at create, then immutable */
    char *conninfo;
    int media_fd;
    struct cb_log log;

    /* the one caller's */
    struct cb_db db;
    struct batch batch;
    struct trusted trusted;

    pthread_mutex_t lock; /* leaf */
    struct cb_store_stats stats; /* lock */
    struct trusted next;         /* lock: the list to come, when is_next */
    bool is_next;                /* lock */
};

static int check_conninfo(const char *conninfo, struct cb_error *reterr)
{
    char *words = NULL;
    PQconninfoOption *o = PQconninfoParse(conninfo, &words);
    if (!o) {
        char text[200];
        cb_db_message(words ? words : "out of memory", text, sizeof text);
        PQfreemem(words);
        return cb_error_set(reterr, -EINVAL, "connection string", "%s", text);
    }
    PQconninfoFree(o);
    return 0;
}

static int copy_trusted(const char (*key)[CB_KEY_LEN], size_t n, struct trusted *ret,
                        struct cb_error *reterr)
{
    struct trusted t = {NULL, n};
    for (size_t i = 0; i < n; i++)
        if (!cb_hex_is_valid(key[i], CB_KEY_LEN - 1))
            return cb_error_set(reterr, -EINVAL, "trusted keys",
                                "key %zu is not %d lower-case hex digits", i + 1, CB_KEY_LEN - 1);
    if (n > 0) {
        if (!(t.key = calloc(n, sizeof *t.key)))
            return cb_error_set(reterr, -ENOMEM, "store", "out of memory");
        memcpy(t.key, key, n * sizeof *t.key);
    }
    *ret = t;
    return 0;
}

int cb_store_trust(struct cb_store *s, const char (*key)[CB_KEY_LEN], size_t n,
                   struct cb_error *reterr)
{
    struct trusted t, old = {0};
    int r = copy_trusted(key, n, &t, reterr);
    if (r < 0)
        return r;
    pthread_mutex_lock(&s->lock);
    if (s->is_next)
        old = s->next;
    s->next = t;
    s->is_next = true;
    pthread_mutex_unlock(&s->lock);
    free(old.key);
    return 0;
}

static void take_trusted(struct cb_store *s)
{
    struct trusted old = {0};
    pthread_mutex_lock(&s->lock);
    if (s->is_next) {
        old = s->trusted;
        s->trusted = s->next;
        s->next = (struct trusted) {0};
        s->is_next = false;
    }
    pthread_mutex_unlock(&s->lock);
    free(old.key);
}

int cb_store_create(struct cb_store **ret, const struct cb_store_opts *opts,
                    struct cb_error *reterr)
{
    int r = sodium_init() < 0 ? -EIO : check_conninfo(opts->conninfo, reterr);
    if (r < 0)
        return r;
    struct cb_store *s = calloc(1, sizeof *s);
    if (!s)
        return cb_error_set(reterr, -ENOMEM, "store", "out of memory");
    s->media_fd = -1;
    s->log = (struct cb_log) {"store", NULL};
    pthread_mutex_init(&s->lock, NULL);
    if (!(s->conninfo = strdup(opts->conninfo)))
        r = cb_error_set(reterr, -ENOMEM, "store", "out of memory");
    if (r == 0 &&
        (r = copy_trusted(opts->trusted, opts->n_trusted, &s->trusted, reterr)) == 0)
        r = cb_media_open(opts->media_dir, &s->media_fd, reterr);
    if (r < 0) {
        cb_store_destroy(&s);
        return r;
    }
    s->db = (struct cb_db) {
        .conninfo = s->conninfo,
        .answer_timeout_ms = opts->answer_timeout_ms ? opts->answer_timeout_ms : ANSWER_TIMEOUT_MS,
        .log = s->log,
    };
    *ret = s;
    return 0;
}

void cb_store_destroy(struct cb_store **store)
{
    struct cb_store *s = *store;
    if (!s)
        return;
    *store = NULL;
    cb_db_drop(&s->db);
    if (s->media_fd >= 0)
        close(s->media_fd);
    pthread_mutex_destroy(&s->lock);
    free(s->trusted.key);
    free(s->next.key);
    free(s->conninfo);
    free(s);
}

/* What has been done of a transaction is undone; a lost connection has undone it already. */
static void roll_back(struct cb_store *s)
{
    struct cb_error ignored;
    if (s->db.conn)
        cb_db_exec(&s->db, "ROLLBACK", 0, NULL, NULL, &ignored);
}

static void batch_deinit(struct batch *b)
{
    for (size_t i = 0; i < b->n; i++) {
        cb_evidence_deinit(&b->proven[i].record);
        free(b->record_json[i]);
    }
    b->n = 0;
}

/* The package is believed, or its verdict says why not. */
static void batch_add(struct cb_store *s, struct batch *b, const struct cb_package *p,
                      struct cb_package_verdict *ret)
{
    size_t i = b->n;
    *ret = (struct cb_package_verdict) {0};
    ret->r = cb_prove(p, (const char(*)[CB_KEY_LEN]) s->trusted.key, s->trusted.n, &b->proven[i],
                      &ret->error);
    if (ret->r < 0)
        return;
    if (!(b->record_json[i] = strndup(p->record, p->n_record))) {
        cb_evidence_deinit(&b->proven[i].record);
        ret->r = cb_error_set(&ret->error, -ENOMEM, p->id, "out of memory");
        return;
    }
    b->item[i] = (struct cb_rows_item) {.proven = &b->proven[i], .record_json = b->record_json[i]};
    b->verdict[i] = ret;
    b->n++;
}

static int put_media(struct cb_store *s, const struct cb_rows_item *item, size_t n,
                     struct cb_error *reterr)
{
    CB_AUTO_FREE struct cb_media_item *m = calloc(n * CB_EVIDENCE_FILES_MAX, sizeof *m);
    size_t n_media = 0;
    if (!m)
        return cb_error_set(reterr, -ENOMEM, "store", "out of memory");
    for (size_t i = 0; i < n; i++) {
        const struct cb_proven *v = item[i].proven;
        for (size_t k = 0; k < v->record.n_files; k++)
            m[n_media++] = (struct cb_media_item) {v->record.file[k].sha256, v->file[k]->bytes,
                                                   v->file[k]->n_bytes};
    }
    return cb_media_put(s->media_fd, m, n_media, reterr);
}

/* In one transaction whose lock keeps a sweep from taking a file before its row is there. */
static int commit(struct cb_store *s, struct cb_rows_item *item, size_t n, struct cb_error *reterr)
{
    /* no media is written while nobody could note it */
    int r = cb_db_ready(&s->db, reterr);
    if (r == 0)
        r = cb_db_exec(&s->db, "BEGIN; SELECT pg_advisory_xact_lock_shared(" CB_MEDIA_LOCK ")", 0,
                       NULL, NULL, reterr);
    if (r < 0)
        return r;
    if ((r = put_media(s, item, n, reterr)) == 0 &&
        (r = cb_rows_claim(&s->db, item, n, reterr)) == 0 &&
        (r = cb_rows_add(&s->db, item, n, reterr)) == 0)
        r = cb_db_commit(&s->db, reterr);
    if (r < 0)
        roll_back(s);
    return r;
}

static uint64_t media_bytes(const struct cb_evidence *e)
{
    uint64_t n = 0;
    for (size_t i = 0; i < e->n_files; i++)
        n += e->file[i].n_bytes;
    return n;
}

static void count(struct cb_store *s, int r, bool is_new, uint64_t n_bytes)
{
    pthread_mutex_lock(&s->lock);
    s->stats.is_connected = s->db.conn != NULL;
    if (r == 0 && is_new) {
        s->stats.n_stored++;
        s->stats.n_media_bytes += n_bytes;
    } else if (r == 0) {
        s->stats.n_again++;
    } else if (r == -EBADMSG) {
        s->stats.n_refused++;
    } else {
        s->stats.n_deferred++;
    }
    pthread_mutex_unlock(&s->lock);
}

static void conclude(struct cb_store *s, const struct cb_rows_item *item, int r,
                     const struct cb_error *e, struct cb_package_verdict *ret)
{
    const struct cb_evidence *record = &item->proven->record;
    ret->r = r;
    ret->error = *e;
    if (r == 0 && !item->is_new && !item->is_same)
        ret->r = cb_error_set(&ret->error, -EBADMSG, record->id,
                              "is stored already with another record");
    count(s, ret->r, item->is_new, media_bytes(record));
}

/* What holds up the whole is found one by one; a database that is away holds up each. */
static void put_batch(struct cb_store *s, struct batch *b)
{
    struct cb_error e = {0};
    int r = commit(s, b->item, b->n, &e);
    bool is_parted = r < 0 && r != -EAGAIN && b->n > 1;
    for (size_t i = 0; i < b->n; i++) {
        if (is_parted) {
            e = (struct cb_error) {0};
            r = commit(s, &b->item[i], 1, &e);
        }
        conclude(s, &b->item[i], r, &e, b->verdict[i]);
    }
}

static void put_some(struct cb_store *s, struct batch *b, const struct cb_package *const *p,
                     size_t n, struct cb_package_verdict *ret)
{
    b->n = 0;
    for (size_t i = 0; i < n; i++) {
        batch_add(s, b, p[i], &ret[i]);
        if (ret[i].r < 0)
            count(s, ret[i].r, false, 0);
    }
    if (b->n)
        put_batch(s, b);
    batch_deinit(b);
}

void cb_store_put(struct cb_store *s, const struct cb_package *const *p, size_t n,
                  struct cb_package_verdict *ret)
{
    take_trusted(s);
    for (size_t i = 0; i < n; i += CB_STORE_BATCH_MAX)
        put_some(s, &s->batch, p + i, n - i < CB_STORE_BATCH_MAX ? n - i : CB_STORE_BATCH_MAX,
                 ret + i);
}

static int commit_minutes(struct cb_store *s, const struct cb_minute *m, size_t n,
                          struct cb_error *reterr)
{
    int r = cb_db_ready(&s->db, reterr);
    if (r < 0 || (r = cb_db_exec(&s->db, "BEGIN", 0, NULL, NULL, reterr)) < 0)
        return r;
    for (size_t i = 0; r == 0 && i < n; i++)
        r = cb_rows_add_minute(&s->db, &m[i], reterr);
    if (r == 0)
        r = cb_db_commit(&s->db, reterr);
    if (r < 0)
        roll_back(s);
    return r;
}

int cb_store_put_minutes(struct cb_store *s, const char *json, size_t n, struct cb_error *reterr)
{
    CB_AUTO_FREE struct cb_minute *m = NULL;
    size_t n_minutes = 0;
    int r = cb_minutes_parse(json, n, &m, &n_minutes, reterr);
    if (r == 0)
        r = commit_minutes(s, m, n_minutes, reterr);
    else if (r == -EINVAL)
        r = -EBADMSG;
    if (r == 0) {
        pthread_mutex_lock(&s->lock);
        s->stats.n_minutes += n_minutes;
        pthread_mutex_unlock(&s->lock);
    }
    return r;
}

#define CAMERA_COLUMNS                                                                             \
    "camera_id, node, name, road, district, lat, lon, bearing_deg, limit_kmh, limit_db, state, fps," \
    " last_frame_at, drift_px, level_db, n_dropped"
static const char put_cameras[] =
    "INSERT INTO camera_health AS h (" CAMERA_COLUMNS ") SELECT " CAMERA_COLUMNS
    " FROM json_populate_recordset(NULL::camera_health, $1::json) ON CONFLICT (camera_id) DO UPDATE SET"
    " (node, name, road, district, lat, lon, bearing_deg, limit_kmh, limit_db, state, fps, last_frame_at,"
    " drift_px, level_db, n_dropped, updated_at) = (excluded.node, excluded.name, excluded.road,"
    " excluded.district, excluded.lat, excluded.lon, excluded.bearing_deg, excluded.limit_kmh,"
    " excluded.limit_db, excluded.state, excluded.fps, excluded.last_frame_at, excluded.drift_px,"
    " excluded.level_db, excluded.n_dropped, clock_timestamp())";

void cb_store_put_cameras(struct cb_store *s, const char *json, size_t n)
{
    struct cb_error e = {0};
    CB_AUTO_FREE char *text = strndup(json, n);
    const char *v[] = {text};
    int r = text ? cb_db_ready(&s->db, &e) : -ENOMEM;
    if (r == 0)
        r = cb_db_exec(&s->db, put_cameras, 1, v, NULL, &e);
    if (r < 0 && r != -EAGAIN)
        cb_warn(&s->db, "the cameras' state is not stored: %s", e.text);
}

int cb_store_is_ready(struct cb_store *s)
{
    struct cb_error e;
    return cb_db_ready(&s->db, &e);
}

struct cb_store_stats cb_store_stats(struct cb_store *s)
{
    pthread_mutex_lock(&s->lock);
    struct cb_store_stats t = s->stats;
    pthread_mutex_unlock(&s->lock);
    return t;
}

void cb_store_print_metrics(void *self, FILE *out)
{
    struct cb_store_stats t = cb_store_stats(self);
    const struct {
        const char *result;
        uint64_t n;
    } rows[] = {{"stored", t.n_stored}, {"again", t.n_again}, {"refused", t.n_refused},
                {"deferred", t.n_deferred}};
    fputs("# HELP citybrain_store_packages_total Packages by what became of them\n"
          "# TYPE citybrain_store_packages_total counter\n", out);
    for (size_t i = 0; i < CB_LEN(rows); i++)
        fprintf(out, "citybrain_store_packages_total{result=\"%s\"} %" PRIu64 "\n", rows[i].result,
                rows[i].n);
    fprintf(out,
            "# HELP citybrain_store_media_bytes_total Bytes of media stored\n"
            "# TYPE citybrain_store_media_bytes_total counter\n"
            "citybrain_store_media_bytes_total %" PRIu64 "\n"
            "# HELP citybrain_store_minutes_total Rows of traffic minutes stored\n"
            "# TYPE citybrain_store_minutes_total counter\n"
            "citybrain_store_minutes_total %" PRIu64 "\n"
            "# HELP citybrain_store_connected Whether PostgreSQL answered last time\n"
            "# TYPE citybrain_store_connected gauge\n"
            "citybrain_store_connected %d\n",
            t.n_media_bytes, t.n_minutes, t.is_connected);
}
