#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cli.h"
#include "outbox/inspect.h"

static const char help[] =
    "usage: citybrain outbox --data DIR [--list] [--retry]\n"
    "\n"
    "What a node has sealed and the store has not yet: how much, since when, and what was set "
    "aside\n"
    "because the store can never take it, with the store's reason. Works beside a running daemon.\n"
    "\n"
    "  --data DIR  the node's data folder (node.data_dir)\n"
    "  --list      names each package that waits, too\n"
    "  --retry     lets what was set aside wait again, after its cause was mended\n"
    "\n"
    "Exit codes: 0 nothing is set aside; 1 something is, or the outbox cannot be read; 2 wrong\n"
    "usage.\n"
    "\n"
    "Examples:\n"
    "  citybrain outbox --data var/edge-1\n"
    "  citybrain outbox --data var/edge-1 --retry\n";

struct request {
    const char *data_dir;
    bool has_list, is_retry;
};

static int print_entry(void *arg, const struct cb_outbox_entry *e)
{
    const struct request *q = arg;
    char at[CB_UTC_LEN];
    cb_utc_print(e->put_utc_ns, at);
    if (e->is_set_aside)
        printf("set aside  sequence %" PRIu64 "  %s  since %s\n           %s\n", e->sequence, e->id,
               at, e->reason ? e->reason : "no reason was given");
    else if (q->has_list)
        printf("waiting    sequence %" PRIu64 "  %s  since %s  %.1f MB\n", e->sequence, e->id, at,
               (double) e->n_bytes / 1e6);
    return ferror(stdout) ? -EPIPE : 0;
}

static void print_depth(const struct cb_outbox_depth *d)
{
    int64_t age_ns = cb_clock_now_ns() - d->oldest_put_utc_ns;
    printf("%" PRIu64 " waiting", d->n_waiting);
    if (d->n_waiting)
        printf(", the oldest for %.0f s", cb_s_from_ns(age_ns > 0 ? age_ns : 0));
    printf("; %" PRIu64 " set aside; %" PRIu64 " delivered; %.1f MB of media\n", d->n_set_aside,
           d->n_delivered, (double) d->n_bytes / 1e6);
    printf("%" PRIu64 " alerts not announced; %" PRIu64 " batches of traffic minutes waiting\n",
           d->n_unannounced, d->n_minutes);
}

static int run(struct request *q)
{
    struct cb_outbox_depth depth;
    struct cb_error e = {0};
    uint64_t n = 0;
    int r = q->is_retry ? cb_outbox_inspect_retry(q->data_dir, &n, &e) : 0;
    if (r == 0 && q->is_retry)
        printf("%" PRIu64 " set aside before wait again\n", n);
    if (r == 0)
        r = cb_outbox_inspect(q->data_dir, &depth, print_entry, q, &e);
    if (r < 0) {
        if (r != -EPIPE)
            fprintf(stderr, "citybrain outbox: %s: %s\n", e.where,
                    e.text[0] ? e.text : strerror(-r));
        return CB_EXIT_FAILED;
    }
    print_depth(&depth);
    return depth.n_set_aside || fflush(stdout) != 0 ? CB_EXIT_FAILED : CB_EXIT_OK;
}

int cb_cli_outbox(int argc, char **argv)
{
    static const struct option options[] = {{"data", required_argument, NULL, 'd'},
                                            {"list", no_argument, NULL, 'l'},
                                            {"retry", no_argument, NULL, 'r'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    struct request q = {0};
    for (int o; (o = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (o == 'd') {
            q.data_dir = optarg;
        } else if (o == 'l') {
            q.has_list = true;
        } else if (o == 'r') {
            q.is_retry = true;
        } else {
            fputs(help, o == 'h' ? stdout : stderr);
            return o == 'h' ? CB_EXIT_OK : CB_EXIT_USAGE;
        }
    }
    if (q.data_dir && optind == argc)
        return run(&q);
    fputs(help, stderr);
    return CB_EXIT_USAGE;
}
