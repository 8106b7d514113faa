#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli.h"
#include "detectors/refit.h"
#include "evidence/key.h"
#include "evidence/verify.h"
#include "scene.h"

#define N_SEALED 4

static const struct cb_verify_keys any_key = {NULL, 0};

struct fixture {
    struct cb_scene scene;
    struct cb_sealed sealed[N_SEALED];
    char out[96]; /* what the tool printed */
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    scene_open(&f->scene);
    scene_resize(&f->scene, 160, 120);
    struct cb_evidence_sealer *sealer = scene_sealer(&f->scene);
    for (int i = 0; i < N_SEALED; i++)
        scene_seal(&f->scene, sealer, &f->sealed[i]);
    cb_evidence_sealer_destroy(&sealer);
    snprintf(f->out, sizeof f->out, "%s/out.txt", f->scene.dir);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < N_SEALED; i++)
        free(f->sealed[i].dir);
    scene_close(&f->scene);
    free(f);
    return 0;
}

/* Exactly one fault, of this kind and name. */
static void expect_fault(const char *dir, enum cb_fault_kind kind, const char *name)
{
    struct cb_verify_report v;
    assert_int_equal(cb_verify_package(dir, &any_key, &v, NULL), 0);
    assert_int_equal(v.n_faults, 1);
    assert_string_equal(cb_fault_kind_name(v.fault[0].kind), cb_fault_kind_name(kind));
    assert_string_equal(v.fault[0].name, name);
}

static void test_each_altered_file_is_named(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {"still-1.jpg",  "still-2.jpg", "closeup.jpg",
                                        "composed.jpg", "clip.mp4",    "samples.json",
                                        "calibration.json"};
    for (size_t i = 0; i < 7; i++) {
        scene_alter(f->sealed[0].dir, names[i]);
        expect_fault(f->sealed[0].dir, CB_FAULT_ALTERED, names[i]);
        scene_alter(f->sealed[0].dir, names[i]); /* the same bit again: as it was */
    }
    struct cb_verify_report v;
    assert_int_equal(cb_verify_package(f->sealed[0].dir, &any_key, &v, NULL), 0);
    assert_int_equal(v.n_faults, 0);
}

static void flip(const char *path, off_t at, int bit)
{
    unsigned char c;
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &c, 1, at), 1);
    c ^= (unsigned char) (1 << bit);
    assert_int_equal(pwrite(fd, &c, 1, at), 1);
    close(fd);
}

/* One bit anywhere in any file: exactly that file is named; the bit turned back, all is whole. */
static void test_any_byte_of_any_file_counts(void **state)
{
    struct fixture *f = *state;
    struct cb_verify_report v;
    unsigned seed = 832;
    struct dirent **entry;
    int n = scandir(f->sealed[0].dir, &entry, NULL, alphasort), n_flips = 0;
    assert_true(n >= 2 + 2 + 6);
    for (int i = 0; i < n; i++) {
        const char *name = entry[i]->d_name;
        char path[400];
        struct stat st;
        snprintf(path, sizeof path, "%s/%s", f->sealed[0].dir, name);
        assert_int_equal(stat(path, &st), 0);
        for (int k = 0; S_ISREG(st.st_mode) && k < 60; k++, n_flips++) {
            off_t at = k == 0 ? 0 : k == 1 ? st.st_size - 1 : rand_r(&seed) % st.st_size;
            int bit = rand_r(&seed) % 8;
            bool is_record = !strncmp(name, "record.", 7);
            flip(path, at, bit);
            assert_int_equal(cb_verify_package(f->sealed[0].dir, &any_key, &v, NULL), 0);
            flip(path, at, bit);
            if (v.n_faults == 0 || (!is_record && (v.n_faults != 1 ||
                                                   strcmp(v.fault[0].name, name))))
                fail_msg("bit %d of byte %lld of %s: %zu faults", bit, (long long) at, name,
                         v.n_faults);
            if (is_record && strncmp(v.fault[0].name, "record.", 7))
                fail_msg("%s is named for a bit of %s", v.fault[0].name, name);
        }
        free(entry[i]);
    }
    free(entry);
    assert_true(n_flips >= 60 * 8);
    assert_int_equal(cb_verify_package(f->sealed[0].dir, &any_key, &v, NULL), 0);
    assert_int_equal(v.n_faults, 0);
}

/* Every single byte of record and signature counts. */
static void test_each_byte_of_the_record_is_signed(void **state)
{
    struct fixture *f = *state;
    char json_path[256], sig_path[256];
    char json[8192], sig[200];
    snprintf(json_path, sizeof json_path, "%s/record.json", f->sealed[0].dir);
    snprintf(sig_path, sizeof sig_path, "%s/record.sig", f->sealed[0].dir);
    int fd = open(json_path, O_RDONLY), sig_fd = open(sig_path, O_RDONLY);
    ssize_t n = read(fd, json, sizeof json), n_sig = read(sig_fd, sig, sizeof sig - 1);
    close(fd);
    close(sig_fd);
    assert_true(n > 500 && n < (ssize_t) sizeof json && n_sig == 128);
    sig[n_sig] = '\0';
    struct cb_verify_report v;
    cb_verify_record(json, (size_t) n, sig, &any_key, NULL, &v);
    assert_int_equal(v.n_faults, 0);
    for (ssize_t i = 0; i < n; i++) {
        json[i] ^= 1;
        cb_verify_record(json, (size_t) n, sig, &any_key, NULL, &v);
        json[i] ^= 1;
        assert_true(v.n_faults > 0);
    }
    for (ssize_t i = 0; i < n_sig; i++) {
        char was = sig[i];
        sig[i] = was == '0' ? '1' : '0';
        cb_verify_record(json, (size_t) n, sig, &any_key, NULL, &v);
        assert_int_equal(v.n_faults, 1);
        sig[i] = was;
    }
    sig[n_sig - 1] = '\0';
    cb_verify_record(json, (size_t) n, sig, &any_key, NULL, &v);
    assert_int_equal(v.fault[0].kind, CB_FAULT_SIGNATURE);
    cb_verify_record(json, (size_t) n, NULL, &any_key, NULL, &v);
    assert_int_equal(v.fault[0].kind, CB_FAULT_SIGNATURE);
}

static void remove_file(const char *dir, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    assert_int_equal(unlink(path), 0);
}

static void write_file(const char *dir, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void test_missing_extra_and_replaced_files_are_named(void **state)
{
    struct fixture *f = *state;
    remove_file(f->sealed[0].dir, "still-2.jpg");
    expect_fault(f->sealed[0].dir, CB_FAULT_MISSING, "still-2.jpg");
    char path[256];
    snprintf(path, sizeof path, "%s/still-2.jpg", f->sealed[0].dir);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    expect_fault(f->sealed[0].dir, CB_FAULT_MISSING, "still-2.jpg");
    remove_file(f->sealed[0].dir, "still-2.jpg");
    assert_int_equal(mkfifo(path, 0600), 0);
    expect_fault(f->sealed[0].dir, CB_FAULT_MISSING, "still-2.jpg");
    write_file(f->sealed[1].dir, "still-9.jpg", "x");
    expect_fault(f->sealed[1].dir, CB_FAULT_EXTRA, "still-9.jpg");
    remove_file(f->sealed[2].dir, "record.sig");
    expect_fault(f->sealed[2].dir, CB_FAULT_SIGNATURE, "record.sig");
    write_file(f->sealed[3].dir, "record.json", "{\"type\":\"evidence\"}");
    expect_fault(f->sealed[3].dir, CB_FAULT_RECORD, "record.json");
}

/* Whoever alters a file, corrects its hash and signs anew: only the right key tells. */
static void test_record_signed_anew_is_told_by_the_key(void **state)
{
    struct fixture *f = *state;
    struct cb_error e;
    struct cb_key *forger = NULL;
    char name[128], forged[CB_KEY_LEN], path[256], sig[CB_SIGNATURE_LEN];
    snprintf(name, sizeof name, "%s/forger", f->scene.dir);
    assert_int_equal(cb_key_generate(name, forged, &e), 0);
    strcat(name, ".key");
    assert_int_equal(cb_key_load(&forger, name, &e), 0);
    static char json[8192];
    snprintf(path, sizeof path, "%s/record.json", f->sealed[1].dir);
    FILE *file = fopen(path, "r");
    size_t n = fread(json, 1, sizeof json - 1, file);
    fclose(file);
    json[n] = '\0';
    memcpy(strstr(json, f->scene.public_key), forged, CB_KEY_LEN - 1);
    cb_key_sign(forger, json, n, sig);
    write_file(f->sealed[1].dir, "record.json", json);
    write_file(f->sealed[1].dir, "record.sig", sig);
    cb_key_destroy(&forger);
    struct cb_verify_report v, before;
    struct cb_fault fault;
    assert_int_equal(cb_verify_package(f->sealed[1].dir, &any_key, &v, NULL), 0);
    assert_int_equal(v.n_faults, 0); /* in itself it is sound */
    struct cb_verify_keys keys = {(const char(*)[CB_KEY_LEN]) f->scene.public_key, 1};
    assert_int_equal(cb_verify_package(f->sealed[1].dir, &keys, &v, NULL), 0);
    assert_int_equal(v.n_faults, 1);
    assert_int_equal(v.fault[0].kind, CB_FAULT_KEY);
    assert_int_equal(cb_verify_package(f->sealed[0].dir, &keys, &before, NULL), 0);
    assert_int_equal(before.n_faults, 0);
    assert_false(cb_verify_follows(&before.link, &v.link, false, &fault));
    assert_string_equal(fault.name, "sequence 2");
    assert_non_null(strstr(fault.text, "is signed with key"));
    assert_int_equal(cb_verify_package(f->sealed[2].dir, &keys, &before, NULL), 0);
    assert_false(cb_verify_follows(&v.link, &before.link, true, &fault));
    assert_string_equal(fault.name, "sequence 3");
}

/* Whoever holds the key can sign any speed; the samples say what it was. */
static void test_speed_that_the_samples_do_not_give_is_named(void **state)
{
    struct fixture *f = *state;
    struct cb_verify_report v;
    struct cb_sealed sealed;
    assert_int_equal(cb_verify_package(f->sealed[0].dir, &any_key, &v, NULL), 0);
    double said_kmh = cb_kmh_from_mps(f->scene.speeding.passage.speed_mps);
    assert_true(fabs(v.refit_kmh - said_kmh) < 0.01);
    struct cb_evidence_sealer *sealer = scene_sealer(&f->scene);
    for (int sign = -1; sign <= 1; sign += 2) {
        f->scene.speeding.passage.speed_mps = cb_mps_from_kmh(said_kmh + sign * 0.04);
        scene_seal(&f->scene, sealer, &sealed);
        expect_fault(sealed.dir, CB_FAULT_MEASURED, "samples.json");
        free(sealed.dir);
    }
    /* another way, the same record: also what was sealed with it */
    f->scene.speeding.passage.speed_mps = cb_mps_from_kmh(said_kmh);
    f->scene.point[2].y_m += 3;
    scene_seal(&f->scene, sealer, &sealed);
    expect_fault(sealed.dir, CB_FAULT_MEASURED, "samples.json");
    free(sealed.dir);
    cb_evidence_sealer_destroy(&sealer);
}

/* What the fit left out is sealed too, apart: only with it the same speed comes out to the last digit. */
static void test_samples_that_were_left_out_are_kept(void **state)
{
    struct fixture *f = *state;
    struct cb_scene *s = &f->scene;
    struct cb_verify_report v;
    struct cb_sealed sealed;
    struct cb_passage p, was = s->speeding.passage;
    for (int i = 0; i < 40; i++) /* its own noise, and a few looks at something else */
        s->path[i].y_px += i % 9 == 4 ? 14 : (float) ((i * 7) % 5 - 2) * 0.6f;
    assert_int_equal(cb_refit(&s->camera, s->width, s->height, s->path, 40, &p), 0);
    assert_true(p.n_left_out >= 3 && p.n_path + p.n_left_out <= 40);
    was.path = p.path;
    was.n_path = p.n_path;
    was.n_left_out = p.n_left_out;
    was.speed_mps = p.speed_mps;
    was.charged_mps = p.speed_mps - cb_mps_from_kmh(3);
    s->speeding.passage = was;
    struct cb_evidence_sealer *sealer = scene_sealer(s);
    scene_seal(s, sealer, &sealed);
    assert_int_equal(cb_verify_package(sealed.dir, &any_key, &v, NULL), 0);
    assert_int_equal(v.n_faults, 0);
    assert_true(fabs(v.refit_kmh - cb_kmh_from_mps(p.speed_mps)) < 0.006);
    free(sealed.dir);
    s->speeding.passage.n_left_out = 0;
    scene_seal(s, sealer, &sealed);
    expect_fault(sealed.dir, CB_FAULT_MEASURED, "samples.json");
    free(sealed.dir);
    cb_evidence_sealer_destroy(&sealer);
    s->speeding.passage.path = s->path;
    s->speeding.passage.n_path = 40;
    cb_passage_deinit(&p);
}

/* Runs a verb as the tool does; its output goes to f->out. */
static int run(struct fixture *f, int (*verb)(int, char **), const char *a, const char *b,
               const char *c, const char *d)
{
    const char *argv[] = {"verb", a, b, c, d, NULL};
    int argc = 1, saved = dup(STDOUT_FILENO), saved_err = dup(STDERR_FILENO);
    while (argc < 5 && argv[argc])
        argc++;
    fflush(stdout);
    int fd = open(f->out, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(fd, STDOUT_FILENO);
    dup2(fd, STDERR_FILENO);
    optind = 0; /* getopt begins anew */
    int code = verb(argc, (char **) argv);
    fflush(stdout);
    dup2(saved, STDOUT_FILENO);
    dup2(saved_err, STDERR_FILENO);
    close(fd);
    close(saved);
    close(saved_err);
    return code;
}

static bool printed(struct fixture *f, const char *text)
{
    static char all[65536];
    FILE *file = fopen(f->out, "r");
    size_t n = fread(all, 1, sizeof all - 1, file);
    fclose(file);
    all[n] = '\0';
    if (strstr(all, text))
        return true;
    fprintf(stderr, "printed:\n%s", all);
    return false;
}

static void test_tool_proves_a_folder_and_its_chain(void **state)
{
    struct fixture *f = *state;
    char key[96];
    snprintf(key, sizeof key, "--key=%s", f->scene.public_key);
    assert_int_equal(run(f, cb_cli_verify, f->scene.dir, "--chain", key, NULL), CB_EXIT_OK);
    assert_true(printed(f, "sequence 1 to 4: unbroken"));
    assert_true(printed(f, "4 packages: 4 whole, 0 not"));
    assert_int_equal(run(f, cb_cli_verify, f->sealed[2].dir, "--json", NULL, NULL), CB_EXIT_OK);
    assert_true(printed(f, "\"whole\":true"));
    scene_alter(f->sealed[2].dir, "clip.mp4");
    assert_int_equal(run(f, cb_cli_verify, f->scene.dir, NULL, NULL, NULL), CB_EXIT_FAILED);
    assert_true(printed(f, "altered   clip.mp4"));
    assert_int_equal(run(f, cb_cli_verify, f->sealed[2].dir, "--json", NULL, NULL), CB_EXIT_FAILED);
    assert_true(printed(f, "\"kind\":\"altered\",\"name\":\"clip.mp4\""));
}

static void test_tool_names_the_gap_in_a_chain(void **state)
{
    struct fixture *f = *state;
    scene_remove_tree(f->sealed[1].dir);
    assert_int_equal(run(f, cb_cli_verify, f->scene.dir, NULL, NULL, NULL), CB_EXIT_OK);
    assert_int_equal(run(f, cb_cli_verify, f->scene.dir, "--chain", NULL, NULL), CB_EXIT_FAILED);
    assert_true(printed(f, "sequence 3 comes after 1: 1 between are missing"));
    /* A folder that was emptied is still a package that is not whole. */
    assert_int_equal(mkdir(f->sealed[1].dir, 0700), 0);
    assert_int_equal(run(f, cb_cli_verify, f->scene.dir, NULL, NULL, NULL), CB_EXIT_FAILED);
}

static void test_tool_explains_wrong_use(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(run(f, cb_cli_verify, NULL, NULL, NULL, NULL), CB_EXIT_USAGE);
    assert_int_equal(run(f, cb_cli_verify, "--nonsense", f->scene.dir, NULL, NULL), CB_EXIT_USAGE);
    assert_int_equal(run(f, cb_cli_verify, "--help", NULL, NULL, NULL), CB_EXIT_OK);
    assert_true(printed(f, "Examples"));
    assert_int_equal(run(f, cb_cli_verify, f->scene.dir, "--key", "/nowhere", NULL), CB_EXIT_USAGE);
    assert_true(printed(f, "/nowhere"));
    assert_int_equal(run(f, cb_cli_verify, "/nowhere", NULL, NULL, NULL), CB_EXIT_FAILED);
    char empty[96];
    snprintf(empty, sizeof empty, "%s/empty", f->scene.dir);
    assert_int_equal(mkdir(empty, 0700), 0);
    assert_int_equal(run(f, cb_cli_verify, empty, NULL, NULL, NULL), CB_EXIT_FAILED);
    assert_true(printed(f, "holds no package"));
}

static void test_keygen_makes_private_keys_once(void **state)
{
    struct fixture *f = *state;
    char name[96], path[128];
    struct stat st;
    snprintf(name, sizeof name, "%s/new", f->scene.dir);
    assert_int_equal(run(f, cb_cli_keygen, "--out", name, "--curve", NULL), CB_EXIT_OK);
    snprintf(path, sizeof path, "%s.key", name);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    snprintf(path, sizeof path, "%s.curve", name);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    char public_key[CB_KEY_LEN];
    snprintf(path, sizeof path, "%s.pub", name);
    assert_int_equal(cb_key_load_public(path, public_key, NULL), 0);
    assert_int_equal(run(f, cb_cli_keygen, "--out", name, NULL, NULL), CB_EXIT_FAILED);
    assert_true(printed(f, "never overwritten"));
    assert_int_equal(run(f, cb_cli_keygen, NULL, NULL, NULL, NULL), CB_EXIT_USAGE);
}

int main(void)
{
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_each_altered_file_is_named),
        CASE(test_each_byte_of_the_record_is_signed),
        CASE(test_missing_extra_and_replaced_files_are_named),
        CASE(test_record_signed_anew_is_told_by_the_key),
        CASE(test_samples_that_were_left_out_are_kept),
        CASE(test_speed_that_the_samples_do_not_give_is_named),
        CASE(test_any_byte_of_any_file_counts),
        CASE(test_tool_proves_a_folder_and_its_chain),
        CASE(test_tool_names_the_gap_in_a_chain),
        CASE(test_tool_explains_wrong_use),
        CASE(test_keygen_makes_private_keys_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
