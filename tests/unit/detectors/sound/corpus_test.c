#include "unit/test.h"

#include <dirent.h>
#include <unistd.h>

#include "sound/meter.h"

#include "listen.h"

/*
 * The recordings of ../shared/corpus/audio: label by label, at street levels. Nothing but open
 * pipes may be accused, however loud. Decoded by the ffmpeg program, at the rates of a good
 * microphone and of a G.711 camera.
 */
static char root[512];

static const struct {
    const char *label;
    bool is_open_pipe;
} labels[] = {
    {"aircraft", false},
    {"chainsaw", false},
    {"crowd", false},
    {"horn", false},
    {"jackhammer_drill", false},
    {"music", false},
    {"other", false},
    {"rain", false},
    {"speech", false},
    {"thunder_fireworks_gun", false},
    {"traffic_ambient", false},
    {"train", false},
    {"truck_bus", false},
    {"tyres_road", false},
    {"wind", false},
    {"race_engine", true},
    {"backfire", true},
};

static float *decode(const char *path, int rate_hz, size_t *ret_n)
{
    char command[1200];
    size_t cap = (size_t) rate_hz * 30;
    float *x = calloc(cap, sizeof *x);
    assert_non_null(x);
    snprintf(command, sizeof command,
             "ffmpeg -nostdin -v error -i '%s' -f f32le -ac 1 -ar %d - 2>/dev/null", path, rate_hz);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    *ret_n = fread(x, sizeof *x, cap, f);
    assert_int_equal(pclose(f), 0);
    assert_true(*ret_n > 0);
    return x;
}

/* What became of one recording. */
struct heard {
    bool is_accused, is_called, is_clipped;
};

struct count {
    size_t n_accused, n_called, n_clipped; /* clipped: called, and not to be accused for that */
};

static void add(struct count *c, struct heard h)
{
    c->n_accused += h.is_accused;
    c->n_called += h.is_called;
    c->n_clipped += h.is_clipped && !h.is_accused;
}

static struct heard hear(const char *path, const float *from, size_t n, int rate_hz, double db)
{
    size_t lead = 3 * (size_t) rate_hz; /* of a street, over which the level stands out */
    float *x = calloc(lead + n, sizeof *x);
    assert_non_null(x);
    memcpy(x + lead, from, n * sizeof *x);
    scale_to(x + lead, n, rate_hz, db);
    add_noise(x, lead, amplitude_of(50, DBFS), 7);
    struct listen *l = listen_create();
    listen_start(l);
    listen_to(l, &x, 1, lead + n, rate_hz, 1024);
    listen_end(l);
    struct heard h = {.is_accused = l->n_violations > 0};
    for (size_t i = 0; i < l->n_noises; i++) {
        const struct cb_noise *v = &l->noise[i];
        bool is_pipe = v->class_ == CB_NOISE_MODIFIED_EXHAUST;
        h.is_called |= is_pipe;
        h.is_clipped |= is_pipe && v->is_overload;
        fprintf(stderr, "%-52s %5d Hz %5.1f dB  %-16s %.2f%s\n", path + strlen(root), rate_hz,
                v->lafmax_db, cb_noise_class_name(v->class_), v->confidence,
                v->is_overload ? " clipped" : "");
    }
    listen_destroy(l);
    free(x);
    return h;
}

/* How many files of a label were accused at each level, and how many called. */
static void each_file(const char *label, int rate_hz, const double *db, size_t n_levels,
                      size_t *ret_files, struct count *ret)
{
    char folder[600];
    snprintf(folder, sizeof folder, "%s/%s", root, label);
    DIR *d = opendir(folder);
    assert_non_null(d);
    *ret_files = 0;
    memset(ret, 0, n_levels * sizeof *ret);
    for (struct dirent *e; (e = readdir(d));) {
        char path[900];
        size_t n;
        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        float *x = decode(path, rate_hz, &n);
        for (size_t k = 0; k < n_levels; k++)
            add(&ret[k], hear(path, x, n, rate_hz, db[k]));
        ++*ret_files;
        free(x);
    }
    closedir(d);
}

static void test_nobody_is_accused_wrongly(void **state)
{
    static const double loud_db[] = {86, 105}, phone_db[] = {95};
    (void) state;
    for (size_t i = 0; i < CB_LEN(labels); i++) {
        size_t n;
        struct count at[2], at8;
        if (labels[i].is_open_pipe)
            continue;
        each_file(labels[i].label, 48000, loud_db, 2, &n, at);
        each_file(labels[i].label, 8000, phone_db, 1, &n, &at8);
        if (!n || at[0].n_accused || at[1].n_accused || at8.n_accused)
            fail_msg("%s: %zu, %zu and %zu of %zu accused", labels[i].label, at[0].n_accused,
                     at[1].n_accused, at8.n_accused, n);
    }
}

/* Eight of nine engines: the ninth (stormbaan_camaro) is a drive heard from inside, all wind. What
 * is clipped in the recording is called what it is and accuses nobody. A single backfire is a bang
 * like any other; the train of them is told. */
static void test_open_pipes_are_found(void **state)
{
    static const double levels_db[] = {90, 100};
    size_t n;
    struct count at[2];
    (void) state;
    each_file("race_engine", 48000, levels_db, 2, &n, at);
    assert_int_equal(n, 9);
    for (int k = 0; k < 2; k++) {
        assert_true(at[k].n_called >= 8 && at[k].n_accused >= 5);
        assert_int_equal(at[k].n_called, at[k].n_accused + at[k].n_clipped);
    }
    each_file("backfire", 48000, levels_db, 2, &n, at);
    for (int k = 0; k < 2; k++) {
        assert_int_equal(at[k].n_called, 1);
        assert_int_equal(at[k].n_accused + at[k].n_clipped, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nobody_is_accused_wrongly),
        cmocka_unit_test(test_open_pipes_are_found),
    };
    const char *corpus = getenv("CITYBRAIN_CORPUS");
    snprintf(root, sizeof root, "%s/audio", corpus ? corpus : SOURCE_ROOT "/../shared/corpus");
    if (access(root, R_OK) != 0) {
        fprintf(stderr, "skipped: no recordings at %s\n", root);
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
