#ifndef SCHEMA_ALERT_H
#define SCHEMA_ALERT_H

#include "schema/evidence.h"

/** What people are told of a durable record; no media in it. schema/json/alert.schema.json */
struct cb_alert {
    uint64_t sequence; /* per node, without gaps: the record's own */
    char id[CB_UUID_LEN];
    char node[CB_CAMERA_ID_LEN];
    char camera[CB_CAMERA_ID_LEN];
    char camera_name[CB_NAME_LEN], road[CB_NAME_LEN], district[CB_NAME_LEN];
    double lat_deg, lon_deg; /* NaN: not configured */
    enum cb_violation_kind kind;
    enum cb_severity severity;
    int64_t occurred_utc_ns, published_utc_ns;
    int64_t track;           /* −1: none named */
    enum cb_road_user road_user;
    enum cb_direction direction;
    double measured, charged, limit, uncertainty; /* km/h or dB(A); NaN: none */
    char unit[12];           /* "km/h", "dB(A)" or "vehicles" */
    char incident[CB_INCIDENT_ID_LEN]; /* "": no vehicle is named */
};

/** Fills everything but published_utc_ns from a record. */
void cb_alert_from_evidence(const struct cb_evidence *e, struct cb_alert *ret);
int cb_alert_print(const struct cb_alert *a, char **ret_json);
int cb_alert_parse(const char *json, size_t n, struct cb_alert *ret);
/** A district as it stands in topics: spaces, dots and controls become '_'; "" becomes "_". */
void cb_alert_topic_district(const char *district, char ret[CB_NAME_LEN]);
/** "alert.<district>.<kind>.<severity>" */
void cb_alert_topic(const struct cb_alert *a, char *ret, size_t size);

#endif
