#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "bus/subscriber.h"
#include "cli.h"
#include "schema/alert.h"
#include "schema/health.h"
#include "table.h"

#define DEFAULT_ALERTS "ipc:///run/citybrain/alerts.sock"
#define DEFAULT_REPLAY "ipc:///run/citybrain/replay.sock"

static const char help[] =
    "usage: citybrain tail [options]\n"
    "\n"
    "Prints alerts as they come, in order; what it missed it asks for. Between them what is not as\n"
    "it should be with cameras and edge (health.…: a camera lost or moved, a clock, a full disk).\n"
    "\n"
    "  --endpoint E     where alerts are published; default " DEFAULT_ALERTS "\n"
    "  --replay E       where missed alerts are asked for; default, without --endpoint:\n"
    "                   " DEFAULT_REPLAY "; else none\n"
    "  --from SEQ       first everything from this sequence number on; needs --replay\n"
    "  --topic T        only topics that begin so: alert.DISTRICT.KIND.SEVERITY, or\n"
    "                   health.DISTRICT.CAMERA.WHAT\n"
    "  --count N        ends after N alerts; messages of health do not count\n"
    "  --timeout S      ends when no alert came for S seconds\n"
    "  --json           one JSON object a line, as published\n"
    "  --keys FILE      this client's CURVE keys, for tcp endpoints (citybrain keygen)\n"
    "  --server-key FILE  the edge's public key, for tcp endpoints\n"
    "\n"
    "Exit codes: 0 done or interrupted; 1 the edge cannot be reached, alerts were missed, or\n"
    "--timeout ran out before --count; 2 wrong usage.\n"
    "\n"
    "Examples:\n"
    "  citybrain tail --endpoint ipc://var/alerts.sock --topic alert.福田\n"
    "  citybrain tail --endpoint tcp://edge:7002 --replay tcp://edge:7003 --from 1 --json \\\n"
    "      --keys me.key --server-key edge.curve.pub\n";

struct request {
    struct cb_bus_subscriber_opts subscriber;
    const char *key_file, *server_file;
    long count;         /* 0: no end */
    double timeout_s;   /* NaN: no end */
    bool is_json;
};

static atomic_bool is_over;

static void on_signal(int signal_number)
{
    (void) signal_number;
    atomic_store(&is_over, true);
}

static void print_head(void)
{
    printf("%8s  ", "sequence");
    cb_table_cell(stdout, "time (UTC)", 24, false);
    printf("  %-16s  %-10s  %-16s  %-16s  %-8s  %-10s  %16s  %8s\n", "camera", "district", "road",
           "kind", "severity", "class", "measured", "limit");
    fflush(stdout);
}

static void print_cell(const char *text, int width)
{
    fputs("  ", stdout);
    cb_table_cell(stdout, text, width, false);
}

static void print_alert(const struct cb_alert *a)
{
    char at[CB_UTC_LEN], measured[48], limit[24];
    const char *kind = cb_violation_kind_name(a->kind);
    cb_utc_print(a->occurred_utc_ns, at);
    if (isnan(a->uncertainty))
        snprintf(measured, sizeof measured, "%.1f %s", a->measured, a->unit);
    else
        snprintf(measured, sizeof measured, "%.1f ± %.1f %s", a->measured, a->uncertainty, a->unit);
    snprintf(limit, sizeof limit, isnan(a->limit) ? "–" : "%.0f", a->limit);
    printf("%8llu", (unsigned long long) a->sequence);
    print_cell(at, 24);
    print_cell(a->camera, 16);
    print_cell(a->district, 10);
    print_cell(a->road, 16);
    print_cell(kind ? kind : "–", 16);
    print_cell(cb_severity_name(a->severity), 8);
    print_cell(a->track < 0 ? "–" : cb_road_user_name(a->road_user), 10);
    fputs("  ", stdout);
    cb_table_cell(stdout, measured, 16, true);
    fputs("  ", stdout);
    cb_table_cell(stdout, limit, 8, true);
    putchar('\n');
}

static void print_health(const struct cb_health *h)
{
    char at[CB_UTC_LEN];
    cb_utc_print(h->at_utc_ns, at);
    cb_table_cell(stdout, "–", 8, true);
    print_cell(at, 24);
    print_cell(h->camera[0] ? h->camera : h->node, 16);
    print_cell(h->camera[0] ? h->district : "–", 10);
    print_cell(cb_health_name(h->what), 16);
    print_cell(h->is_raised ? "raised" : "cleared", 16);
    printf("  %s\n", h->text);
}

static void print(const struct request *q, const struct cb_bus_alert *a)
{
    struct cb_alert alert;
    struct cb_health health;
    if (q->is_json)
        puts(a->json);
    else if (a->is_health && cb_health_parse(a->json, strlen(a->json), &health) == 0)
        print_health(&health);
    else if (cb_alert_parse(a->json, strlen(a->json), &alert) == 0)
        print_alert(&alert);
    else
        fprintf(stderr, "citybrain tail: alert %llu is of a form unknown here, see --json\n",
                (unsigned long long) a->sequence);
    fflush(stdout);
}

static int follow(const struct request *q, struct cb_bus_subscriber *s)
{
    int64_t last_ns = cb_clock_mono_ns();
    for (long n = 0; !atomic_load(&is_over) && (q->count == 0 || n < q->count);) {
        struct cb_bus_alert a;
        int r = cb_bus_subscriber_next(s, 200, &a);
        if (r == 0) {
            print(q, &a);
            n += !a.is_health;
            last_ns = a.is_health ? last_ns : cb_clock_mono_ns();
        } else if (r != -EAGAIN && r != -EINTR) {
            fprintf(stderr, "citybrain tail: %s\n", strerror(-r));
            return CB_EXIT_FAILED;
        }
        if (ferror(stdout))
            return CB_EXIT_FAILED;
        if (cb_s_from_ns(cb_clock_mono_ns() - last_ns) > q->timeout_s)
            return q->count ? CB_EXIT_FAILED : CB_EXIT_OK;
    }
    return CB_EXIT_OK;
}

static int connect_and_follow(const struct request *q, struct cb_bus_context *ctx,
                              struct cb_error *e)
{
    struct cb_bus_subscriber *s = NULL;
    if (cb_bus_subscriber_create(&s, ctx, &q->subscriber, e) < 0)
        return CB_EXIT_USAGE;
    if (!q->is_json)
        print_head();
    int code = follow(q, s);
    uint64_t n_missed = cb_bus_subscriber_n_missed(s);
    if (n_missed > 0) {
        fprintf(stderr, "citybrain tail: %llu alert%s missed\n", (unsigned long long) n_missed,
                n_missed == 1 ? " was" : "s were");
        code = CB_EXIT_FAILED;
    }
    cb_bus_subscriber_destroy(&s);
    return code;
}

static int run(struct request *q)
{
    struct cb_bus_context *ctx = NULL;
    struct cb_bus_curve curve = {0};
    struct cb_error e = {0};
    int code = CB_EXIT_USAGE;
    if (!q->key_file ||
        cb_bus_curve_load(&curve, q->key_file, NULL, q->server_file, &e) == 0) {
        q->subscriber.curve = q->key_file ? &curve : NULL;
        if (cb_bus_context_create(&ctx, &e) == 0)
            code = connect_and_follow(q, ctx, &e);
    }
    if (e.text[0])
        fprintf(stderr, "citybrain tail: %s: %s\n", e.where, e.text);
    cb_bus_context_destroy(&ctx);
    cb_bus_curve_deinit(&curve);
    return code;
}

static const struct option options[] = {
    {"endpoint", required_argument, NULL, 'e'}, {"replay", required_argument, NULL, 'r'},
    {"from", required_argument, NULL, 'f'},     {"topic", required_argument, NULL, 't'},
    {"count", required_argument, NULL, 'n'},    {"timeout", required_argument, NULL, 'o'},
    {"json", no_argument, NULL, 'j'},           {"keys", required_argument, NULL, 'k'},
    {"server-key", required_argument, NULL, 's'}, {"help", no_argument, NULL, 'h'}, {0},
};

static int parse_count(const char *text, unsigned long long min, unsigned long long *ret)
{
    char *end;
    errno = 0;
    unsigned long long v = strtoull(text, &end, 10);
    if (end == text || *end || errno || text[0] == '-' || v < min || v > INT64_MAX)
        return -EINVAL;
    *ret = v;
    return 0;
}

static int parse_seconds(const char *text, double *ret)
{
    char *end;
    double v = strtod(text, &end);
    if (end == text || *end || !(v > 0 && v <= 1e9))
        return -EINVAL;
    *ret = v;
    return 0;
}

/* @return 0; -EINVAL: *ret_expected says what */
static int set_option(struct request *q, int o, const char **ret_expected)
{
    unsigned long long v = 0;
    int r = 0;
    if (o == 'e')
        q->subscriber.alerts_endpoint = optarg;
    else if (o == 'r')
        q->subscriber.replay_endpoint = optarg;
    else if (o == 't')
        q->subscriber.topic = optarg;
    else if (o == 'k')
        q->key_file = optarg;
    else if (o == 's')
        q->server_file = optarg;
    else if (o == 'j')
        q->is_json = true;
    else if (o == 'o') {
        *ret_expected = "--timeout: a number of seconds above 0";
        r = parse_seconds(optarg, &q->timeout_s);
    } else if (o == 'n') {
        *ret_expected = "--count: a whole number above 0";
        if ((r = parse_count(optarg, 1, &v)) == 0)
            q->count = (long) v;
    } else {
        *ret_expected = "--from: a sequence number";
        if ((r = parse_count(optarg, 0, &v)) == 0) {
            q->subscriber.has_from = true;
            q->subscriber.from = v;
        }
    }
    return r;
}

int cb_cli_tail(int argc, char **argv)
{
    struct request q = {.timeout_s = NAN, .subscriber.has_health = true};
    for (int o; (o = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        const char *expected = NULL;
        if (o == 'h' || o == '?')
            return fputs(help, o == 'h' ? stdout : stderr), o == 'h' ? CB_EXIT_OK : CB_EXIT_USAGE;
        if (set_option(&q, o, &expected) < 0) {
            fprintf(stderr, "citybrain tail: '%s': expected %s\n", optarg, expected);
            return CB_EXIT_USAGE;
        }
    }
    if (!q.subscriber.alerts_endpoint) {
        q.subscriber.alerts_endpoint = DEFAULT_ALERTS;
        if (!q.subscriber.replay_endpoint)
            q.subscriber.replay_endpoint = DEFAULT_REPLAY;
    }
    if (optind < argc || (q.subscriber.has_from && !q.subscriber.replay_endpoint)) {
        if (optind >= argc)
            fputs("citybrain tail: --from needs --replay\n\n", stderr);
        fputs(help, stderr);
        return CB_EXIT_USAGE;
    }
    /* no SA_RESTART: a wait ends at once */
    sigaction(SIGINT, &(struct sigaction) {.sa_handler = on_signal}, NULL);
    sigaction(SIGTERM, &(struct sigaction) {.sa_handler = on_signal}, NULL);
    return run(&q);
}
