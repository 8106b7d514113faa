#include "sound.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/frame.h"
#include "base/mem.h"
#include "schema/camera.h"
#include "wav.h"

void cb_sound_subtitle(const struct cb_package_draft *d, char *ret, size_t size)
{
    const struct cb_violation *v = d->request->violation;
    const struct cb_camera_conf *c = d->request->camera;
    const char *day = c->microphone.calibrated_on;
    char utc[CB_UTC_LEN];
    cb_utc_print(v->noise.t_peak_ns + v->utc_offset_ns, utc);
    snprintf(ret, size, "%s   ·   0 s = %s   ·   传声器校准 Microphone calibrated %s",
             c->name[0] ? c->name : c->id, utc, day[0] ? day : "—");
}

static int add_wav(struct cb_package_draft *d, const struct cb_samples *s, const char *codec)
{
    CB_AUTO_FREE uint8_t *bytes = NULL;
    const char *format;
    size_t n;
    int r = cb_wav_print(s, &bytes, &n, &format);
    if (r < 0)
        return cb_error_set(d->reterr, r, "sound.wav", "cannot be made: %s", strerror(-r));
    d->sound = json_pack("{s:s, s:s, s:s, s:i, s:i, s:I, s:I, s:s}", "file", "sound.wav", "format",
                         format, "decoded_from", codec, "rate_hz", s->rate_hz, "channels",
                         s->n_channels, "t0_ns", (json_int_t) s->t_ns, "samples",
                         (json_int_t) s->n, "what",
                         "the decoded samples, as they were measured, without loss; AAC decoded "
                         "again differs by its own noise substitution, below -80 dBFS");
    return cb_package_add(d, "sound.wav", "audio/wav", "sound", bytes, n);
}

typedef int draw_fn(const struct cb_heard_sound *s, uint8_t **ret, size_t *ret_n);

static int add_plot(struct cb_package_draft *d, const struct cb_heard_sound *s, draw_fn *draw,
                    const char *name, const char *role)
{
    CB_AUTO_FREE uint8_t *png = NULL;
    size_t n;
    int r = draw(s, &png, &n);
    if (r < 0)
        return cb_error_set(d->reterr, r, name, "cannot be drawn: %s", strerror(-r));
    return cb_package_add(d, name, "image/png", role, png, n);
}

/* The level of the same samples, heard again: who doubts the number can see that it is theirs. */
static double heard_again_db(const struct cb_heard_sound *s)
{
    const struct cb_listening *h = s->heard;
    double t0_s = cb_s_from_ns(s->samples->t_ns - s->noise->t_peak_ns), top = -HUGE_VAL;
    for (size_t i = 0; i < h->n_levels; i++)
        if (fabs(t0_s + (double) (i + 1) * h->level_step_s) <= 2 * h->level_step_s)
            top = fmax(top, (double) h->laf_db[i]);
    return top;
}

static int add_plots(struct cb_package_draft *d, const struct cb_samples *samples,
                     const char *subtitle)
{
    struct cb_listening heard = {0};
    const struct cb_camera_conf *c = d->request->camera;
    int r = cb_listen(samples, c->microphone.sensitivity_dbfs_at_94db, &heard);
    if (r < 0)
        return cb_error_set(d->reterr, r, "sound", "cannot be heard again: %s", strerror(-r));
    struct cb_heard_sound s = {samples, &heard, &d->request->violation->noise, subtitle};
    double again_db = heard_again_db(&s);
    json_object_set_new(d->sound, "lafmax_again_db",
                        isfinite(again_db) ? json_real(again_db) : json_null());
    r = add_plot(d, &s, cb_sound_plot_level, "level.png", "level");
    if (r == 0)
        r = add_plot(d, &s, cb_sound_plot_spectrum, "spectrogram.png", "spectrogram");
    cb_listening_deinit(&heard);
    return r;
}

static int add_bearing(struct cb_package_draft *d, const char *subtitle)
{
    const struct cb_noise *n = &d->request->violation->noise;
    CB_AUTO_FREE uint8_t *png = NULL;
    size_t n_bytes, best = 0;
    for (size_t i = 1; i < d->n_stills; i++)
        if (llabs(d->still[i].t_ns - n->t_peak_ns) < llabs(d->still[best].t_ns - n->t_peak_ns))
            best = i;
    if (!d->n_stills)
        return cb_package_note_missing(d, "bearing", "there is no picture");
    int r = cb_sound_draw_bearing(cb_frame_picture(d->still[best].frame), d->request->camera, n,
                                  subtitle, &png, &n_bytes);
    if (r == -ENODATA)
        return cb_package_note_missing(d, "bearing", "no bearing, or none that the picture shows");
    if (r < 0)
        return cb_error_set(d->reterr, r, "bearing.png", "cannot be drawn: %s", strerror(-r));
    return cb_package_add(d, "bearing.png", "image/png", "bearing", png, n_bytes);
}

static int fetch(struct cb_package_draft *d, struct cb_sound **ret, const char **ret_codec)
{
    const struct cb_sound_source *from = d->request->sound;
    const struct cb_noise *n = &d->request->violation->noise;
    if (!from || !from->at)
        return -ENODATA;
    return from->at(from->self, n->t_start_ns - CB_SOUND_AROUND_NS, n->t_end_ns + CB_SOUND_AROUND_NS,
                    n->t_peak_ns, ret, ret_codec);
}

int cb_package_add_sound(struct cb_package_draft *d)
{
    struct cb_sound *sound = NULL;
    const char *codec = "";
    char subtitle[256];
    if (d->request->violation->kind != CB_MODIFIED_EXHAUST || !d->request->violation->has_noise)
        return 0;
    cb_sound_subtitle(d, subtitle, sizeof subtitle);
    int r = fetch(d, &sound, &codec);
    if (r == -ENOMEM)
        return cb_error_set(d->reterr, r, "sound", "no memory");
    if (r < 0) {
        r = cb_package_note_missing(d, "sound", r == -ENODATA ? "the ring has no sound of this time"
                                                              : strerror(-r));
    } else {
        const struct cb_samples *s = cb_sound_samples(sound);
        if ((r = add_wav(d, s, codec)) == 0)
            r = add_plots(d, s, subtitle);
        cb_sound_unref(&sound);
    }
    return r < 0 ? r : add_bearing(d, subtitle);
}
