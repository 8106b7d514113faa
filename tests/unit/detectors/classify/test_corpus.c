#include "unit/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/frame.h"
#include "config.h"
#include "detectors/classifier.h"
#include "ingest/ingest.h"

/* The corpus's YOLOX-nano on the corpus's clips: a car by its box at 5 s, and bare road. */
static char root[512];

static void path_to(const char *name, char ret[1024])
{
    snprintf(ret, 1024, "%s/%s", root, name);
}

static void create(struct cb_classifier **ret)
{
    struct cb_classifier_conf conf = {.kind = CB_YOLOX};
    struct cb_error e = {0};
    snprintf(conf.model, sizeof conf.model, "%.400s/models/yolox_nano/yolox_nano.onnx", root);
    if (cb_classifier_create(ret, &conf, &e) < 0)
        fail_msg("%s: %s", e.where, e.text);
}

struct watch {
    struct cb_classifier *c;
    int64_t t_first_ns, t_next_ns;
    int n;
};

#define CAR_TRACK  1
#define ROAD_TRACK 2

static int on_frame(void *self, struct cb_frame *f)
{
    static const struct cb_box car = {252, 145, 89, 62}, road = {390, 250, 89, 62};
    struct watch *w = self;
    const struct cb_picture *p = cb_frame_picture(f);
    if (!w->t_first_ns)
        w->t_first_ns = p->t_ns + 1;
    int64_t t_ns = p->t_ns - w->t_first_ns;
    if (t_ns < 4950 * CB_NS_PER_MS)
        return 0;
    if (t_ns > 5100 * CB_NS_PER_MS)
        return -ECANCELED;
    w->n++;
    assert_int_equal(cb_classifier_show(w->c, CAR_TRACK, p, &car), 0);
    return cb_classifier_show(w->c, ROAD_TRACK, p, &road);
}

static void test_car(void **state)
{
    (void) state;
    struct cb_camera_conf conf;
    cb_camera_conf_init(&conf);
    path_to("video/us_street_oblique.mp4", conf.url);
    struct watch w = {0};
    create(&w.c);
    struct cb_ingest *in = NULL;
    struct cb_ingest_opts opts = cb_ingest_defaults(&conf);
    struct cb_ingest_sink sink = {.self = &w, .on_frame = on_frame};
    struct cb_error e = {0};
    assert_int_equal(cb_ingest_create(&in, &conf, &opts, &sink), 0);
    assert_int_equal(cb_ingest_run(in, &e), -ECANCELED);
    assert_true(w.n >= 2);
    /* whatever size said */
    assert_int_equal(cb_classifier_tell(w.c, CAR_TRACK, CB_TRUCK), CB_CAR);
    assert_int_equal(cb_classifier_tell(w.c, ROAD_TRACK, CB_TRUCK), CB_TRUCK);
    assert_int_equal(cb_classifier_tell(w.c, CAR_TRACK, CB_BUS), CB_BUS); /* forgotten by now */
    assert_int_equal(cb_classifier_tell(w.c, 99, CB_BUS), CB_BUS);
    cb_ingest_destroy(&in);
    cb_classifier_destroy(&w.c);
}

static void refused(const char *model, const char *said)
{
    char text[2048];
    struct cb_config *c = NULL;
    struct cb_error e = {0};
    snprintf(text, sizeof text, "cameras:\n  - {id: a, url: x}\nclassifier: {model: %s}\n", model);
    int r = cb_config_parse(&c, "city.yaml", "/", text, strlen(text), &e);
    if (r >= 0 || c || strcmp(e.where, "city.yaml:2 classifier.model") ||
        !strstr(e.text, said) || !strstr(e.text, strrchr(model, '/')))
        fail_msg("%s: got %d %s: %s", model, r, e.where, e.text);
}

static void test_refused_by_name(void **state)
{
    (void) state;
    char model[1024];
    refused("/nowhere/model.onnx", "no such file");
    path_to("models/nanodet_m/nanodet_m.onnx", model);
    refused(model, "no YOLOX model");
    path_to("models/yolox_nano/coco.names", model);
    refused(model, "no YOLOX model");
}

int main(void)
{
    const char *env = getenv("CITYBRAIN_CORPUS");
    char model[1024];
    snprintf(root, sizeof root, "%s", env ? env : SOURCE_ROOT "/../shared/corpus");
    path_to("models/yolox_nano/yolox_nano.onnx", model);
    if (access(model, R_OK) != 0) {
        printf("skipped: no %s\n", model);
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_car),
        cmocka_unit_test(test_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
