#ifndef DAEMON_CLI_CALIBRATE_H
#define DAEMON_CLI_CALIBRATE_H

#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"
#include "detectors/calibration.h"
#include "schema/camera.h"
#include "yaml_tree.h"

struct cb_frame;
struct cb_picture;

/** `citybrain calibrate --sound …`. @return an enum cb_exit */
int cb_cli_calibrate_sound(int argc, char **argv);

/** What the calibration makes of one point or length. */
struct cb_residual {
    struct cb_vec2 at_px, fit_px; /* a length: its second end, and where its length would put it */
    double off_px, off_cm;        /* of a length: as it is in the picture, minus as it was given */
};

/** ret: n_points + n_distances of them. */
void cb_calibrate_residuals(const struct cb_road *r, const struct cb_calibration_conf *c,
                            struct cb_residual *ret);

struct cb_extent {
    double x_min_m, x_max_m, y_min_m, y_max_m;
};
/** Where the points and lengths lie on the road, and the zone along it when there is one. */
struct cb_extent cb_calibrate_extent(const struct cb_road *r, const struct cb_camera_conf *conf);

/** The optical axis below the level, degrees. */
double cb_calibrate_tilt_deg(const struct cb_pose *pose);
/** The calibration as it stands in city.yaml, after a report in comments: all of it is YAML. */
void cb_calibrate_print(const struct cb_road *r, const struct cb_camera_conf *conf, bool has_frame,
                        FILE *out);

/**
 * Reads painted marks and replaces ret's points and lengths by the lengths they stand for; ret
 * keeps its lens and certificate. @return 0; < 0: reterr names file, line and key
 */
int cb_calibrate_read_marks(struct cb_calibration_conf *ret, const char *file,
                            struct cb_error *reterr);

/** Reads a file's one mapping, each of its keys by on_key. @return 0; < 0: reterr says where */
int cb_calibrate_read_keys(const char *file, const char *const *keys, cb_yaml_key_fn *on_key,
                           void *self, struct cb_error *reterr);

/**
 * Reads reference drives, drives: [{measured_kmh, true_kmh, u_kmh}, ...], and sets ret's
 * reference: three or more passages of a vehicle whose speed is known, as this calibration
 * measured them without a reference. @return 0; < 0: reterr names file and drive
 */
int cb_calibrate_read_drives(struct cb_calibration_conf *ret, const char *file,
                             struct cb_error *reterr);

#define CB_CALIBRATE_LINES_MAX 40

/** Straight lines as the picture shows them. */
struct cb_calibrate_lines {
    struct cb_line_px line[CB_CALIBRATE_LINES_MAX]; /* their points are the object's */
    size_t n;
};
/** Reads lines: [{px: [[x, y], ...]}, ...]. @return 0; < 0: reterr names file, line and key */
int cb_calibrate_read_lines(struct cb_calibrate_lines *ret, const char *file,
                            struct cb_error *reterr);
void cb_calibrate_lines_deinit(struct cb_calibrate_lines *t);

/** The grid, residuals, zone and horizon over the picture, to a PNG. p NULL: over nothing. */
int cb_calibrate_draw(const struct cb_road *r, const struct cb_camera_conf *conf,
                      const struct cb_picture *p, const char *file, struct cb_error *reterr);

/**
 * The first good picture of a still, a clip or a camera: a decoder's first may lack what came
 * before it. @return 0, *ret yours; < 0: reterr says why
 */
int cb_frame_of(struct cb_frame **ret, const struct cb_camera_conf *conf, const char *url,
                struct cb_error *reterr);

#endif
