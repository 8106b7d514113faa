#ifndef SIM_CHECK_H
#define SIM_CHECK_H

/* What the tests of this room share. cmocka wants these four first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>

#include "scene.h"

/** Both values are shown; also catches NaN. */
#define CHECK_NEAR(got, want, tolerance)                                                           \
    do {                                                                                           \
        double got_ = (got), want_ = (want), tol_ = (tolerance);                                   \
        if (!(fabs(got_ - want_) <= tol_))                                                         \
            fail_msg("%s = %.9g, want %.9g +- %g", #got, got_, want_, tol_);                       \
    } while (0)

static inline struct sim_scene *parse_scene(const char *text)
{
    struct sim_scene *s = NULL;
    struct cb_error e = {"", ""};
    if (sim_scene_parse(&s, text, "test", &e) < 0)
        fail_msg("%s: %s", e.where, e.text);
    return s;
}

#endif
