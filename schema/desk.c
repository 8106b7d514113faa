#include "schema/desk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const cb_role_names[CB_ROLE_COUNT] = {"command", "analyst", "field", "technician",
                                                  "admin"};

void cb_desk_user_deinit(struct cb_desk_user *u)
{
    free(u->districts);
    free(u->districts_json);
    u->districts = u->districts_json = NULL;
}

bool cb_desk_user_sees(const struct cb_desk_user *u, const char *district)
{
    char framed[CB_NAME_LEN + 3];
    if (!u->districts)
        return true;
    if (!district || !district[0] ||
        snprintf(framed, sizeof framed, "\x1f%s\x1f", district) >= (int) sizeof framed)
        return false;
    return strstr(u->districts, framed) != NULL;
}
