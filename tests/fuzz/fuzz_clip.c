/* A recording through ingest: measured to its end or refused in words; every picture and block of
 * sound that comes out is what its header says, in time order. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/frame.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sound.h"
#include "ingest/ingest.h"
#include "schema/camera.h"
#include "target.h"

struct seen {
    int64_t t_frame_ns;
    uint64_t n_frames, sum;
};

static void want(bool is_true, const char *what)
{
    if (is_true)
        return;
    fprintf(stderr, "ingest gave out what is not so: %s\n", what);
    abort();
}

static void quiet(void *self, enum cb_level level, const char *topic, const char *id,
                  const char *text)
{
    (void) self, (void) level, (void) topic, (void) id, (void) text;
}

/* Every byte is read once, for ASan to see that it is there. */
static uint64_t sum_plane(const uint8_t *p, ptrdiff_t stride, int width, int height)
{
    uint64_t sum = 0;
    for (int y = 0; y < height; y++, p += stride)
        for (int x = 0; x < width; x++)
            sum += p[x];
    return sum;
}

static int on_frame(void *self, struct cb_frame *f)
{
    struct seen *s = self;
    const struct cb_picture *p = cb_frame_picture(f);
    want(p->width > 0 && p->height > 0 && p->plane[0], "a picture has a size and a luma");
    want(!s->n_frames || p->t_ns > s->t_frame_ns, "times of pictures increase");
    s->t_frame_ns = p->t_ns;
    s->sum += sum_plane(p->plane[0], p->stride[0], p->width, p->height);
    for (int i = 1; i < 3 && p->plane[i]; i++)
        s->sum += sum_plane(p->plane[i], p->stride[i],
                            (p->width + (1 << p->chroma_shift_x) - 1) >> p->chroma_shift_x,
                            (p->height + (1 << p->chroma_shift_y) - 1) >> p->chroma_shift_y);
    /* enough: a hostile file may claim hours */
    return ++s->n_frames < 50 ? 0 : -ECANCELED;
}

static int on_sound(void *self, struct cb_sound *sound)
{
    struct seen *s = self;
    const struct cb_samples *x = cb_sound_samples(sound);
    want(x->n > 0 && x->n_channels >= 1 && x->n_channels <= CB_SOUND_CHANNELS_MAX, "sound's shape");
    want(x->rate_hz >= 4000 && x->rate_hz <= 192000, "sound's rate");
    for (int c = 0; c < x->n_channels; c++)
        for (size_t i = 0; i < x->n; i++)
            s->sum += x->channel[c][i] > 0;
    return 0;
}

static void read_clip(const char *path)
{
    struct cb_camera_conf conf;
    struct cb_ingest *in = NULL;
    struct cb_error e = {0};
    struct seen seen = {0};
    const struct cb_ingest_sink sink = {.self = &seen, .on_frame = on_frame, .on_sound = on_sound};
    cb_camera_conf_init(&conf);
    snprintf(conf.id, sizeof conf.id, "fuzz");
    snprintf(conf.url, sizeof conf.url, "%s", path);
    struct cb_ingest_opts opts = cb_ingest_defaults(&conf);
    opts.width_max = opts.height_max = 512;
    want(cb_ingest_create(&in, &conf, &opts, &sink) == 0, "it can be created");
    int r = cb_ingest_run(in, &e);
    want(r == 0 || r == -ECANCELED || e.text[0], "a refusal has words");
    cb_ingest_destroy(&in);
    cb_camera_conf_deinit(&conf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    cb_log_set_sink(quiet, NULL);
    CB_AUTO_CLOSE int fd = memfd_create("clip", MFD_CLOEXEC);
    want(fd >= 0 && write(fd, data, size) == (ssize_t) size, "there is memory for the input");
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    read_clip(path);
    return 0;
}
