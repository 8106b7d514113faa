#include "ambient.h"

#include <math.h>

#include "base/mem.h"
#include "meter.h"

#define BIN_DB    0.1
#define N_SETTLED 20

static uint16_t bin_of(double laf_db)
{
    double i = (laf_db - CB_LEVEL_FLOOR_DB) / BIN_DB;
    return (uint16_t) fmax(0, fmin(i, CB_LEN(((struct cb_ambient *) 0)->count) - 1));
}

void cb_ambient_add(struct cb_ambient *b, double laf_db)
{
    if (b->n == CB_BACKGROUND_SPAN)
        b->count[b->ring[b->next]]--;
    else
        b->n++;
    b->ring[b->next] = bin_of(laf_db);
    b->count[b->ring[b->next]]++;
    b->next = (b->next + 1) % CB_BACKGROUND_SPAN;
}

double cb_ambient_db(const struct cb_ambient *b)
{
    if (b->n < N_SETTLED)
        return NAN;
    size_t below = 0, want = b->n / 10;
    for (size_t i = 0; i < CB_LEN(b->count); i++) {
        below += b->count[i];
        if (below > want)
            return CB_LEVEL_FLOOR_DB + ((double) i + 0.5) * BIN_DB;
    }
    return NAN;
}
