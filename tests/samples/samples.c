#include "samples.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#define T0_NS INT64_C(3120000000)
#define UTC0_NS INT64_C(1795428000000000000)

void sample_passage(struct cb_passage *ret, struct cb_fix path[SAMPLE_FIXES])
{
    for (int i = 0; i < SAMPLE_FIXES; i++)
        path[i] = (struct cb_fix){T0_NS + i * 400 * CB_NS_PER_MS, 1.75, 12.0 + 8.13 * i,
                                  600.5f, 500.0f - 20.0f * (float) i, {560, 440, 90, 70}};
    *ret = (struct cb_passage){
        .camera = "sz-nh-0001", .track = 17, .t_first_ns = T0_NS,
        .t_last_ns = path[SAMPLE_FIXES - 1].t_ns, .utc_offset_ns = UTC0_NS,
        .time_source = CB_TIME_RTCP, .road_user = CB_CAR, .direction = CB_AWAY,
        .speed_mps = cb_mps_from_kmh(73.2), .u95_mps = cb_mps_from_kmh(1.1),
        .limit_mps = cb_mps_from_kmh(60), .charged_mps = cb_mps_from_kmh(70.2),
        .violation = CB_SPEEDING, .path = path, .n_path = SAMPLE_FIXES,
    };
}

void sample_noise(struct cb_noise *ret)
{
    cb_noise_init(ret);
    memcpy(ret->camera, "sz-nh-0001", sizeof "sz-nh-0001");
    ret->t_start_ns = 4 * CB_NS_PER_S;
    ret->t_peak_ns = 5100 * CB_NS_PER_MS;
    ret->t_end_ns = 6 * CB_NS_PER_S;
    ret->utc_offset_ns = UTC0_NS;
    ret->time_source = CB_TIME_RTCP;
    ret->lafmax_db = 97.3;
    ret->lafmax_u95_db = 1.2;
    ret->lae_db = 98.1;
    ret->has_third_octaves = true;
    for (int i = 0; i < CB_THIRD_OCTAVES; i++)
        ret->third_octave_db[i] = 60 + i;
    ret->background_db = 58.2;
    ret->background_correction_db = 0;
    ret->class_ = CB_NOISE_MODIFIED_EXHAUST;
    ret->confidence = 0.97;
    ret->azimuth_deg = 12.0;
    ret->azimuth_u95_deg = 2.5;
    ret->track = 17;
    ret->second_track = 19;
    ret->attribution_odds = 240;
    ret->n_directions = 31;
    ret->wind_mps = 1.4;
    ret->calibration_age_d = 53;
    ret->limit_db = 85;
    ret->charged_db = 95.8;
    ret->violation = CB_MODIFIED_EXHAUST;
    ret->feature[0] = (struct cb_noise_feature){"firing_order", 0.91};
    ret->feature[1] = (struct cb_noise_feature){"tonality_db", 14.5};
    ret->n_features = 2;
}

/* v joins one violation that came before it. */
static void link(struct cb_violation *v)
{
    v->incident = (struct cb_incident){
        .is_set = true, .utc_ns = T0_NS + UTC0_NS, .track = 16, .direction = CB_AWAY,
        .member = {{CB_SPEEDING, CB_SERIOUS, 16, T0_NS, 96.5, 60}}, .n_members = 2,
        .n_vehicles = 2, .is_chase = true, .gap_s = 3, .distance_m = 50};
    v->incident.member[1] = (struct cb_incident_member){v->kind, v->severity, v->track, v->t_ns,
                                                        70.2, 60};
}

void sample_chase(struct cb_violation *ret, struct cb_fix path[SAMPLE_FIXES])
{
    sample_speeding(ret, path);
    link(ret);
    ret->kind = CB_CHASE_RACING;
    ret->severity = CB_SERIOUS;
    ret->track = -1;
    ret->has_passage = false;
}

void sample_speeding(struct cb_violation *ret, struct cb_fix path[SAMPLE_FIXES])
{
    *ret = (struct cb_violation){
        .kind = CB_SPEEDING, .severity = CB_MODERATE, .camera = "sz-nh-0001", .track = 17,
        .utc_offset_ns = UTC0_NS, .time_source = CB_TIME_RTCP, .has_passage = true, .n_stills = 2,
    };
    sample_passage(&ret->passage, path);
    ret->t_ns = path[2].t_ns;
    ret->t_from_ns = path[0].t_ns;
    ret->t_to_ns = path[SAMPLE_FIXES - 1].t_ns;
    ret->still[0] = (struct cb_still_wish){path[0].t_ns, path[0].box};
    ret->still[1] = (struct cb_still_wish){path[SAMPLE_FIXES - 1].t_ns, path[0].box};
}

void sample_exhaust(struct cb_violation *ret, struct cb_fix path[SAMPLE_FIXES])
{
    sample_speeding(ret, path);
    ret->kind = CB_MODIFIED_EXHAUST;
    ret->severity = CB_SERIOUS;
    ret->has_noise = true;
    sample_noise(&ret->noise);
    ret->t_ns = ret->noise.t_peak_ns;
    link(ret);
}

static void add_file(struct cb_evidence *e, const char *name, const char *type, const char *role)
{
    struct cb_evidence_file *f = &e->file[e->n_files++];
    snprintf(f->name, sizeof f->name, "%s", name);
    snprintf(f->media_type, sizeof f->media_type, "%s", type);
    snprintf(f->role, sizeof f->role, "%s", role);
    f->n_bytes = 12345;
    memset(f->sha256, 'a', CB_SHA256_LEN - 1);
}

void sample_evidence(struct cb_evidence *ret, const struct cb_violation *of)
{
    const uint8_t random[10] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    *ret = (struct cb_evidence){
        .node = "edge-1", .sequence = 7, .occurred_utc_ns = of->t_ns + of->utc_offset_ns,
        .sealed_utc_ns = of->t_ns + of->utc_offset_ns + 2 * CB_NS_PER_S, .clock_offset_s = 0.002,
        .clock_age_s = NAN, .camera_name = "深南大道 K3+200 东向", .road = "深南大道",
        .district = "福田", .lat_deg = 22.541, .lon_deg = 114.056, .bearing_deg = 92,
        .certificate = "GD-2026-0117", .calibrated_on = "2026-10-01", .violation = *of,
        .software = "citybrain 0.1.0 (test)",
    };
    cb_uuid7_print(ret->occurred_utc_ns, random, ret->id);
    memset(ret->prev_sha256, '0', CB_SHA256_LEN - 1);
    memset(ret->public_key, 'b', CB_KEY_LEN - 1);
    memset(ret->config_sha256, 'c', CB_SHA256_LEN - 1);
    add_file(ret, "still-1.jpg", "image/jpeg", "still");
    add_file(ret, "clip.mp4", "video/mp4", "clip");
}

void sample_health(struct cb_health *ret)
{
    *ret = (struct cb_health){
        .node = "edge-1", .camera = "sz-nh-0001", .district = "福田", .what = CB_HEALTH_LOST,
        .is_raised = true, .since_utc_ns = INT64_C(1795428000) * CB_NS_PER_S,
        .at_utc_ns = INT64_C(1795428005) * CB_NS_PER_S, .repeat_s = 30,
        .text = "gives no pictures or sound",
    };
}

const char sample_city[] =
    "cameras:\n"
    "  - id: sz-nh-0001\n"
    "    name: 深南大道 K3+200 东向\n"
    "    url: rtsp://camera.example/1\n"
    "    location: {lat: 22.5410, lon: 114.0560, bearing_deg: 92}\n"
    "    road: 深南大道\n"
    "    district: 福田\n"
    "    speed_limit_kmh: 60\n"
    "    calibration:\n"
    "      points:\n"
    "        - {px: [200.0, 700.0], m: [-5.0, 10.0]}\n"
    "        - {px: [1080.0, 700.0], m: [5.0, 10.0]}\n"
    "        - {px: [566.7, 300.0], m: [-5.0, 60.0]}\n"
    "        - {px: [713.3, 300.0], m: [5.0, 60.0]}\n"
    "      distortion: {k1: 0.0, k2: 0.0}\n"
    "    zone: {y_min: 12.0, y_max: 40.0}\n"
    "    microphone:\n"
    "      sensitivity_dbfs_at_94db: -26.0\n"
    "      array_m: [[0, 0, 5.5], [0.2, 0, 5.5]]\n"
    "      limit_dba: 85\n"
    "  - {id: sound, url: street.wav, microphone: {sensitivity_dbfs_at_94db: -30}}\n"
    "node: {id: edge-1, data_dir: edge}\n"
    "store: {database: \"host=/tmp dbname=citybrain\", media_dir: media}\n";
