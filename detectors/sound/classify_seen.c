#include "classify_seen.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "attribute.h"
#include "classify.h"

#define OTHERS_SEEN                                                                                \
    0.5 /* of what is no exhaust: the traffic's; saws and speakers are not looked for */
#define APPROVED_DB     80.0
#define HEAVY_DB        84.0
#define ONE_SIDE_95     1.645
#define CONFIDENCE_MOST 0.99 /* of what the sound alone was less sure of */
#define LEVEL_U_DB      1.8  /* standard, of a level at 7.5 m whose own is not known */

/* ln of how much likelier an exhaust became by who is seen: up to the odds of a vehicle among all
 * that is loud, down to those of a vehicle that the tracker does not follow. */
static double seen_ln(double seen_ln_odds)
{
    if (isnan(seen_ln_odds))
        return 0;
    double unseen = CB_UNSEEN_PRIOR, r = exp(fmin(50, seen_ln_odds));
    return log(((1 - unseen) * r + unseen) / (OTHERS_SEEN * r + 1 - OTHERS_SEEN));
}

static bool is_as_approved(enum cb_road_user named, const struct cb_noise *n)
{
    double limit_db = named == CB_TRUCK || named == CB_BUS ? HEAVY_DB : APPROVED_DB;
    double u_db = isnan(n->lafmax_7m5_u95_db) ? LEVEL_U_DB : n->lafmax_7m5_u95_db / 2;
    return n->track >= 0 && n->lafmax_7m5_db - ONE_SIDE_95 * u_db < limit_db;
}

/* What the sound alone said stays, behind what was said of it since. */
static void add_why(struct cb_noise *n, const char *why)
{
    char was[sizeof n->why_class];
    memcpy(was, n->why_class, sizeof was);
    if (snprintf(n->why_class, sizeof n->why_class, "%s; %s", why, was) < 0)
        n->why_class[0] = 0;
}

void cb_classify_seen(const struct cb_origin *o, enum cb_road_user named, struct cb_noise *n)
{
    char why[96];
    bool was_one = n->class_ == CB_NOISE_MODIFIED_EXHAUST;
    if (!was_one && n->class_ != CB_NOISE_OTHER)
        return;
    double before = was_one ? n->confidence : 1 - n->confidence;
    double p = 1 / (1 + exp(-log(before / (1 - before)) - seen_ln(o->seen_ln_odds)));
    p = fmin(p, fmax(before, CONFIDENCE_MOST));
    bool is_one = p > CB_CALL_FROM, is_quiet = is_one && is_as_approved(named, n);
    if (is_quiet)
        snprintf(why, sizeof why, "%.1f dB at 7.5 m, may be as approved", n->lafmax_7m5_db);
    else if (is_one != was_one)
        snprintf(why, sizeof why, "%s, %.2f was %.2f",
                 is_one ? "a vehicle fits" : "no vehicle fits", p, before);
    if (is_quiet || is_one != was_one)
        add_why(n, why);
    n->class_ = is_one && !is_quiet ? CB_NOISE_MODIFIED_EXHAUST : CB_NOISE_OTHER;
    n->confidence = is_one ? p : 1 - p;
}
