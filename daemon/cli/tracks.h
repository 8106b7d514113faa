#ifndef DAEMON_CLI_TRACKS_H
#define DAEMON_CLI_TRACKS_H

struct cb_pipeline;

/**
 * Feeds tracks, one JSON object a line, {"track": 7, "samples": [[t_s, x_px, y_px], …]}. A wrong
 * line is named and skipped. file "-": standard input. @return an enum cb_exit
 */
int cb_cli_feed_tracks(const char *file, struct cb_pipeline *p);

#endif
