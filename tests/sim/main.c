#include <errno.h>
#include <getopt.h>
#include <libavutil/log.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "clip.h"
#include "truth.h"
#include "wav.h"

struct options {
    const char *scene, *out, *url;
    long seed;
    int n_threads;
    bool is_quiet, only_truth, only_sound;
};

static const char help[] =
    "Usage: citybrain-sim SCENE.json --out DIR [--seed N] [--threads N] [--url URL]\n"
    "                     [--truth-only | --sound-only] [--quiet]\n"
    "\n"
    "Renders a scene into DIR: the clip (clip.mp4, or clip.mkv for PCM and Opus sound), "
    "truth.json\n"
    "with what a right measurement would say, and city.yaml with the camera's configuration.\n"
    "The same scene and seed give the same bytes.\n"
    "\n"
    "  --out DIR      where to write; made when it is not there\n"
    "  --seed N       everything that is random (default 1)\n"
    "  --threads N    render N frames side by side (default: the number of processors)\n"
    "  --url URL      the camera's url in city.yaml (default: the clip's file name)\n"
    "  --truth-only   no clip: truth.json and city.yaml alone\n"
    "  --sound-only   no pictures: the sound as clip.wav (16 bit), truth.json and city.yaml\n"
    "  --quiet        no progress\n"
    "\n"
    "Example: citybrain-sim seeds/scenes/day.json --out /tmp/day --seed 7\n"
    "Exit codes: 0 done; 1 could not be rendered; 2 wrong usage or a wrong scene.\n";

static int usage(const char *text)
{
    fprintf(stderr, "citybrain-sim: %s\nTry: citybrain-sim --help\n", text);
    return -EINVAL;
}

static int read_number(const char *text, long min, long max, long *ret)
{
    char *end;
    errno = 0;
    long v = strtol(text, &end, 10);
    if (errno || *end || end == text || v < min || v > max)
        return -EINVAL;
    *ret = v;
    return 0;
}

static int read_option(struct options *o, int option)
{
    long n = 1;
    switch (option) {
    case 'o':
        o->out = optarg;
        return 0;
    case 's':
        if (read_number(optarg, 0, 1000000000, &o->seed) < 0)
            return usage("--seed: expected a whole number from 0 to 1000000000");
        return 0;
    case 'j':
        if (read_number(optarg, 1, 16, &n) < 0)
            return usage("--threads: expected a whole number from 1 to 16");
        o->n_threads = (int) n;
        return 0;
    case 'u':
        o->url = optarg;
        return 0;
    case 't':
        o->only_truth = true;
        return 0;
    case 'w':
        o->only_sound = true;
        return 0;
    case 'q':
        o->is_quiet = true;
        return 0;
    default:
        return usage("unknown option");
    }
}

static int read_options(struct options *o, int argc, char **argv)
{
    static const struct option table[] = {{"out", required_argument, NULL, 'o'},
                                          {"seed", required_argument, NULL, 's'},
                                          {"threads", required_argument, NULL, 'j'},
                                          {"url", required_argument, NULL, 'u'},
                                          {"truth-only", no_argument, NULL, 't'},
                                          {"sound-only", no_argument, NULL, 'w'},
                                          {"quiet", no_argument, NULL, 'q'},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
    int c, r;
    while ((c = getopt_long(argc, argv, "o:s:j:qh", table, NULL)) != -1) {
        if (c == 'h') {
            fputs(help, stdout);
            exit(0);
        }
        if ((r = read_option(o, c)) < 0)
            return r;
    }
    if (optind + 1 != argc)
        return usage("expected one scene file");
    if (!o->out)
        return usage("--out DIR is missing");
    o->scene = argv[optind];
    return 0;
}

static int write_clip(const struct sim_scene *s, const struct options *o,
                      const struct sim_sound *sound, const int64_t *pts, int n,
                      struct cb_error *reterr)
{
    struct sim_stage *stage = NULL;
    CB_AUTO_FREE char *path = NULL;
    int r = cb_path_join(o->out, sim_writer_name(s), &path);
    if (r == 0)
        r = sim_stage_create(&stage, s, o->n_threads);
    if (r == 0)
        r = sim_clip_write(stage, sound, pts, n, path, o->n_threads, o->is_quiet, reterr);
    sim_stage_destroy(&stage);
    return r;
}

static int write_sound(const struct sim_scene *s, const struct options *o,
                       const struct sim_sound *sound, struct cb_error *reterr)
{
    CB_AUTO_FREE char *path = NULL;
    int r = cb_path_join(o->out, SIM_WAV_NAME, &path);
    return r == 0 ? sim_wav_write(sound, s->sound.sensitivity_dbfs_at_94db, path, reterr) : r;
}

static int write_data(const struct sim_scene *s, const struct options *o,
                      const struct sim_sound *sound, const int64_t *pts, int n,
                      struct cb_error *reterr)
{
    CB_AUTO_FREE char *truth = NULL, *city = NULL;
    int r;
    if ((r = cb_path_join(o->out, "truth.json", &truth)) < 0 ||
        (r = cb_path_join(o->out, "city.yaml", &city)) < 0 ||
        (r = sim_truth_write(s, sound, pts, n, sim_writer_ticks(s), truth, reterr)) < 0)
        return r;
    const char *clip = o->only_sound ? SIM_WAV_NAME : sim_writer_name(s);
    return sim_city_write(s, o->url ? o->url : clip, city, reterr);
}

static int run(struct sim_scene *s, const struct options *o, struct cb_error *reterr)
{
    struct sim_sound *sound = NULL;
    CB_AUTO_FREE int64_t *pts = NULL;
    int n = 0, r = 0;
    s->seed = (uint64_t) o->seed;
    if (mkdir(o->out, 0777) < 0 && errno != EEXIST)
        return cb_error_set(reterr, -errno, o->out, "cannot be made: %s", strerror(errno));
    if (s->sound.codec != SIM_SOUND_NONE)
        r = sim_sound_create(&sound, s, o->n_threads);
    if (r == 0)
        r = sim_clip_pts(s, &pts, &n);
    if (r == 0)
        r = write_data(s, o, sound, pts, n, reterr);
    if (r == 0 && o->only_sound && sound)
        r = write_sound(s, o, sound, reterr);
    else if (r == 0 && !o->only_truth)
        r = write_clip(s, o, sound, pts, n, reterr);
    sim_sound_destroy(&sound);
    return r;
}

int main(int argc, char **argv)
{
    struct options o = {.seed = 1, .n_threads = (int) sysconf(_SC_NPROCESSORS_ONLN)};
    struct sim_scene *scene = NULL;
    struct cb_error error = {.where = "citybrain-sim", .text = "out of memory"};
    if (o.n_threads > 16)
        o.n_threads = 16;
    av_log_set_level(AV_LOG_ERROR);
    if (read_options(&o, argc, argv) < 0)
        return 2;
    if (sim_scene_load(&scene, o.scene, &error) < 0) {
        fprintf(stderr, "citybrain-sim: %s: %s\n", error.where, error.text);
        return 2;
    }
    int r = run(scene, &o, &error);
    if (r < 0)
        fprintf(stderr, "citybrain-sim: %s: %s\n", error.where, error.text);
    sim_scene_destroy(&scene);
    return r < 0 ? 1 : 0;
}
