#ifndef BASE_JSON_STRING_H
#define BASE_JSON_STRING_H

#include <stdio.h>

/**
 * Prints text as a JSON string, quotes included. Bytes that are no UTF-8 (a text from the network, or
 * one cut at its end) become U+FFFD.
 */
void cb_json_put_string(FILE *out, const char *text);

#endif
