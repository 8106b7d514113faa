/* Records' JSON: what is accepted can be printed, and what is printed is accepted and prints the
 * same again. Every parser sees every input: none may be upset by another's record. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/alert.h"
#include "schema/evidence.h"
#include "target.h"

static void want_same(const char *kind, const char *first, const char *second)
{
    if (!strcmp(first, second))
        return;
    fprintf(stderr, "%s does not print what it printed before:\n%s\n%s\n", kind, first, second);
    abort();
}

static void want_ok(const char *kind, int r, const char *json)
{
    if (r == 0)
        return;
    fprintf(stderr, "%s: %s: %s\n", kind, strerror(-r), json);
    abort();
}

static void try_passage(const char *json, size_t n)
{
    struct cb_passage a = {0}, b = {0};
    char *first = NULL, *second = NULL;
    if (cb_passage_parse(json, n, &a) < 0)
        return;
    want_ok("print of a passage", cb_passage_print(&a, &first), "");
    want_ok("parse of a passage", cb_passage_parse(first, strlen(first), &b), first);
    want_ok("print of a passage", cb_passage_print(&b, &second), "");
    want_same("a passage", first, second);
    cb_passage_deinit(&a);
    cb_passage_deinit(&b);
    free(first);
    free(second);
}

static void try_noise(const char *json, size_t n)
{
    struct cb_noise a = {0}, b = {0};
    char *first = NULL, *second = NULL;
    if (cb_noise_parse(json, n, &a) < 0)
        return;
    want_ok("print of a noise", cb_noise_print(&a, &first), "");
    want_ok("parse of a noise", cb_noise_parse(first, strlen(first), &b), first);
    want_ok("print of a noise", cb_noise_print(&b, &second), "");
    want_same("a noise", first, second);
    free(first);
    free(second);
}

static void try_violation(const char *json, size_t n)
{
    struct cb_violation a = {0}, b = {0};
    char *first = NULL, *second = NULL;
    if (cb_violation_parse(json, n, &a) < 0)
        return;
    want_ok("print of a violation", cb_violation_print(&a, &first), "");
    want_ok("parse of a violation", cb_violation_parse(first, strlen(first), &b), first);
    want_ok("print of a violation", cb_violation_print(&b, &second), "");
    want_same("a violation", first, second);
    cb_violation_deinit(&a);
    cb_violation_deinit(&b);
    free(first);
    free(second);
}

static void try_alert_of(const struct cb_evidence *e)
{
    struct cb_alert a = {0}, b = {0};
    char *first = NULL, *second = NULL, topic[512];
    cb_alert_from_evidence(e, &a);
    a.published_utc_ns = e->sealed_utc_ns;
    cb_alert_topic(&a, topic, sizeof topic);
    want_ok("print of an alert", cb_alert_print(&a, &first), "");
    want_ok("parse of an alert", cb_alert_parse(first, strlen(first), &b), first);
    want_ok("print of an alert", cb_alert_print(&b, &second), "");
    want_same("an alert", first, second);
    free(first);
    free(second);
}

static void try_evidence(const char *json, size_t n)
{
    struct cb_evidence a = {0}, b = {0};
    struct cb_error e = {0};
    char *first = NULL, *second = NULL;
    size_t n_first = 0, n_second = 0;
    if (cb_evidence_parse(json, n, &a, &e) < 0) {
        if (!e.text[0]) {
            fprintf(stderr, "a record was refused without a word\n");
            abort();
        }
        return;
    }
    want_ok("print of a record", cb_evidence_print(&a, &first, &n_first), "");
    want_ok("parse of a record", cb_evidence_parse(first, n_first, &b, &e), first);
    want_ok("print of a record", cb_evidence_print(&b, &second, &n_second), "");
    want_same("a record", first, second);
    try_alert_of(&a);
    cb_evidence_deinit(&a);
    cb_evidence_deinit(&b);
    free(first);
    free(second);
}

static void try_alert(const char *json, size_t n)
{
    struct cb_alert a = {0}, b = {0};
    char *first = NULL, *second = NULL, topic[512];
    if (cb_alert_parse(json, n, &a) < 0)
        return;
    cb_alert_topic(&a, topic, sizeof topic);
    want_ok("print of an alert", cb_alert_print(&a, &first), "");
    want_ok("parse of an alert", cb_alert_parse(first, strlen(first), &b), first);
    want_ok("print of an alert", cb_alert_print(&b, &second), "");
    want_same("an alert", first, second);
    free(first);
    free(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *json = (const char *) data;
    try_passage(json, size);
    try_noise(json, size);
    try_violation(json, size);
    try_evidence(json, size);
    try_alert(json, size);
    return 0;
}
