/*
 * What sealing a package costs: stills, close-up, the composed picture, samples, record, hashes, syncs.
 * The clip is a few bytes: cutting it is copying. usage: citybrain-bench-seal [COUNT]
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "scene.h"

static int64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * CB_NS_PER_S + t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *) a, y = *(const double *) b;
    return (x > y) - (x < y);
}

static void print(const char *what, double *ms, int n)
{
    qsort(ms, (size_t) n, sizeof *ms, by_value);
    printf("  %s %6.1f ms (at most %.1f)", what, ms[n / 2], ms[n - 1]);
}

static void measure(int width, int height, int n)
{
    struct cb_scene s;
    double *wall_ms = calloc((size_t) n, sizeof *wall_ms), *cpu_ms = calloc((size_t) n, sizeof *cpu_ms);
    if (!wall_ms || !cpu_ms)
        exit(1);
    scene_open(&s);
    scene_resize(&s, width, height);
    struct cb_evidence_sealer *sealer = scene_sealer(&s);
    for (int i = 0; i < n; i++) {
        struct cb_sealed sealed;
        int64_t start_ns = cb_clock_mono_ns(), start_cpu_ns = cpu_ns();
        scene_seal(&s, sealer, &sealed);
        cpu_ms[i] = (double) (cpu_ns() - start_cpu_ns) * 1e-6;
        wall_ms[i] = (double) (cb_clock_mono_ns() - start_ns) * 1e-6;
        free(sealed.dir);
    }
    printf("%4d x %4d, %zu stills:", width, height, s.speeding.n_stills);
    print("CPU", cpu_ms, n);
    print("wall", wall_ms, n);
    putchar('\n');
    cb_evidence_sealer_destroy(&sealer);
    scene_close(&s);
    free(wall_ms);
    free(cpu_ms);
}

int main(int argc, char **argv)
{
    int n = argc > 1 ? atoi(argv[1]) : 15;
    if (n < 1)
        return 2;
    measure(1280, 720, n);
    measure(1920, 1080, n);
    measure(2560, 1440, n);
    return 0;
}
