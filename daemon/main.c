#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <malloc.h>
#include <signal.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "bus/bus.h"
#include "config.h"
#include "curve_keys.h"
#include "edge.h"
#include "gateway_role.h"
#include "notify.h"
#include "store/store.h"
#include "store_role.h"

static const char help[] =
    "usage: citybraind --config FILE [--role edge,store,gateway] [--log LEVEL]\n"
    "                  [--log-format text|json]\n"
    "\n"
    "Watches the cameras of the configuration, measures, seals evidence, delivers it to the store\n"
    "and announces alerts. Runs in the foreground until SIGTERM or SIGINT: then it stops\n"
    "the cameras, seals what waits, delivers for up to 5 s, and ends. A second signal ends it at\n"
    "once; nothing is lost by that either. On SIGHUP it reads the configuration again: cameras whose\n"
    "part is unchanged run on, others stop and start; one that is wrong is refused, and the old goes\n"
    "on. `citybrain check` knows beforehand.\n"
    "\n"
    "  --config FILE  the configuration (city.yaml)\n"
    "  --role LIST    what this process is; default: edge, and store and gateway when configured\n"
    "  --log LEVEL    error, warn, info (default) or debug\n"
    "  --log-format F text (default), or json: one object a line\n"
    "\n"
    "Exit codes: 0 stopped; 1 a role could not start; 2 wrong usage or configuration.\n"
    "\n"
    "Examples:\n"
    "  citybraind --config city.yaml\n"
    "  citybraind --config edge-7.yaml --role edge\n";

#define DRAIN_NS (5 * CB_NS_PER_S)
#define TIDY_NS  CB_NS_PER_S

enum { EXIT_START = 1, EXIT_USAGE = 2 };

struct roles {
    bool edge, store, gateway;
};

struct process {
    struct cb_config *config;
    struct cb_bus_context *ctx;
    struct cb_store_role *store;
    struct cb_edge *edge;
    struct cb_gateway_role *gateway;
};

static const struct cb_log daemon_log = {"citybraind", NULL};

static bool parse_roles(const char *list, struct roles *ret)
{
    *ret = (struct roles){0};
    char copy[64];
    if (snprintf(copy, sizeof copy, "%s", list) >= (int) sizeof copy)
        return false;
    char *rest = NULL;
    for (char *w = strtok_r(copy, ",", &rest); w; w = strtok_r(NULL, ",", &rest)) {
        bool *role = !strcmp(w, "edge")      ? &ret->edge
                     : !strcmp(w, "store")   ? &ret->store
                     : !strcmp(w, "gateway") ? &ret->gateway
                                             : NULL;
        if (!role)
            return false;
        *role = true;
    }
    return ret->edge || ret->store || ret->gateway;
}

static bool parse_level(const char *name)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    for (int i = 0; i < 4; i++)
        if (!strcmp(name, names[i])) {
            cb_log_set_max((enum cb_level) i);
            return true;
        }
    return false;
}

static bool parse_format(const char *name)
{
    bool is_json = !strcmp(name, "json");
    if (is_json)
        cb_log_set_sink(cb_log_json, NULL);
    return is_json || !strcmp(name, "text");
}

static bool is_edge_well(void *self)
{
    return cb_edge_is_well(self);
}

static int start_gateway(struct process *p, struct cb_error *e)
{
    struct cb_metrics_source source[2];
    size_t n = 0;
    if (p->edge)
        source[n++] = (struct cb_metrics_source){p->edge, cb_edge_print_metrics, cb_edge_complain,
                                                 is_edge_well};
    if (p->store)
        source[n++] = (struct cb_metrics_source){p->store, cb_store_role_print_metrics,
                                                 cb_store_role_complain, NULL};
    return cb_gateway_role_create(&p->gateway, p->config, source, n, CB_VERSION, e);
}

/* The receiving end first: what an edge has kept from before finds its store. */
static int start(struct process *p, const struct roles *roles, struct cb_error *e)
{
    int r = cb_bus_context_create(&p->ctx, e);
    if (r == 0 && roles->store)
        r = cb_store_role_create(&p->store, p->config, p->ctx, e);
    if (r == 0 && roles->edge)
        r = cb_edge_create(&p->edge, p->config, p->ctx, e);
    if (r == 0 && roles->gateway)
        r = start_gateway(p, e);
    if (r == 0 && p->edge)
        r = cb_edge_start(p->edge);
    return r;
}

static void stop(struct process *p)
{
    cb_gateway_role_destroy(&p->gateway);
    cb_edge_destroy(&p->edge);
    cb_store_role_destroy(&p->store);
    cb_bus_context_destroy(&p->ctx);
    cb_config_destroy(&p->config);
}

static int read_allowed(const struct cb_config *c, struct cb_bus_curve *ret, struct cb_error *e)
{
    int r = cb_curve_keys_load(&c->bus, ret, e);
    if (r == 0 && c->bus.allowed_keys[0] && c->bus.curve_key[0] && !ret->n_allowed)
        r = cb_error_set(e, -EINVAL, c->bus.allowed_keys,
                         "is empty, expected one key at least: nobody could connect");
    return r;
}

/* What the configuration names and a running daemon reads anew: who may connect, who is believed. */
struct lists {
    struct cb_bus_curve curve;
    char (*trusted)[CB_KEY_LEN];
    size_t n_trusted;
};

static int read_lists(const struct process *p, const struct cb_config *c, struct lists *ret,
                      struct cb_error *e)
{
    int r = read_allowed(c, &ret->curve, e);
    if (r == 0 && p->store && c->store.trusted_keys[0])
        r = cb_store_load_trusted(c->store.trusted_keys, &ret->trusted, &ret->n_trusted, e);
    return r;
}

static int take_lists(struct process *p, const struct lists *l, struct cb_error *e)
{
    bool has_keys = p->config->bus.curve_key[0];
    int r = 0;
    if (p->edge && has_keys)
        r = cb_edge_allow(p->edge, &l->curve);
    if (r == 0 && p->store && has_keys)
        r = cb_store_role_allow(p->store, &l->curve);
    if (r == 0 && p->store)
        r = cb_store_role_trust(p->store, (const char(*)[CB_KEY_LEN]) l->trusted, l->n_trusted, e);
    return r;
}

/* All that can be refused is looked at before anything is changed. */
static int take_configuration(struct process *p, struct cb_error *e)
{
    struct cb_config *next = NULL;
    struct lists lists = {0};
    int r = cb_config_load(&next, p->config->file, e);
    if (r == 0 && (r = cb_config_check_change(p->config, next, e)) == 0 &&
        (r = read_lists(p, next, &lists, e)) == 0 && p->edge)
        r = cb_edge_reload(p->edge, &next, e);
    if (r == 0)
        r = take_lists(p, &lists, e);
    cb_bus_curve_deinit(&lists.curve);
    free(lists.trusted);
    cb_config_destroy(&next);
    return r;
}

static void reload(struct process *p)
{
    struct cb_error e = {0};
    char state[64];
    snprintf(state, sizeof state, "RELOADING=1\nMONOTONIC_USEC=%lld",
             (long long) (cb_clock_mono_ns() / 1000));
    cb_notify(state);
    int r = take_configuration(p, &e);
    if (r < 0)
        cb_log_at(&daemon_log, CB_LOG_ERR, "the new configuration is refused, the old one goes on: "
                  "%s%s%s", e.where, e.where[0] ? ": " : "", e.text[0] ? e.text : strerror(-r));
    else
        cb_log_at(&daemon_log, CB_LOG_INFO, "the configuration was read again");
    cb_notify("READY=1");
}

/* Meanwhile the service manager hears that threads move, as long as they do. */
static int wait_for_signal(struct process *p, const sigset_t *signals)
{
    int64_t every_ns = cb_notify_watchdog_ns(), answer_ns = cb_clock_mono_ns() + every_ns;
    const int64_t wait_ns = every_ns && every_ns < TIDY_NS ? every_ns : TIDY_NS;
    const struct timespec wait = {wait_ns / CB_NS_PER_S, wait_ns % CB_NS_PER_S};
    bool was_well = true;
    for (;;) {
        int which = sigtimedwait(signals, NULL, &wait);
        if (which == SIGHUP)
            reload(p);
        else if (which > 0)
            return which;
        if (p->edge)
            cb_edge_tidy(p->edge);
        if (!every_ns || cb_clock_mono_ns() < answer_ns)
            continue;
        answer_ns = cb_clock_mono_ns() + every_ns;
        bool is_well = !p->edge || cb_edge_is_well(p->edge);
        if (is_well)
            cb_notify("WATCHDOG=1");
        else if (was_well)
            cb_log_at(&daemon_log, CB_LOG_ERR, "a thread hangs, the watchdog is not answered");
        was_well = is_well;
    }
}

/* Whoever asks twice does not wait for the rest: all is durable at any moment. */
static void end_at_next_signal(const sigset_t *signals)
{
    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    signal(SIGHUP, SIG_IGN); /* too late for that */
    pthread_sigmask(SIG_UNBLOCK, signals, NULL);
}

static int run(struct process *p, const struct roles *roles, const sigset_t *signals)
{
    struct cb_error e = {0};
    int r = start(p, roles, &e);
    if (r < 0) {
        cb_log_at(&daemon_log, CB_LOG_ERR, "does not start: %s%s%s", e.where,
                  e.where[0] ? ": " : "", e.text[0] ? e.text : strerror(-r));
        return EXIT_START;
    }
    cb_log_at(&daemon_log, CB_LOG_INFO, "citybrain " CB_VERSION " runs: %s%s%s%zu cameras",
              p->edge ? "edge, " : "", p->store ? "store, " : "", p->gateway ? "gateway, " : "",
              roles->edge ? p->config->n_cameras : 0);
    cb_notify("READY=1");
    int which = wait_for_signal(p, signals);
    cb_notify("STOPPING=1");
    cb_log_at(&daemon_log, CB_LOG_INFO, "stops on %s", which == SIGTERM ? "SIGTERM" : "SIGINT");
    end_at_next_signal(signals);
    if (p->edge)
        cb_edge_drain(p->edge, DRAIN_NS);
    return 0;
}

struct words {
    const char *config, *roles;
};

/* @return -1: go on; else the exit code */
static int read_words(int argc, char **argv, struct words *w)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"role", required_argument, NULL, 'r'},
        {"log", required_argument, NULL, 'l'},    {"log-format", required_argument, NULL, 'f'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},      {0}};
    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (o) {
        case 'c': w->config = optarg; break;
        case 'r': w->roles = optarg; break;
        case 'h': fputs(help, stdout); return 0;
        case 'v': puts("citybraind " CB_VERSION); return 0;
        case 'l':
            if (parse_level(optarg))
                break;
            fprintf(stderr, "--log %s: expected error, warn, info or debug\n", optarg);
            return EXIT_USAGE;
        case 'f':
            if (parse_format(optarg))
                break;
            fprintf(stderr, "--log-format %s: expected text or json\n", optarg);
            return EXIT_USAGE;
        default: fputs(help, stderr); return EXIT_USAGE;
        }
    }
    if (w->config && optind == argc)
        return -1;
    fputs(help, stderr);
    return EXIT_USAGE;
}

/* glibc raises both to the size of what was freed, and a package's pictures and clip, once sealed, would
 * stay with the process for good: 115 instead of 46 MiB private at 720p. Set, they stay. */
static void give_memory_back(void)
{
    mallopt(M_MMAP_THRESHOLD, 128 << 10);
    mallopt(M_TRIM_THRESHOLD, 128 << 10);
}

int main(int argc, char **argv)
{
    give_memory_back();
    struct words w = {0};
    struct process p = {0};
    setlocale(LC_CTYPE, "C.UTF-8");
    int code = read_words(argc, argv, &w);
    if (code >= 0)
        return code;
    if (sodium_init() < 0)
        return EXIT_START;
    struct cb_error e = {0};
    if (cb_config_load(&p.config, w.config, &e) < 0) {
        fprintf(stderr, "%s: %s\n", e.where, e.text);
        return EXIT_USAGE;
    }
    struct roles roles = {true, p.config->store.database[0], p.config->gateway.listen[0]};
    if (w.roles && !parse_roles(w.roles, &roles)) {
        fprintf(stderr, "--role %s: expected edge, store and gateway, parted by commas\n", w.roles);
        cb_config_destroy(&p.config);
        return EXIT_USAGE;
    }
    /* Blocked before any thread is made, so that all inherit it and sigwait is the only reader. */
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    code = run(&p, &roles, &signals);
    stop(&p);
    return code;
}
