#include "sound.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "level.h"
#include "parallel.h"
#include "propagate.h"

#define BANKS        2 /* sums of their own, so that the bytes do not depend on the threads */
#define HEARD_M      200.0
#define HEARD_LOUD_M 500.0
#define CURVE_S      0.01

/** One thing that sounds, from its synthesis to the microphones. */
struct voice {
    int kind; /* enum sim_source_type, or -1: a vehicle's ordinary running noise */
    const struct sim_vehicle *vehicle;
    struct sim_path path;
    double t_s, length_s, level_db, frequency_hz;
    uint64_t stream;
    float *fast_db; /* of it alone at the first microphone, one each CURVE_S; NULL: not heard */
};

struct mix {
    const struct sim_scene *scene;
    struct sim_sound *sound;
    struct sim_vehicle *vehicle;
    struct voice *voice;
    size_t n_voices;
    float *bank[BANKS][SIM_MICS_MAX];
    struct sim_event *event; /* one a voice; type NULL: none */
    int error[BANKS];
};

static const char *const event_names[] = {
    [SIM_SOURCE_EXHAUST] = "modified_exhaust",
    [SIM_SOURCE_HORN] = "horn",
    [SIM_SOURCE_WAIL] = "siren",
    [SIM_SOURCE_YELP] = "siren",
    [SIM_SOURCE_MUSIC] = "music",
    [SIM_SOURCE_IMPULSE] = "impulse",
    [SIM_SOURCE_THUNDER] = "thunder",
    [SIM_SOURCE_TONE] = "tone",
    [SIM_SOURCE_SPEECH] = "speech",
    [SIM_SOURCE_RAIN] = "rain",
    [SIM_SOURCE_WIND] = "wind",
    [SIM_SOURCE_FIREWORK] = "firework",
    [SIM_SOURCE_FIRECRACKERS] = "firecrackers",
    [SIM_SOURCE_AIR_BRAKE] = "air_brake",
    [SIM_SOURCE_JACKHAMMER] = "jackhammer",
    [SIM_SOURCE_CHAINSAW] = "chainsaw",
    [SIM_SOURCE_DOG] = "dog",
    [SIM_SOURCE_TRAIN] = "train",
    [SIM_SOURCE_JET] = "jet",
    [SIM_SOURCE_HELICOPTER] = "helicopter",
    [SIM_SOURCE_PROPELLER] = "propeller",
    [SIM_SOURCE_AIR_HORN] = "horn",
    [SIM_SOURCE_HI_LO] = "siren",
    [SIM_SOURCE_BASS] = "bass",
    [SIM_SOURCE_SKID] = "skid",
};

static void add_voice(struct mix *m, struct voice v)
{
    v.stream = 0x400000 + m->n_voices;
    m->voice[m->n_voices++] = v;
}

static void add_bursts(struct mix *m, const struct sim_vehicle *v, const struct sim_spans *spans,
                       int kind, double level_db, struct vec3 place)
{
    for (int i = 0; i < spans->n; i++)
        add_voice(
            m, (struct voice){
                   kind, v, {v, place}, spans->at[i].t_s, spans->at[i].length_s, level_db, 0, 0});
}

static double exhaust_db(const struct sim_vehicle *v)
{
    return v->conf->exhaust_db > 0 ? v->conf->exhaust_db : 95;
}

static void add_vehicle(struct mix *m, const struct sim_vehicle *v)
{
    const struct sim_vehicle_conf *c = v->conf;
    double half = v->dims.length / 2;
    struct vec3 grille = v3(0, half - 0.2, 0.6), roof = v3(0, 0.2 * half, v->dims.height);
    if (!c->silent)
        add_voice(m, (struct voice){-1, v, {v, v3(0, 0.2 * half, 0.35)}, 0, 0, 0, 0, 0});
    if (c->modified_exhaust)
        add_voice(
            m,
            (struct voice){
                SIM_SOURCE_EXHAUST, v, {v, v3(0.2, -half + 0.1, 0.38)}, 0, 0, exhaust_db(v), 0, 0});
    add_bursts(m, v, &c->horn, SIM_SOURCE_HORN, 96, grille);
    add_bursts(m, v, &c->wail, SIM_SOURCE_WAIL, 101, roof);
    add_bursts(m, v, &c->yelp, SIM_SOURCE_YELP, 101, roof);
    add_bursts(m, v, &c->music, SIM_SOURCE_MUSIC, 86, v3(0, 0, 1.0));
}

static int list_voices(struct mix *m)
{
    const struct sim_scene *s = m->scene;
    m->vehicle = calloc(s->n_vehicles + 1, sizeof *m->vehicle);
    m->voice =
        calloc(s->n_vehicles * (2 + 4 * SIM_POINTS_MAX) + s->n_sources + 1, sizeof *m->voice);
    if (!m->vehicle || !m->voice)
        return -ENOMEM;
    for (size_t i = 0; i < s->n_vehicles; i++) {
        sim_vehicle_init(&m->vehicle[i], s, i);
        add_vehicle(m, &m->vehicle[i]);
    }
    for (size_t i = 0; i < s->n_sources; i++) {
        const struct sim_source_conf *c = &s->sources[i];
        add_voice(m, (struct voice){c->type,
                                    NULL,
                                    {NULL, c->position, c->velocity},
                                    c->t_s,
                                    c->length_s,
                                    c->level_db,
                                    c->frequency_hz,
                                    0});
    }
    m->event = calloc(m->n_voices + 1, sizeof *m->event);
    return m->event ? 0 : -ENOMEM;
}

/* When the vehicle is near enough to be heard: first and last time. */
static void heard(const struct mix *m, const struct voice *v, double *ret_t0, double *ret_t1)
{
    double reach = v->kind < 0 ? HEARD_M : HEARD_LOUD_M, t1 = m->scene->seconds + 0.1;
    *ret_t0 = INFINITY;
    *ret_t1 = -INFINITY;
    for (double t = -2; t <= t1; t += 0.1) {
        struct vec3 d = v3_sub(sim_path_at(&v->path, t), m->scene->sound.mic[0]);
        if (v3_len(d) > reach || !sim_vehicle_exists(v->vehicle, t))
            continue;
        *ret_t0 = fmin(*ret_t0, t);
        *ret_t1 = fmax(*ret_t1, t + 0.1);
    }
}

/* What begins or ends while far away does so softly. */
static void fade_ends(struct sim_signal *s)
{
    size_t edge = (size_t) s->rate_hz / 2;
    for (size_t i = 0; i < edge && i < s->n; i++) {
        float k = (float) i / (float) edge;
        s->pa[i] *= k;
        s->pa[s->n - 1 - i] *= k;
    }
}

static int synthesise(const struct mix *m, const struct voice *v, struct sim_signal *s)
{
    struct sim_rng rng = sim_rng_make(m->scene->seed, v->stream);
    double t0 = v->t_s - 0.1, t1 = v->t_s + v->length_s + 0.1;
    bool is_running = v->kind < 0 || v->kind == SIM_SOURCE_EXHAUST;
    if (is_running)
        heard(m, v, &t0, &t1);
    int r = sim_signal_init(s, m->sound->rate_hz, t0, t1);
    if (r < 0 || s->n == 0)
        return r;
    if (!is_running)
        return sim_synth_burst(s, v->kind, v->t_s, v->length_s, v->level_db, v->frequency_hz, &rng);
    if (v->kind < 0) {
        if ((r = sim_synth_tyres(s, v->vehicle, &rng)) == 0)
            r = sim_synth_engine(s, v->vehicle, &rng);
    } else if ((r = sim_synth_exhaust(s, v->vehicle, v->level_db, &rng)) == 0) {
        sim_synth_pops(s, v->vehicle, v->level_db, &rng);
    }
    fade_ends(s);
    return r;
}

static size_t curve_n(const struct mix *m)
{
    return (size_t) (m->scene->seconds / CURVE_S);
}

/* When and where a source alone was loudest; the level of all is set once all is there. */
static int describe(struct mix *m, size_t index, const float *own)
{
    const struct voice *v = &m->voice[index];
    struct sim_event *e = &m->event[index];
    size_t n = m->sound->n, peak = 0, a, b;
    int rate = m->sound->rate_hz;
    float *level = malloc((n + 1) * sizeof *level);
    if (!level || sim_a_weight(own, n, rate, level) < 0) {
        free(level);
        return -ENOMEM;
    }
    sim_fast_level(level, n, rate, level);
    if ((m->voice[index].fast_db = malloc((curve_n(m) + 1) * sizeof(float))))
        for (size_t i = 0; i < curve_n(m); i++)
            m->voice[index].fast_db[i] = level[(size_t) ((double) i * CURVE_S * rate)];
    if (v->kind < 0) {
        free(level);
        return m->voice[index].fast_db ? 0 : -ENOMEM;
    }
    for (size_t i = 0; i < n; i++)
        peak = level[i] > level[peak] ? i : peak;
    for (a = peak; a > 0 && level[a - 1] > level[peak] - 10; a--)
        ;
    for (b = peak; b + 1 < n && level[b + 1] > level[peak] - 10; b++)
        ;
    *e = (struct sim_event){.type = event_names[v->kind],
                            .vehicle = v->vehicle ? v->vehicle->id : 0,
                            .t_start_s = (double) a / rate,
                            .t_peak_s = (double) peak / rate,
                            .t_end_s = (double) b / rate,
                            .lafmax_own_db = (double) level[peak]};
    double left = sim_path_emitted_s(&v->path, m->scene->sound.mic[0], e->t_peak_s);
    struct vec3 d = v3_sub(sim_path_at(&v->path, left), m->scene->sound.mic[0]);
    e->azimuth_deg = atan2(d.x, d.y) * 180 / M_PI;
    free(level);
    return 0;
}

static int play(struct mix *m, size_t index, float **bank)
{
    const struct voice *v = &m->voice[index];
    const struct sim_sound_conf *c = &m->scene->sound;
    struct sim_signal s;
    size_t n = m->sound->n;
    int r = synthesise(m, v, &s);
    float *own = r == 0 ? calloc(n + 64, sizeof *own) : NULL;
    if (r == 0 && !own)
        r = -ENOMEM;
    for (int k = 0; k < c->n_mics && r == 0 && s.n > 0; k++) {
        memset(own, 0, n * sizeof *own);
        r = sim_propagate(&s, &v->path, c->mic[k], c->ground_reflection, own, n);
        for (size_t i = 0; i < n; i++)
            bank[k][i] += own[i];
        if (r == 0 && k == 0)
            r = describe(m, index, own);
    }
    free(own);
    sim_signal_deinit(&s);
    return r;
}

static void play_bank(void *arg, int bank)
{
    struct mix *m = arg;
    for (size_t i = (size_t) bank; i < m->n_voices && m->error[bank] == 0; i += BANKS)
        m->error[bank] = play(m, i, m->bank[bank]);
}

/* A town from afar: falls by about 4 dB an octave above 100 Hz. */
static double ambient_gain(double f)
{
    return f < 20 ? 0 : 1 / pow(1 + f / 100, 0.65);
}

static int add_ambient(struct mix *m, int channel)
{
    struct sim_sound *s = m->sound;
    struct sim_rng rng = sim_rng_make(m->scene->seed, 0x500000 + (uint64_t) channel);
    double want = SIM_P0_PA * pow(10, m->scene->sound.ambient_dba / 20);
    float *noise = malloc((s->n + 1) * sizeof *noise);
    if (!noise)
        return -ENOMEM;
    for (size_t i = 0; i < s->n; i++)
        noise[i] = (float) (sim_rng_unit(&rng) + sim_rng_unit(&rng) - 1);
    int r = sim_shape_spectrum(noise, s->n, s->rate_hz, ambient_gain);
    double k = r == 0 ? want / sim_a_rms(noise, s->n, s->rate_hz) : 0;
    for (size_t i = 0; i < s->n && r == 0; i++)
        s->pa[channel][i] += (float) (k * (double) noise[i]);
    free(noise);
    return r;
}

/* A vehicle's own tyres and engine are no background to its exhaust. */
static bool is_of_same(const struct mix *m, size_t k, size_t index)
{
    return m->voice[k].kind < 0 && m->voice[k].vehicle == m->voice[index].vehicle;
}

/* Level of all but one source when that one was loudest: what it has to stand out from. */
static double background_db(const struct mix *m, size_t index)
{
    size_t at = (size_t) (m->event[index].t_peak_s / CURVE_S);
    double sum = pow(10, m->scene->sound.ambient_dba / 10);
    for (size_t k = 0; k < m->n_voices; k++)
        if (k != index && m->voice[k].fast_db && at < curve_n(m) && !is_of_same(m, k, index))
            sum += pow(10, (double) m->voice[k].fast_db[at] / 10);
    return 10 * log10(sum);
}

/* Thinned, for who wants to know what was loudest at any one time. */
static int keep_own(const struct mix *m, size_t index, struct sim_event *e)
{
    const float *fast_db = m->voice[index].fast_db;
    size_t step = (size_t) (SIM_OWN_EVERY_S / CURVE_S + 0.5);
    e->n_own = fast_db ? curve_n(m) / step : 0;
    e->own_db = calloc(e->n_own + 1, sizeof *e->own_db);
    for (size_t i = 0; e->own_db && i < e->n_own; i++)
        e->own_db[i] = fast_db[i * step];
    return e->own_db ? 0 : -ENOMEM;
}

/* Levels at the first microphone: the clip's, and each event's within 3 dB of its own peak. */
static int measure(struct mix *m)
{
    struct sim_sound *s = m->sound;
    float *level = malloc((s->n + 1) * sizeof *level);
    int r = level ? sim_a_weight(s->pa[0], s->n, s->rate_hz, level) : -ENOMEM;
    if (r == 0) {
        s->laeq_db = 20 * log10(sim_rms(level, s->n) / SIM_P0_PA);
        sim_fast_level(level, s->n, s->rate_hz, level);
        s->lafmax_db = -INFINITY;
        for (size_t i = 0; i < s->n; i++)
            s->lafmax_db = fmax(s->lafmax_db, (double) level[i]);
    }
    for (size_t k = 0; k < m->n_voices && r == 0; k++) {
        struct sim_event e = m->event[k];
        if (!e.type)
            continue;
        size_t a = (size_t) (fmax(e.t_start_s, e.t_peak_s - 0.2) * s->rate_hz);
        size_t b = (size_t) (fmin(e.t_end_s, e.t_peak_s + 0.2) * s->rate_hz);
        e.lafmax_db = (double) level[a];
        for (size_t i = a; i <= b && i < s->n; i++)
            e.lafmax_db = fmax(e.lafmax_db, (double) level[i]);
        e.background_db = background_db(m, k);
        r = keep_own(m, k, &e);
        s->event[s->n_events++] = e;
    }
    free(level);
    return r;
}

static int make(struct mix *m, int n_threads)
{
    struct sim_sound *s = m->sound;
    int r = list_voices(m);
    for (int k = 0; k < s->n_channels && r == 0; k++) {
        s->pa[k] = calloc(s->n + 64, sizeof *s->pa[k]);
        r = s->pa[k] ? 0 : -ENOMEM;
        for (int b = 0; b < BANKS && r == 0; b++) {
            m->bank[b][k] = calloc(s->n + 64, sizeof *s->pa[k]);
            r = m->bank[b][k] ? 0 : -ENOMEM;
        }
    }
    s->event = calloc(m->n_voices + 1, sizeof *s->event);
    if (r == 0)
        r = s->event ? sim_parallel(BANKS, n_threads, play_bank, m) : -ENOMEM;
    for (int b = 0; b < BANKS && r == 0; b++) {
        r = m->error[b];
        for (int k = 0; k < s->n_channels; k++)
            for (size_t i = 0; i < s->n; i++)
                s->pa[k][i] += m->bank[b][k][i];
    }
    for (int k = 0; k < s->n_channels && r == 0; k++)
        r = add_ambient(m, k);
    return r == 0 ? measure(m) : r;
}

int sim_sound_create(struct sim_sound **ret, const struct sim_scene *scene, int n_threads)
{
    struct sim_sound *s = calloc(1, sizeof *s);
    struct mix m = {.scene = scene, .sound = s};
    if (!s)
        return -ENOMEM;
    s->rate_hz = scene->sound.rate_hz;
    s->n_channels = scene->sound.n_mics;
    s->n = (size_t) (scene->seconds * s->rate_hz);
    int r = make(&m, n_threads);
    for (size_t k = 0; k < m.n_voices; k++)
        free(m.voice[k].fast_db);
    free(m.vehicle);
    free(m.voice);
    free(m.event);
    for (int b = 0; b < BANKS; b++)
        for (int k = 0; k < SIM_MICS_MAX; k++)
            free(m.bank[b][k]);
    if (r < 0)
        sim_sound_destroy(&s);
    else
        *ret = s;
    return r;
}

void sim_sound_destroy(struct sim_sound **sound)
{
    struct sim_sound *s = *sound;
    if (!s)
        return;
    *sound = NULL;
    for (int k = 0; k < SIM_MICS_MAX; k++)
        free(s->pa[k]);
    for (size_t k = 0; k < s->n_events; k++)
        free(s->event[k].own_db);
    free(s->event);
    free(s);
}
