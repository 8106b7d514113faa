#include "level.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "limits.h"

/* IEC 60942 class 1 lets a calibrator's level be 0.25 dB off, evenly distributed: / √3. */
#define CALIBRATOR_U_DB 0.14
/* Between two calibrations 0.5 dB of change are let pass (ISO 1996-2:2017, clause 5): / √3. */
#define DRIFT_U_DB 0.29
/* LA90 of the minute before says so well what the background was during the event. */
#define BACKGROUND_U_DB 2.0
#define K95 2.0
#define NS_PER_DAY ((double) CB_NS_PER_S * 86400)

struct cb_corrected cb_background_correct(double level_db, double background_db,
                                          double background_u_db)
{
    double over_db = level_db - background_db, share = pow(10, -over_db / 10);
    if (!(over_db >= CB_BACKGROUND_MIN_DB)) /* also a NaN */
        return (struct cb_corrected){NAN, 1, NAN};
    return (struct cb_corrected){-10 * log10(1 - share), 1 / (1 - share),
                                 share / (1 - share) * background_u_db};
}

double cb_instrument_u_db(const struct cb_microphone_conf *m)
{
    return sqrt(m->instrument_u_db * m->instrument_u_db + CALIBRATOR_U_DB * CALIBRATOR_U_DB +
                DRIFT_U_DB * DRIFT_U_DB);
}

double cb_days_since(const char *date, int64_t utc_ns)
{
    char midnight[CB_UTC_LEN];
    int64_t from_ns;
    int n = snprintf(midnight, sizeof midnight, "%sT00:00:00Z", date);
    if (utc_ns == CB_UTC_UNKNOWN || n >= (int) sizeof midnight ||
        cb_utc_parse(midnight, &from_ns) < 0)
        return NAN;
    return (double) utc_ns / NS_PER_DAY - (double) from_ns / NS_PER_DAY;
}

static void weigh_background(const struct cb_camera_conf *conf, struct cb_noise *n)
{
    struct cb_corrected c = cb_background_correct(n->lafmax_db, n->background_db, BACKGROUND_U_DB);
    n->background_correction_db = c.correction_db;
    n->lafmax_u95_db = NAN;
    if (isnan(n->background_db))
        n->voids |= 1u << CB_VOID_BACKGROUND_UNKNOWN;
    else if (isnan(c.correction_db))
        n->voids |= 1u << CB_VOID_AMBIENT_TOO_LOUD;
    else
        n->lafmax_u95_db = K95 * hypot(c.gain * cb_instrument_u_db(&conf->microphone), c.u_db);
}

static void weigh_weather(const struct cb_weather_conf *conf, const struct cb_weather *w,
                          struct cb_noise *n)
{
    static const struct cb_weather unknown = {NAN, NAN, NAN};
    if (!w)
        w = &unknown;
    n->wind_mps = w->wind_mps;
    n->rain_mm_h = w->rain_mm_h;
    if (w->wind_mps > conf->wind_max_mps)
        n->voids |= 1u << CB_VOID_WIND;
    if (w->rain_mm_h > conf->rain_max_mm_h)
        n->voids |= 1u << CB_VOID_RAIN;
    if (conf->file[0] && isnan(w->wind_mps))
        n->voids |= 1u << CB_VOID_WEATHER_UNKNOWN;
}

/* Also a date that has not come yet: the clock or the date is wrong. */
static void weigh_calibration(const struct cb_camera_conf *conf, struct cb_noise *n)
{
    const struct cb_microphone_conf *m = &conf->microphone;
    int64_t utc_ns = cb_utc_of(conf, n->utc_offset_ns, n->t_peak_ns);
    n->calibration_age_d = cb_days_since(m->calibrated_on, utc_ns);
    if (n->calibration_age_d > m->calibration_valid_d + 1 || n->calibration_age_d < -1)
        n->voids |= 1u << CB_VOID_CALIBRATION_EXPIRED;
}

static bool has_several(const struct cb_noise *n)
{
    static const char several[] = "several_vehicles";
    return n->track < 0 && !strncmp(n->why_no_track, several, sizeof several - 1);
}

void cb_level_weigh(const struct cb_camera_conf *conf, const struct cb_weather *weather,
                    struct cb_noise *n)
{
    weigh_background(conf, n);
    weigh_weather(&conf->weather, weather, n);
    weigh_calibration(conf, n);
    if (n->is_overload)
        n->voids |= 1u << CB_VOID_OVERLOAD;
    if (n->is_under_range)
        n->voids |= 1u << CB_VOID_UNDER_RANGE;
    if (conf->microphone.several_vehicles == CB_SEVERAL_VOID && has_several(n))
        n->voids |= 1u << CB_VOID_SEVERAL_VEHICLES;
}
