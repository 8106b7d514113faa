#include "glow.h"

#include <math.h>
#include <stddef.h>

#define ASPHALT_LEVEL 60.0 /* luma of asphalt at night */
#define ASPHALT       (ASPHALT_LEVEL + 20)
#define HARD_LEVELS   35   /* a body's lower edge rises by this within HARD_PX */
#define HARD_PX       5
#define DARK_LEVELS   10   /* darker than the empty road: no light */
#define BRIGHT_LEVELS 60   /* of a headlight's pool at its brightest */
#define FALL_PX       3
#define FALL_SHARE    0.35 /* of its brightness is lost within FALL_PX at the body */

/*
 * Brightening against the empty road, mean of three columns: of asphalt in levels, of paint and
 * kerbs, which give more light back, as much less.
 */
static double lift(const struct cb_foreground *fg, int x, int y)
{
    double sum = 0;
    if (y < 0 || y >= fg->h)
        return 0;
    for (int i = -1; i <= 1; i++) {
        int xi = x + i < 0 ? 0 : x + i >= fg->w ? fg->w - 1 : x + i;
        size_t k = (size_t) y * (size_t) fg->w + (size_t) xi;
        double was = fg->bg[k] / 256.0;
        sum += (fg->img[k] - was) * ASPHALT / (was + ASPHALT - ASPHALT_LEVEL);
    }
    return sum / 3;
}

enum cb_glow cb_glow_in_column(const struct cb_foreground *fg, int x, int y_low, int y_top,
                               int *ret_y)
{
    *ret_y = y_low;
    double start = lift(fg, x, y_low - HARD_PX + 2), peak = 0;
    if (start - lift(fg, x, y_low + 2) > HARD_LEVELS || start < 0 || lift(fg, x, y_low) < 0)
        return CB_GLOW_NONE;
    for (int y = y_low; y > y_top + FALL_PX; y--) {
        double d = lift(fg, x, y), next = lift(fg, x, y - FALL_PX);
        peak = fmax(peak, d);
        bool is_fall = d - next > FALL_SHARE * peak && peak > BRIGHT_LEVELS;
        if (!is_fall && next > -DARK_LEVELS)
            continue;
        *ret_y = y - FALL_PX + 1;
        return peak > BRIGHT_LEVELS ? CB_GLOW_BODY : CB_GLOW_NONE;
    }
    return peak > BRIGHT_LEVELS ? CB_GLOW_ALONE : CB_GLOW_FAINT;
}
