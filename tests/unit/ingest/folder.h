#ifndef UNIT_INGEST_FOLDER_H
#define UNIT_INGEST_FOLDER_H

#include <stdio.h>
#include <stdlib.h>

/* A folder of the test's own for its clips: made before the group, removed after it. */
static char folder[] = "/tmp/cb-ingest-XXXXXX";

static inline int make_folder(void **state)
{
    (void) state;
    return mkdtemp(folder) ? 0 : -1;
}

static inline int remove_folder(void **state)
{
    char line[300];
    (void) state;
    snprintf(line, sizeof line, "rm -rf %s", folder);
    return system(line);
}

#endif
