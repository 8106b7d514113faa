#include "verify.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static json_t *fault_to_json(const struct cb_fault *f)
{
    return json_pack("{s:s, s:s, s:s}", "kind", cb_fault_kind_name(f->kind), "name", f->name,
                     "text", f->text);
}

/* Steals o. */
static void print_json(json_t *o)
{
    char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    if (text)
        puts(text);
    free(text);
}

static void print_package_json(const char *dir, const struct cb_verify_report *v)
{
    json_t *faults = json_array();
    for (size_t i = 0; i < v->n_faults; i++)
        json_array_append_new(faults, fault_to_json(&v->fault[i]));
    json_t *o =
        json_pack("{s:s, s:s, s:b, s:b, s:o}", "type", "package", "path", dir, "whole",
                  (int) (v->n_faults == 0), "delivered", (int) v->is_delivered, "faults", faults);
    if (o && v->is_readable) {
        json_object_set_new(o, "id", json_string(v->link.id));
        json_object_set_new(o, "node", json_string(v->link.node));
        json_object_set_new(o, "sequence", json_integer((json_int_t) v->link.sequence));
        json_object_set_new(o, "sha256", json_string(v->link.sha256));
        json_object_set_new(o, "public_key", json_string(v->link.public_key));
        if (isfinite(v->refit_kmh))
            json_object_set_new(o, "measured_again_kmh", json_real(round(v->refit_kmh * 1e3) / 1e3));
    }
    print_json(o);
}

static void print_package(const char *dir, const struct cb_verify_report *v)
{
    char again[48] = "";
    if (isfinite(v->refit_kmh))
        snprintf(again, sizeof again, ", measured again: %.2f km/h", v->refit_kmh);
    if (v->n_faults == 0)
        printf("whole    %s  %s sequence %" PRIu64 ", %zu files%s%s\n", dir, v->link.node,
               v->link.sequence, v->n_files,
               v->is_delivered ? ", media removed after delivery: record and signature alone" : "",
               again);
    else
        printf("NOT WHOLE %s\n", dir);
    for (size_t i = 0; i < v->n_faults; i++)
        printf("  %-9s %s %s\n", cb_fault_kind_name(v->fault[i].kind), v->fault[i].name,
               v->fault[i].text);
    if (v->n_faults == CB_FAULTS_MAX)
        printf("  … perhaps more: only the first %d are named\n", CB_FAULTS_MAX);
}

static void show_progress(const struct verification *vf)
{
    if (vf->has_bar && vf->n_packages % 16 == 0)
        fprintf(stderr, "\r%" PRIu64 " packages, %" PRIu64 " whole\033[K", vf->n_packages,
                vf->n_whole);
}

void cb_cli_take_report(struct verification *vf, const char *where,
                        const struct cb_verify_report *v)
{
    vf->n_packages++;
    vf->n_whole += v->n_faults == 0;
    vf->n_delivered += v->is_delivered;
    show_progress(vf);
    if (vf->is_json)
        print_package_json(where, v);
    else
        print_package(where, v);
}

static void report_chain(const struct verification *vf, const struct cb_verify_link *first,
                         const struct cb_verify_link *last, uint64_t n_faults)
{
    if (vf->is_json)
        print_json(json_pack("{s:s, s:s, s:I, s:I, s:b}", "type", "chain", "node", first->node,
                             "first", (json_int_t) first->sequence, "last",
                             (json_int_t) last->sequence, "whole", (int) (n_faults == 0)));
    else
        printf("chain    %s sequence %" PRIu64 " to %" PRIu64 ": %s%s\n", first->node,
               first->sequence, last->sequence, n_faults ? "BROKEN" : "unbroken",
               first->sequence == 1 ? "" : " (begins after the first record)");
}

static void report_break(const struct verification *vf, const char *node, const struct cb_fault *f)
{
    if (vf->is_json)
        print_json(json_pack("{s:s, s:s, s:o}", "type", "chain_break", "node", node, "fault",
                             fault_to_json(f)));
    else
        printf("BROKEN   chain of %s: %s %s\n", node, f->name, f->text);
}

void cb_cli_chain_end(struct verification *vf)
{
    struct chain *c = &vf->chain;
    if (c->is_begun)
        report_chain(vf, &c->first, &c->last, c->n_faults);
    vf->n_chain_faults += c->n_faults;
    *c = (struct chain){0};
}

static void begin_chain(struct verification *vf, const struct cb_verify_link *b)
{
    struct cb_fault fault = {.kind = CB_FAULT_CHAIN};
    cb_cli_chain_end(vf);
    vf->chain.is_begun = true;
    vf->chain.first = *b;
    if (!vf->is_store || b->sequence == 1)
        return;
    /* A store has had all of a node's records; a folder may hold any part of them. */
    vf->chain.n_faults++;
    snprintf(fault.name, sizeof fault.name, "sequence %" PRIu64, b->sequence);
    snprintf(fault.text, sizeof fault.text,
             "is the first that is kept: %" PRIu64 " before it are missing", b->sequence - 1);
    report_break(vf, b->node, &fault);
}

void cb_cli_chain_add(struct verification *vf, const struct cb_verify_link *b)
{
    struct chain *c = &vf->chain;
    struct cb_fault fault;
    bool is_first = !c->is_begun || strcmp(b->node, c->last.node) != 0;
    if (is_first)
        begin_chain(vf, b);
    if (!cb_verify_follows(is_first ? NULL : &c->last, b, vf->keys.n > 0, &fault)) {
        c->n_faults++;
        report_break(vf, b->node, &fault);
    }
    c->last = *b;
}

void cb_cli_report_summary(const struct verification *vf)
{
    if (vf->is_json) {
        print_json(
            json_pack("{s:s, s:I, s:I, s:I, s:I, s:o, s:b}", "type", "summary", "packages",
                      (json_int_t) vf->n_packages, "whole", (json_int_t) vf->n_whole, "delivered",
                      (json_int_t) vf->n_delivered, "erased", (json_int_t) vf->n_erased,
                      "chain_breaks",
                      vf->has_chain ? json_integer((json_int_t) vf->n_chain_faults) : json_null(),
                      "key_given", (int) (vf->keys.n > 0)));
        return;
    }
    printf("%" PRIu64 " packages: %" PRIu64 " whole, %" PRIu64 " not", vf->n_packages, vf->n_whole,
           vf->n_packages - vf->n_whole);
    if (vf->n_erased)
        printf("; %" PRIu64 " erased by retention", vf->n_erased);
    if (vf->has_chain)
        printf("; %" PRIu64 " breaks of the chain", vf->n_chain_faults);
    puts(vf->keys.n ? "" : "; who sealed them is not proven (--key)");
}
