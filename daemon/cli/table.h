#ifndef DAEMON_CLI_TABLE_H
#define DAEMON_CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Text for people: cells by their width on a terminal, where Chinese takes two columns. */

/** Columns that the UTF-8 text takes; controls and broken bytes count as one. */
int cb_table_width(const char *text);
/** Padded with spaces; longer text is cut and ends in "…". No control reaches the terminal. */
void cb_table_cell(FILE *out, const char *text, int width, bool is_right);
/** One CSV field (RFC 4180); NULL: an empty one. */
void cb_table_csv(FILE *out, const char *text);
/** One JSON string; NULL: null. */
void cb_table_json(FILE *out, const char *text);

#endif
