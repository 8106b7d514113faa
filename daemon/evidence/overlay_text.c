#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "overlay.h"
#include "schema/evidence.h"

#define NBSP "\u00a0" /* on a narrow picture no line ends between a number and its unit */

static const char *const kind_words[] = {"", "超速 Speeding", "改装排气 Modified exhaust",
                                         "追逐竞驶 Chase racing"};
static const char *const user_words[] = {"未知 unknown",   "小型车 car",        "货车 truck",
                                         "客车 bus",       "摩托车 motorcycle", "自行车 bicycle",
                                         "行人 pedestrian"};
static const char *const direction_words[] = {"驶离 away", "驶来 toward"};
static const char *const source_words[] = {"录像 recording", "到达时刻 arrival", "RTCP"};

static void add(struct cb_overlay *o, bool is_whole_row, const char *label, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static void add(struct cb_overlay *o, bool is_whole_row, const char *label, const char *fmt, ...)
{
    if (o->n_rows == CB_OVERLAY_ROWS_MAX)
        return;
    snprintf(o->row[o->n_rows].label, sizeof o->row[0].label, "%s", label);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(o->row[o->n_rows].value, sizeof o->row[0].value, fmt, ap);
    va_end(ap);
    o->row[o->n_rows++].is_whole_row = is_whole_row;
}

/* What is printed follows from what the record says, which has hundredths. Measured and charged
 * values are cut to a tenth, uncertainties go up to one. */
static double tenth_below(double v)
{
    return floor(round(v * 100) / 10 + 1e-6) / 10;
}

/* Of a charged speed the record itself cuts the hundredths. */
static double tenth_charged(double v)
{
    return floor(floor(v * 100 + 1e-6) / 10 + 1e-6) / 10;
}

static double tenth_above(double v)
{
    return ceil(round(v * 100) / 10 - 1e-6) / 10;
}

static double tenth_near(double v)
{
    return round(round(v * 100) / 10 + 1e-6) / 10;
}

static double hundredth(double v)
{
    return round(v * 100) / 100;
}

static void headline_of_speed(struct cb_overlay *o, const struct cb_passage *p)
{
    size_t n = strlen(o->headline);
    snprintf(o->headline + n, sizeof o->headline - n,
             "   实测" NBSP "%.1f" NBSP "±%.1f" NBSP "km/h   限速" NBSP "%g" NBSP
             "km/h   认定" NBSP "%.1f" NBSP "km/h",
             tenth_below(cb_kmh_from_mps(p->speed_mps)),
             tenth_above(cb_kmh_from_mps(p->u95_mps)),
             hundredth(cb_kmh_from_mps(p->limit_mps)),
             tenth_charged(cb_kmh_from_mps(p->charged_mps)));
    snprintf(o->mark[0].label, sizeof o->mark[0].label, "%.1f km/h",
             tenth_below(cb_kmh_from_mps(p->speed_mps)));
}

static void headline_of_noise(struct cb_overlay *o, const struct cb_noise *s)
{
    size_t n = strlen(o->headline);
    int k = snprintf(o->headline + n, sizeof o->headline - n, "   实测" NBSP "LAFmax" NBSP "%.1f",
                     tenth_below(s->lafmax_db));
    n += (size_t) k;
    if (!isnan(s->lafmax_u95_db))
        n += (size_t) snprintf(o->headline + n, sizeof o->headline - n, NBSP "±%.1f",
                               tenth_above(s->lafmax_u95_db));
    n += (size_t) snprintf(o->headline + n, sizeof o->headline - n,
                           NBSP "dB(A)   限值" NBSP "%g" NBSP "dB(A)",
                           hundredth(s->limit_db));
    if (!isnan(s->charged_db))
        snprintf(o->headline + n, sizeof o->headline - n, "   认定" NBSP "%.1f" NBSP "dB(A)",
                 tenth_below(s->charged_db));
    snprintf(o->mark[0].label, sizeof o->mark[0].label, "%.1f dB(A)", tenth_below(s->lafmax_db));
}

static void headline_of_incident(struct cb_overlay *o, const struct cb_incident *i)
{
    size_t n = strlen(o->headline);
    snprintf(o->headline + n, sizeof o->headline - n, "   %zu" NBSP "辆" NBSP "vehicles",
             i->n_vehicles);
}

static bool has_utc(const struct cb_violation *v)
{
    return v->time_source != CB_TIME_FILE || v->utc_offset_ns != 0;
}

/* Milliseconds truncated, as in the record; the local time with its offset from UTC. */
void cb_overlay_print_time(const struct cb_violation *v, int64_t t_ns, char *ret, size_t size)
{
    if (!has_utc(v)) {
        int64_t ms = t_ns / CB_NS_PER_MS;
        snprintf(ret, size, "录像时间 %lld:%02d:%02d.%03d", (long long) (ms / 3600000),
                 (int) (ms / 60000 % 60), (int) (ms / 1000 % 60), (int) (ms % 1000));
        return;
    }
    int64_t utc_ns = t_ns + v->utc_offset_ns;
    time_t s = (time_t) (utc_ns / CB_NS_PER_S);
    struct tm tm;
    char local[40];
    localtime_r(&s, &tm);
    strftime(local, sizeof local, "%Y-%m-%d %H:%M:%S", &tm);
    long minutes = tm.tm_gmtoff / 60;
    snprintf(ret, size, "%s.%03d %c%02ld:%02ld", local, (int) (utc_ns / CB_NS_PER_MS % 1000),
             minutes < 0 ? '-' : '+', labs(minutes) / 60, labs(minutes) % 60);
}

static void add_time(struct cb_overlay *o, const struct cb_violation *v, int64_t t_ns)
{
    char text[96], utc[CB_UTC_LEN];
    cb_overlay_print_time(v, t_ns, text, sizeof text);
    if (!has_utc(v)) {
        add(o, true, "时间 Time", "%s (recording's own time, no UTC)", text);
        return;
    }
    cb_utc_print(t_ns + v->utc_offset_ns, utc);
    add(o, true, "时间 Time", "%s   (UTC %s, %s)", text, utc, source_words[v->time_source]);
}

/* GA/T 832-2014 wants the clock within a second of UTC: what is not says so itself. */
static void add_clock(struct cb_overlay *o, const struct cb_evidence *e)
{
    if (fabs(e->clock_offset_s) > 1.0)
        add(o, true, "时钟 Clock", "与 UTC 相差 %+.1f s (off by more than 1 s)", e->clock_offset_s);
}

static void add_place(struct cb_overlay *o, const struct cb_evidence *e)
{
    add(o, true, "地点 Place", "%s%s%s%s%s",
        e->camera_name[0] ? e->camera_name : e->violation.camera, e->road[0] ? " · " : "", e->road,
        e->district[0] ? " · " : "", e->district);
    if (!isnan(e->lat_deg) && !isnan(e->lon_deg))
        add(o, false, "坐标 Position", "%.5f, %.5f", round(e->lat_deg * 1e7) / 1e7,
            round(e->lon_deg * 1e7) / 1e7);
}

static void add_levels(struct cb_overlay *o, const struct cb_noise *n)
{
    if (!isnan(n->lafmax_7m5_u95_db))
        add(o, false, "7.5 m", "%.1f ±%.1f dB(A)", tenth_near(n->lafmax_7m5_db),
            tenth_above(n->lafmax_7m5_u95_db));
    else if (!isnan(n->lafmax_7m5_db))
        add(o, false, "7.5 m", "%.1f dB(A)", tenth_near(n->lafmax_7m5_db));
    if (!isnan(n->background_db) && tenth_near(n->background_correction_db) > 0)
        add(o, false, "背景 Background", "%.1f dB(A), 修正 corrected by -%.1f dB",
            tenth_near(n->background_db), tenth_near(n->background_correction_db));
    else if (!isnan(n->background_db))
        add(o, false, "背景 Background", "%.1f dB(A)", tenth_near(n->background_db));
    if (!isnan(n->wind_mps))
        add(o, false, "风速 Wind", "%.1f m/s", round(n->wind_mps * 10) / 10);
}

/* Whom the incident's own record links; a single violation's names the incident. */
static void add_incident(struct cb_overlay *o, const struct cb_violation *v)
{
    const struct cb_incident *i = &v->incident;
    char id[CB_INCIDENT_ID_LEN], text[200] = "";
    size_t n = 0;
    if (i->n_vehicles < 2)
        return;
    cb_incident_id(i, v->camera, id);
    add(o, true, "关联事件 Incident", "%s", id);
    for (size_t k = 0; k < i->n_members && v->kind == CB_CHASE_RACING && n < sizeof text; k++)
        n += (size_t) snprintf(text + n, sizeof text - n, "%s%lld: %.1f %s", k ? " · " : "",
                               (long long) i->member[k].track, tenth_below(i->member[k].charged),
                               i->member[k].kind == CB_SPEEDING ? "km/h" : "dB(A)");
    if (text[0])
        add(o, true, "认定 Charged", "%s", text);
}

static void add_vehicle(struct cb_overlay *o, const struct cb_violation *v)
{
    if (v->has_passage) {
        const struct cb_passage *p = &v->passage;
        add(o, false, "方向 Direction", "%s", direction_words[p->direction]);
        add(o, false, "车型 Class", "%s", user_words[p->road_user]);
    }
    if (v->has_noise && v->kind == CB_MODIFIED_EXHAUST) {
        const struct cb_noise *n = &v->noise;
        add_levels(o, n);
        add(o, false, "置信度 Confidence", "%.0f %%", floor(round(n->confidence * 1000) / 10 + 1e-6));
        if (v->track < 0)
            add(o, false, "车辆 Vehicle", "未指认 none named");
    }
    if (v->track >= 0)
        add(o, false, "轨迹 Track", "%lld", (long long) v->track);
}

static void add_device(struct cb_overlay *o, const struct cb_evidence *e)
{
    const char *day =
        e->violation.kind == CB_MODIFIED_EXHAUST ? e->microphone_calibrated_on : e->calibrated_on;
    add(o, true, "设备 Device", "%s @ %s", e->violation.camera, e->node);
    add(o, false, "检定证书 Certificate", "%s%s%s%s",
        e->certificate[0] ? e->certificate : "无 none", day[0] ? " (" : "", day, day[0] ? ")" : "");
    add(o, false, "软件 Software", "%s", e->software);
}

void cb_overlay_fill(struct cb_overlay *o, const struct cb_evidence *e, int64_t t_ns, size_t i,
                     size_t n, const char *samples_sha256)
{
    const struct cb_violation *v = &e->violation;
    *o = (struct cb_overlay){.n_marks = 1};
    snprintf(o->headline, sizeof o->headline, "%s", kind_words[v->kind]);
    if (v->kind == CB_SPEEDING && v->has_passage)
        headline_of_speed(o, &v->passage);
    else if (v->kind == CB_MODIFIED_EXHAUST && v->has_noise)
        headline_of_noise(o, &v->noise);
    else if (v->kind == CB_CHASE_RACING)
        headline_of_incident(o, &v->incident);
    add_time(o, v, t_ns);
    add_clock(o, e);
    add_place(o, e);
    add_vehicle(o, v);
    add_incident(o, v);
    add_device(o, e);
    add(o, true, "记录 Record", "%s", e->id);
    add(o, false, "序号 No.", "%llu", (unsigned long long) e->sequence);
    if (n > 0)
        add(o, false, "图 Picture", "%zu / %zu", i + 1, n);
    add(o, true, "数据 Data SHA-256", "%s", samples_sha256);
}
