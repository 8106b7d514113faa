#include <getopt.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/gateway.h"
#include "rig.h"
#include "store/store.h"

static const char help[] =
    "usage: citybrain-rig VERB [options]; ends with SIGTERM; prints \"ready\" when it serves\n"
    "  make FOLDER COUNT [--poison signature|file|record|missing] [--bytes N]\n"
    "  keys FILE                     makes CURVE keys, prints the public one\n"
    "  edge FOLDER --store E --alerts E --replay E [--keys F --allow F --server F]\n"
    "  store --store E --db CONNINFO --media DIR [--listen A] [--trust FILE] [--keys F --allow F]\n";

struct words {
    const char *store, *alerts, *replay, *keys, *allow, *server, *db, *media, *listen, *poison,
        *trust;
    size_t n_bytes;
};

static int fail(const struct cb_error *e)
{
    fprintf(stderr, "rig: %s: %s\n", e->where, e->text);
    return 1;
}

static void wait_for_end(void)
{
    sigset_t set;
    int number;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    puts("ready");
    fflush(stdout);
    sigwait(&set, &number);
}

static int run_edge(const char *folder, const struct words *w, const struct cb_bus_curve *curve)
{
    struct cb_bus_context *ctx = NULL;
    struct cb_bus *bus = NULL;
    struct cb_bus_source source;
    struct cb_error e = {0};
    struct cb_bus_opts opts = {
        .node = "edge-1",
        .store_endpoint = w->store,
        .alerts_endpoint = w->alerts,
        .replay_endpoint = w->replay,
        .curve = curve,
        .ack_timeout_ms = 2000,
        .retry_min_ms = 50,
        .retry_max_ms = 500,
        .heartbeat_ms = 200,
    };
    rig_folder_source(folder, &source);
    int r = cb_bus_context_create(&ctx, &e);
    if (r == 0 && (r = cb_bus_create(&bus, ctx, &source, &opts, &e)) == 0)
        wait_for_end();
    cb_bus_destroy(&bus);
    cb_bus_context_destroy(&ctx);
    return r < 0 ? fail(&e) : 0;
}

static void put(void *self, const struct cb_package *const *p, size_t n,
                struct cb_package_verdict *ret)
{
    cb_store_put(self, p, n, ret);
}

static int put_minutes(void *self, const char *json, size_t n, struct cb_error *reterr)
{
    return cb_store_put_minutes(self, json, n, reterr);
}

static int is_ready(void *self)
{
    return cb_store_is_ready(self);
}

static int serve(struct cb_bus_context *ctx, struct cb_store *store, const struct words *w,
                 const struct cb_bus_curve *curve, struct cb_error *e)
{
    struct cb_bus_receiver *receiver = NULL;
    struct cb_gateway *gateway = NULL;
    struct cb_bus_handler handler = {store, put, put_minutes, is_ready};
    struct cb_bus_receiver_opts opts = {w->store, curve};
    int r = cb_bus_receiver_create(&receiver, ctx, &handler, &opts, e);
    if (r == 0 && w->listen) {
        struct cb_metrics_source sources[] = {{store, cb_store_print_metrics},
                                              {receiver, cb_bus_receiver_print_metrics}};
        r = cb_gateway_create(
            &gateway, &(struct cb_gateway_opts){.listen = w->listen, .sources = sources, .n_sources = 2}, e);
        if (r == 0)
            printf("port %u\n", cb_gateway_port(gateway));
    }
    if (r == 0)
        wait_for_end();
    cb_gateway_destroy(&gateway);
    cb_bus_receiver_destroy(&receiver);
    return r;
}

static int run_store(const struct words *w, const struct cb_bus_curve *curve)
{
    struct cb_bus_context *ctx = NULL;
    struct cb_store *store = NULL;
    struct cb_error e = {0};
    char(*trusted)[CB_KEY_LEN] = NULL;
    size_t n_trusted = 0;
    int r = w->trust ? cb_store_load_trusted(w->trust, &trusted, &n_trusted, &e) : 0;
    struct cb_store_opts opts = {.conninfo = w->db,
                                 .media_dir = w->media,
                                 .trusted = (const char(*)[CB_KEY_LEN]) trusted,
                                 .n_trusted = n_trusted};
    if (r == 0 && (r = cb_store_create(&store, &opts, &e)) == 0 &&
        (r = cb_bus_context_create(&ctx, &e)) == 0)
        r = serve(ctx, store, w, curve, &e);
    cb_bus_context_destroy(&ctx);
    cb_store_destroy(&store);
    free(trusted);
    return r < 0 ? fail(&e) : 0;
}

static int make_keys(const char *file)
{
    char public[CB_BUS_KEY_LEN];
    struct cb_error e = {0};
    if (cb_bus_keys_write(file, public, &e) < 0)
        return fail(&e);
    puts(public);
    return 0;
}

static int run(int argc, char **argv, const struct words *w)
{
    const char *verb = argc > 0 ? argv[0] : "";
    struct cb_bus_curve curve = {0};
    struct cb_error e = {0};
    if (strcmp(verb, "make") == 0 && argc == 3)
        return rig_make(argv[1], atoi(argv[2]), w->poison, w->n_bytes);
    if (strcmp(verb, "keys") == 0 && argc == 2)
        return make_keys(argv[1]);
    if (w->keys && cb_bus_curve_load(&curve, w->keys, w->allow, w->server, &e) < 0)
        return fail(&e);
    int code = 2;
    if (strcmp(verb, "edge") == 0 && argc == 2)
        code = run_edge(argv[1], w, w->keys ? &curve : NULL);
    else if (strcmp(verb, "store") == 0 && argc == 1)
        code = run_store(w, w->keys ? &curve : NULL);
    else
        fputs(help, stderr);
    cb_bus_curve_deinit(&curve);
    return code;
}

static bool set_word(struct words *w, int o)
{
    const char **const to[] = {&w->store, &w->alerts, &w->replay, &w->keys,   &w->allow, &w->server,
                               &w->db,    &w->media,  &w->listen, &w->poison, &w->trust};
    if (o == 'b')
        w->n_bytes = (size_t) atol(optarg);
    else if (o >= 0 && o < (int) (sizeof to / sizeof to[0]))
        *to[o] = optarg;
    else
        return false;
    return true;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"store", required_argument, NULL, 0},  {"alerts", required_argument, NULL, 1},
        {"replay", required_argument, NULL, 2}, {"keys", required_argument, NULL, 3},
        {"allow", required_argument, NULL, 4},  {"server", required_argument, NULL, 5},
        {"db", required_argument, NULL, 6},     {"media", required_argument, NULL, 7},
        {"listen", required_argument, NULL, 8}, {"poison", required_argument, NULL, 9},
        {"trust", required_argument, NULL, 10}, {"bytes", required_argument, NULL, 'b'},
        {0},
    };
    struct words w = {.n_bytes = 1000};
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, NULL); /* before any thread: sigwait gets it */
    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;)
        if (!set_word(&w, o))
            return fputs(help, stderr), 2;
    if (sodium_init() < 0)
        return 1;
    return run(argc - optind, argv + optind, &w);
}
