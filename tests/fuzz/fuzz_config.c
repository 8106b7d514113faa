/* city.yaml: read, or refused with the place and what was expected. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cb_config *c = NULL;
    struct cb_error e = {0};
    int r = cb_config_parse(&c, "fuzz.yaml", "/srv", (const char *) data, size, &e);
    if (r < 0 && (c || strncmp(e.where, "fuzz.yaml", 9) || !e.text[0])) {
        fprintf(stderr, "refused (%d) without place or words: '%s' '%s'\n", r, e.where, e.text);
        abort();
    }
    if (r == 0 && (!c || !c->n_cameras || !cb_config_camera(c, c->camera[0].id))) {
        fprintf(stderr, "accepted without a camera\n");
        abort();
    }
    cb_config_destroy(&c);
    return 0;
}
