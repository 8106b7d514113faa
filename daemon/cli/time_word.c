#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cli.h"

int cb_cli_parse_time(const char *text, int64_t *ret_utc_ns)
{
    char full[64];
    snprintf(full, sizeof full, strlen(text) == 10 ? "%sT00:00:00Z" : "%s", text);
    return cb_utc_parse(full, ret_utc_ns);
}
