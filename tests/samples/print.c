/* Prints each sample record, one JSON object a line: `sample_records [KIND]`. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "samples.h"

static const char *only;
static bool has_failed;

static void show(const char *kind, int r, char *json)
{
    if (r < 0)
        has_failed = true;
    else if (!only || !strcmp(only, kind))
        puts(json);
    free(json);
}

int main(int argc, char **argv)
{
    struct cb_fix path[SAMPLE_FIXES];
    struct cb_passage p;
    struct cb_noise n;
    struct cb_violation v[3];
    char *json = NULL;
    size_t size;
    int r;
    only = argc > 1 ? argv[1] : NULL;
    sample_passage(&p, path);
    r = cb_passage_print(&p, &json), show("passage", r, json);
    sample_noise(&n);
    r = cb_noise_print(&n, &json), show("noise", r, json);
    struct cb_health h;
    sample_health(&h);
    r = cb_health_print(&h, &json), show("health", r, json);
    h.camera[0] = '\0';
    h.is_raised = false;
    r = cb_health_print(&h, &json), show("health", r, json);
    sample_speeding(&v[0], path);
    sample_exhaust(&v[1], path);
    sample_chase(&v[2], path);
    r = cb_incident_print(&v[2].incident, v[2].camera, &json), show("incident", r, json);
    for (int i = 0; i < 3; i++) {
        struct cb_evidence e;
        struct cb_alert a;
        sample_evidence(&e, &v[i]);
        cb_alert_from_evidence(&e, &a);
        a.published_utc_ns = e.sealed_utc_ns;
        r = cb_violation_print(&v[i], &json), show("violation", r, json);
        r = cb_evidence_print(&e, &json, &size), show("evidence", r, json);
        r = cb_alert_print(&a, &json), show("alert", r, json);
    }
    return has_failed || fflush(stdout) ? 1 : 0;
}
