#include "scene.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/sound.h"
#include "detectors/calibration.h"
#include "detectors/refit.h"
#include "evidence/key.h"

#define NEEDED(what)                                                                               \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what);                             \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

#define V_MPS 20.344
#define UTC_AT_0 INT64_C(1780000000000000000) /* 2026-05-28T20:26:40Z */

/* A road in grey, a sky above, and a red car that comes nearer with t. */
static void paint(uint8_t *plane[3], const struct cb_picture *p)
{
    int car_x = p->width / 3 + (int) (p->t_ns / CB_NS_PER_MS) * p->width / 20000;
    int car_y = p->height / 2, car_w = p->width / 7, car_h = p->height / 6;
    for (int y = 0; y < p->height; y++)
        for (int x = 0; x < p->width; x++) {
            bool is_car = x >= car_x && x < car_x + car_w && y >= car_y && y < car_y + car_h;
            int road = y < p->height / 3 ? 190 : 90 + (x * 7 + y * 13) % 9;
            plane[0][(size_t) y * (size_t) p->stride[0] + (size_t) x] =
                (uint8_t) (is_car ? 82 : road);
            if (!plane[1])
                continue;
            size_t at = (size_t) (y >> p->chroma_shift_y) * (size_t) p->stride[1] +
                        (size_t) (x >> p->chroma_shift_x);
            plane[1][at] = is_car ? 90 : 128;
            plane[2][at] = is_car ? 220 : 128;
        }
}

static void release(void *owner)
{
    free(owner);
}

struct cb_frame *scene_frame(int width, int height, int shift_x, int shift_y, bool is_full_range,
                             int64_t t_ns)
{
    bool is_grey = shift_x < 0;
    int cw = is_grey ? 0 : (width + (1 << shift_x) - 1) >> shift_x;
    int ch = is_grey ? 0 : (height + (1 << shift_y) - 1) >> shift_y;
    size_t luma = (size_t) width * (size_t) height, chroma = (size_t) cw * (size_t) ch;
    uint8_t *bytes = malloc(luma + 2 * chroma); /* exactly: a read beyond it is found by ASan */
    if (!bytes)
        return NULL;
    uint8_t *plane[3] = {bytes, is_grey ? NULL : bytes + luma,
                         is_grey ? NULL : bytes + luma + chroma};
    struct cb_picture p = {.plane = {plane[0], plane[1], plane[2]},
                           .stride = {width, cw, cw},
                           .width = width,
                           .height = height,
                           .chroma_shift_x = is_grey ? 0 : shift_x,
                           .chroma_shift_y = is_grey ? 0 : shift_y,
                           .is_full_range = is_full_range,
                           .t_ns = t_ns,
                           .utc_offset_ns = UTC_AT_0,
                           .time_source = CB_TIME_RTCP};
    paint(plane, &p);
    struct cb_frame *f = cb_frame_wrap(&p, release, bytes);
    if (!f)
        free(bytes);
    return f;
}

static int still_at(void *self, int64_t t_ns, struct cb_frame **ret_frame)
{
    const struct cb_scene *s = self;
    if (s->no_picture_after_ns && t_ns > s->no_picture_after_ns)
        return -ENODATA;
    *ret_frame = scene_frame(s->width, s->height, s->shift_x, s->shift_y, s->is_full_range,
                             s->is_always_same_picture ? 0 : t_ns);
    return *ret_frame ? 0 : -ENOMEM;
}

static int cut(void *self, int64_t t0_ns, int64_t t1_ns, int fd, const char **ret_suffix)
{
    const struct cb_scene *s = self;
    char text[100];
    if (s->clip_error)
        return s->clip_error;
    int n =
        snprintf(text, sizeof text, "clip from %lld to %lld", (long long) t0_ns, (long long) t1_ns);
    if (write(fd, text, (size_t) n) != n)
        return -errno;
    *ret_suffix = "mp4";
    return 0;
}

#define SOUND_HZ 16000

static void release_sound(void *owner)
{
    free(owner);
}

/* A street, and at 5 s an engine that passes, its pitch falling: whole 16-bit numbers. */
static float sound_value(double t_s, uint32_t *seed)
{
    double near = exp(-pow((t_s - 5) / 0.45, 2)), v = 0;
    *seed = *seed * 1664525u + 1013904223u;
    for (int k = 1; k <= 9; k++)
        v += sin(2 * 3.14159265 * k * (115 * t_s - 6 * log(cosh(2 * (t_s - 5))))) / k;
    v = 0.25 * near * v + 0.0016 * ((double) (*seed >> 8) / (1 << 23) - 1);
    return (float) (rint(v * 32768) / 32768);
}

static int sound_at(void *self, int64_t t0_ns, int64_t t1_ns, int64_t t_must_ns,
                    struct cb_sound **ret, const char **ret_codec)
{
    struct cb_scene *s = self;
    (void) t_must_ns;
    if (s->sound_error)
        return s->sound_error;
    size_t n = (size_t) ((t1_ns - t0_ns) * SOUND_HZ / CB_NS_PER_S);
    float *x = calloc(2 * n, sizeof *x);
    NEEDED(x);
    uint32_t seed = 7;
    for (size_t i = 0; i < n; i++) {
        x[i] = sound_value((double) t0_ns * 1e-9 + (double) i / SOUND_HZ, &seed);
        x[n + i] = s->is_sound_rough ? x[i] * 0.3f : -x[i];
    }
    struct cb_samples about = {.channel = {x, x + n}, .n = n, .n_channels = 2,
                               .rate_hz = SOUND_HZ, .t_ns = t0_ns};
    *ret = cb_sound_wrap(&about, release_sound, x);
    *ret_codec = "pcm_s16le";
    NEEDED(*ret);
    return 0;
}

/* Up the road at V_MPS, where the calibration says that this is in the picture. */
static void lay_path(struct cb_scene *s)
{
    struct cb_road *road = NULL;
    struct cb_vec2 px;
    NEEDED(cb_road_create(&road, &s->camera.calibration, s->width, s->height, NULL) == 0);
    for (int i = 0; i < 40; i++) {
        double x_m = 1.8, y_m = 11 + i * 0.05 * V_MPS;
        NEEDED(cb_road_to_px(road, (struct cb_vec2){x_m, y_m}, &px) == 0);
        s->path[i] = (struct cb_fix){s->speeding.t_from_ns + i * 50 * CB_NS_PER_MS, x_m, y_m,
                                     (float) px.x, (float) px.y, {650, 360, 185, 122}, 0};
    }
    cb_road_destroy(&road);
}

/* The speeds are what the path gives in a picture of this size. */
static void measure_path(struct cb_scene *s)
{
    struct cb_passage p;
    NEEDED(cb_refit(&s->camera, s->width, s->height, s->path, 40, &p) == 0 && p.speed_mps > 0);
    for (int i = 0; i < 2; i++) {
        struct cb_passage *to = i ? &s->exhaust.passage : &s->speeding.passage;
        to->speed_mps = p.speed_mps;
        to->charged_mps = p.speed_mps - cb_mps_from_kmh(3);
    }
    cb_passage_deinit(&p);
}

static void fill_violation(struct cb_scene *s)
{
    struct cb_violation *v = &s->speeding;
    *v = (struct cb_violation){.kind = CB_SPEEDING,
                               .severity = CB_MODERATE,
                               .t_ns = 5 * CB_NS_PER_S,
                               .utc_offset_ns = UTC_AT_0,
                               .time_source = CB_TIME_RTCP,
                               .track = 17,
                               .t_from_ns = 4 * CB_NS_PER_S,
                               .t_to_ns = 6 * CB_NS_PER_S,
                               .n_stills = 2,
                               .has_passage = true};
    snprintf(v->camera, sizeof v->camera, "%s", s->camera.id);
    v->still[0] = (struct cb_still_wish){4200 * CB_NS_PER_MS, {690, 360, 185, 122}};
    v->still[1] = (struct cb_still_wish){5800 * CB_NS_PER_MS, {795, 360, 185, 122}};
    struct cb_passage *p = &v->passage;
    *p = (struct cb_passage){.track = 17,
                             .t_first_ns = v->t_from_ns,
                             .t_last_ns = v->t_to_ns,
                             .utc_offset_ns = UTC_AT_0,
                             .time_source = CB_TIME_RTCP,
                             .road_user = CB_CAR,
                             .speed_mps = cb_mps_from_kmh(73.24),
                             .u95_mps = cb_mps_from_kmh(1.1),
                             .limit_mps = cb_mps_from_kmh(60),
                             .charged_mps = cb_mps_from_kmh(70.24),
                             .violation = CB_SPEEDING,
                             .path = s->path,
                             .n_path = 40};
    snprintf(p->camera, sizeof p->camera, "%s", s->camera.id);
    lay_path(s);
}

static void fill_exhaust(struct cb_scene *s)
{
    struct cb_violation *v = &s->exhaust;
    *v = s->speeding;
    v->kind = CB_MODIFIED_EXHAUST;
    v->has_noise = true;
    v->passage.road_user = CB_MOTORCYCLE;
    struct cb_noise *n = &v->noise;
    cb_noise_init(n);
    n->t_start_ns = v->t_from_ns;
    n->t_peak_ns = v->t_ns;
    n->t_end_ns = v->t_to_ns;
    n->utc_offset_ns = UTC_AT_0;
    n->time_source = CB_TIME_RTCP;
    n->lafmax_db = 97.36;
    n->lafmax_u95_db = 1.19;
    n->lafmax_7m5_db = 96.1;
    n->lafmax_7m5_u95_db = 1.9;
    n->background_db = 61.0;
    n->background_correction_db = 0;
    n->class_ = CB_NOISE_MODIFIED_EXHAUST;
    n->confidence = 0.97;
    n->azimuth_deg = 12;
    n->azimuth_u95_deg = 2.4;
    n->track = 17;
    n->limit_db = 85;
    n->charged_db = 95.86;
    n->violation = CB_MODIFIED_EXHAUST;
    n->n_features = 1;
    snprintf(v->noise.camera, sizeof v->noise.camera, "%s", s->camera.id);
    snprintf(v->noise.feature[0].name, sizeof v->noise.feature[0].name, "harmonicity");
    v->noise.feature[0].value = 0.83;
}

static void fill_camera(struct cb_scene *s)
{
    static const struct cb_calibration_point points[4] = {
        {100, 700, 0, 10, 0}, {1200, 700, 7, 10, 0}, {500, 300, 0, 50, 0}, {800, 300, 7, 50, 0}};
    struct cb_camera_conf *c = &s->camera;
    memcpy(s->point, points, sizeof points);
    cb_camera_conf_init(c);
    snprintf(c->id, sizeof c->id, "sz-nh-0001");
    snprintf(c->name, sizeof c->name, "深南大道 K3+200 东向");
    snprintf(c->road, sizeof c->road, "深南大道");
    snprintf(c->district, sizeof c->district, "福田");
    c->lat_deg = 22.5410;
    c->lon_deg = 114.0560;
    c->bearing_deg = 92;
    c->speed_limit_kmh = 60;
    c->has_microphone = true;
    c->microphone.sensitivity_dbfs_at_94db = -26;
    c->microphone.limit.default_dba = 85;
    c->microphone.n_positions = 2;
    for (int i = 0; i < 2; i++) {
        c->microphone.position_m[i][0] = 1.2 + 0.2 * i;
        c->microphone.position_m[i][2] = 5.5;
    }
    snprintf(c->microphone.calibrated_on, sizeof c->microphone.calibrated_on, "2026-03-01");
    c->has_calibration = true;
    c->calibration.points = s->point;
    c->calibration.n_points = 4;
    snprintf(c->calibration.certificate, sizeof c->calibration.certificate, "粤JL-2026-00417");
    snprintf(c->calibration.calibrated_on, sizeof c->calibration.calibrated_on, "2026-03-05");
}

void scene_open(struct cb_scene *s)
{
    struct cb_error e = {0};
    const char *tmp = getenv("TMPDIR");
    *s = (struct cb_scene){.width = 1280, .height = 720, .shift_x = 1, .shift_y = 1};
    snprintf(s->dir, sizeof s->dir, "%.40s/cb-evidence-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    NEEDED(mkdtemp(s->dir));
    char name[90];
    snprintf(name, sizeof name, "%s/node", s->dir);
    NEEDED(cb_key_generate(name, s->public_key, &e) == 0);
    snprintf(s->key_file, sizeof s->key_file, "%s.key", name);
    fill_camera(s);
    fill_violation(s);
    fill_exhaust(s);
    measure_path(s);
    s->stills = (struct cb_still_source){s, still_at};
    s->clip = (struct cb_clip_source){s, cut, "h264", "aac"};
    s->sound = (struct cb_sound_source){s, sound_at};
    s->request = (struct cb_evidence_request){&s->speeding, &s->camera, &s->stills, &s->clip, NULL,
                                              &s->sound};
}

void scene_resize(struct cb_scene *s, int width, int height)
{
    float x = (float) width / (float) s->width, y = (float) height / (float) s->height;
    struct cb_violation *all[] = {&s->speeding, &s->exhaust};
    for (int i = 0; i < 4; i++) {
        struct cb_box *b = &all[i / 2]->still[i % 2].box;
        *b = (struct cb_box){b->x * x, b->y * y, b->w * x, b->h * y};
    }
    for (int i = 0; i < 4; i++) {
        s->point[i].x_px *= (double) x;
        s->point[i].y_px *= (double) y;
    }
    s->width = width;
    s->height = height;
    lay_path(s);
    measure_path(s);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void) st, (void) type, (void) at;
    return remove(path);
}

void scene_remove_tree(const char *dir)
{
    nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void scene_close(struct cb_scene *s)
{
    if (getenv("KEEP_EVIDENCE")) /* a developer looks at the pictures */
        fprintf(stderr, "kept: %s\n", s->dir);
    else
        scene_remove_tree(s->dir);
}

struct cb_evidence_sealer *scene_sealer(struct cb_scene *s)
{
    struct cb_evidence_sealer *sealer = NULL;
    struct cb_error e = {0};
    struct cb_evidence_opts o = {.node = "edge-1",
                                 .data_dir = s->dir,
                                 .key_file = s->key_file,
                                 .software = "citybrain 0.1.0 (test)"};
    o.config_sha256 = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    if (cb_evidence_sealer_create(&sealer, &o, &e) < 0) {
        fprintf(stderr, "sealer: %s %s\n", e.where, e.text);
        exit(1);
    }
    return sealer;
}

void scene_seal(struct cb_scene *s, struct cb_evidence_sealer *sealer, struct cb_sealed *ret)
{
    struct cb_error e = {0};
    int r = cb_evidence_seal(sealer, &s->request, ret, &e);
    if (r < 0) {
        fprintf(stderr, "seal: %d %s %s\n", r, e.where, e.text);
        exit(1);
    }
}

void scene_alter(const char *dir, const char *name)
{
    char path[256];
    unsigned char c;
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    int fd = open(path, O_RDWR);
    NEEDED(fd >= 0 && fstat(fd, &st) == 0);
    off_t at = st.st_size / 2;
    NEEDED(pread(fd, &c, 1, at) == 1);
    c ^= 1;
    NEEDED(pwrite(fd, &c, 1, at) == 1);
    close(fd);
}
