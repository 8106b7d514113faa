/*
 * What the whole sound path costs: a camera's stereo sound at 48 kHz through the detectors, from
 * decoded blocks to noise events, as a share of one core. A minute of a quiet road, of a road with
 * a modified exhaust every ten seconds, and of one that is loud throughout.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/sound.h"
#include "detectors/pipeline.h"
#include "schema/camera.h"
#include "signal.h"

#define RATE_HZ 48000
#define SECONDS 60
#define BLOCK   1024 /* samples: what an AAC frame brings */
#define N       ((size_t) RATE_HZ * SECONDS)
#define GOAL    1.0 /* per cent of a core */

struct count {
    int noises, levels;
};

static void on_noise(void *self, const struct cb_noise *n)
{
    (void) n;
    ((struct count *) self)->noises++;
}

static void on_level(void *self, const struct cb_noise_level *l)
{
    (void) l;
    ((struct count *) self)->levels++;
}

static void keep(void *owner)
{
    (void) owner;
}

/* Tyres and wind at about 55 dB(A), and every period_s an engine that rises out of it and falls. */
static void make_road(float *x, uint64_t seed, double period_s, double peak)
{
    add_noise(x, N, 0.001, seed);
    for (double t = 2; t + 6 < SECONDS && period_s > 0; t += period_s) {
        size_t n = 6 * RATE_HZ;
        float *pass = calloc(n, sizeof *pass), *at = x + (size_t) (t * RATE_HZ);
        if (!pass)
            return;
        add_engine(pass, n, RATE_HZ, 90, 140, 4, 0.3, 5);
        for (size_t i = 0; i < n; i++) {
            double off_s = (double) i / RATE_HZ - 3, gain = peak / (1 + 4 * off_s * off_s);
            at[i] += (float) (gain * pass[i]);
        }
        free(pass);
    }
}

static double cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

static int listen(const struct cb_camera_conf *conf, const float *left, const float *right,
                  struct count *ret)
{
    struct cb_sink sink = {.self = ret, .on_noise = on_noise, .on_level = on_level};
    struct cb_pipeline *p = NULL;
    struct cb_error e = {0};
    int r = cb_pipeline_create(&p, conf, &sink, &e);
    for (size_t i = 0; i < N && r >= 0; i += BLOCK) {
        struct cb_samples s = {.channel = {left + i, right + i},
                               .n = N - i < BLOCK ? N - i : BLOCK,
                               .n_channels = 2,
                               .rate_hz = RATE_HZ,
                               .t_ns = (int64_t) i * CB_NS_PER_S / RATE_HZ};
        struct cb_sound *sound = cb_sound_wrap(&s, keep, NULL);
        r = sound ? cb_pipeline_on_sound(p, sound) : -1;
        cb_sound_unref(&sound);
    }
    if (r >= 0)
        r = cb_pipeline_flush(p);
    cb_pipeline_destroy(&p);
    return r;
}

/* @return per cent of a core; < 0: it failed */
static double measure(const char *name, double period_s, double peak)
{
    struct cb_camera_conf conf;
    struct count count = {0};
    cb_camera_conf_init(&conf);
    snprintf(conf.id, sizeof conf.id, "c1");
    conf.has_microphone = true;
    conf.microphone.sensitivity_dbfs_at_94db = -26;
    conf.microphone.limit.default_dba = 85;
    conf.microphone.n_positions = 2;
    conf.microphone.position_m[1][0] = 0.2;
    float *left = calloc(N, sizeof *left), *right = calloc(N, sizeof *right);
    double percent = -1;
    if (left && right) {
        make_road(left, 1, period_s, peak);
        for (size_t i = 12; i < N; i++) /* a quarter of a millisecond later, with its own noise */
            right[i] = left[i - 12];
        add_noise(right, N, 0.0003, 2);
        double from_s = cpu_s();
        if (listen(&conf, left, right, &count) >= 0)
            percent = 100 * (cpu_s() - from_s) / SECONDS;
        printf("%-34s %8d %10.3f %10.2f\n", name, count.noises, percent, GOAL - percent);
    }
    free(left);
    free(right);
    cb_camera_conf_deinit(&conf);
    return percent;
}

int main(void)
{
    static const struct {
        const char *name;
        double period_s, peak;
    } road[] = {
        {"quiet road", 0, 0},
        {"a loud vehicle every 10 s", 10, 2},
        {"one after another", 3, 2},
    };
    int code = 0;
    printf("Stereo, 48 kHz, %d s each, through all detectors of sound; goal under %.0f %%\n\n",
           SECONDS, GOAL);
    printf("%-34s %8s %10s %10s\n", "road", "events", "% of core", "margin");
    for (size_t i = 0; i < CB_LEN(road); i++) {
        double percent = measure(road[i].name, road[i].period_s, road[i].peak);
        code |= !(percent >= 0 && percent < GOAL);
    }
    return code;
}
