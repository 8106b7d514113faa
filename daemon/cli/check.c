#include <getopt.h>
#include <stdio.h>

#include "config.h"
#include "cli.h"

static const char help[] =
    "usage: citybrain check --config FILE\n"
    "\n"
    "Checks a configuration: keys, types, ranges, ids, zones, calibrations. Says the first thing\n"
    "that is wrong with its file, line and key, and what was expected.\n"
    "\n"
    "  --config FILE   the configuration (city.yaml)\n"
    "  --keys          lists every key with its range, unit and meaning\n"
    "\n"
    "Exit codes: 0 in order; 2 wrong.\n"
    "\n"
    "Example:\n"
    "  citybrain check --config seeds/city.yaml\n";

static int print_keys(void)
{
    static const struct {
        const char *title;
        const struct cb_opt *table;
    } parts[] = {
        {"cameras[]", cb_camera_opts},
        {"cameras[].speed_limit_kmh (a number, or)", cb_limit_opts},
        {"cameras[].speed_limit_kmh.lanes[]", cb_limit_lane_opts},
        {"cameras[].speed_limit_kmh.classes", cb_limit_class_opts},
        {"cameras[].speed_limit_kmh.schedule[] (and days: [mon, tue, …])", cb_limit_period_opts},
        {"cameras[] (the time of day)", cb_clock_opts},
        {"cameras[].location", cb_location_opts},
        {"cameras[].calibration (and points: [{px, m}] or distances: [{px, m, along, u_m}])",
         cb_calibration_opts},
        {"cameras[].calibration.distortion", cb_distortion_opts},
        {"cameras[].calibration.reference", cb_reference_opts},
        {"cameras[].zone", cb_zone_opts},
        {"cameras[].microphone (and array_m: [[X, Y, Z], …], limit_dba)", cb_microphone_opts},
        {"cameras[].microphone.limit_dba (a number, or; also noise_limits[].limit_dba)",
         cb_noise_limit_opts},
        {"cameras[].microphone.limit_dba.schedule[] (and days: [mon, tue, …])",
         cb_noise_period_opts},
        {"weather (of all cameras, or cameras[].weather)", cb_weather_opts},
        {"chase", cb_chase_opts},
        {"classifier (of all cameras, or cameras[].classifier)", cb_classifier_opts},
        {"severity[]", cb_severity_opts},
        {"node", cb_node_opts},
        {"bus", cb_bus_opts},
        {"store", cb_store_opts},
        {"gateway", cb_gateway_opts},
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        printf("%s%s:\n", i ? "\n" : "", parts[i].title);
        cb_opt_print_help(parts[i].table, stdout);
    }
    return CB_EXIT_OK;
}

int cb_cli_check(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"keys", no_argument, NULL, 'k'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    const char *file = NULL;
    for (int o; (o = getopt_long(argc, argv, "c:h", options, NULL)) != -1;) {
        if (o == 'c')
            file = optarg;
        else if (o == 'k')
            return print_keys();
        else
            return fputs(help, o == 'h' ? stdout : stderr), o == 'h' ? CB_EXIT_OK : CB_EXIT_USAGE;
    }
    if (!file || optind < argc) {
        fputs(help, stderr);
        return CB_EXIT_USAGE;
    }
    struct cb_config *c = NULL;
    struct cb_error e = {0};
    int r = cb_config_load(&c, file, &e);
    if (r < 0) {
        fprintf(stderr, "%s: %s\n", e.where, e.text);
        return CB_EXIT_USAGE;
    }
    printf("%s: in order, %zu camera%s\n", file, c->n_cameras, c->n_cameras == 1 ? "" : "s");
    cb_config_destroy(&c);
    return CB_EXIT_OK;
}
