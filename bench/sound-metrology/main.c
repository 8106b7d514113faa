/*
 * The sound-level meter against IEC 61672-1 and IEC 61260-1 at 48 kHz, as tables; and what other
 * rates serve for. Ends with 1 when anything is outside class 1.
 */
#include <math.h>

#include "metrology.h"

#define RATE_HZ 48000

int main(void)
{
    const struct {
        const char *name;
        double margin;
    } all[] = {
        {"A weighting", metrology_weighting(stdout, CB_WEIGHTING_A, RATE_HZ)},
        {"C weighting", metrology_weighting(stdout, CB_WEIGHTING_C, RATE_HZ)},
        {"Z weighting", metrology_weighting(stdout, CB_WEIGHTING_Z, RATE_HZ)},
        {"bursts, A", metrology_bursts(stdout, CB_WEIGHTING_A, RATE_HZ)},
        {"bursts, C", metrology_bursts(stdout, CB_WEIGHTING_C, RATE_HZ)},
        {"bursts, Impulse", metrology_impulse(stdout, RATE_HZ)},
        {"peak C", metrology_peak(stdout, RATE_HZ)},
        {"decay", metrology_decay(stdout, RATE_HZ)},
        {"linearity, 31.5 Hz", metrology_linearity(stdout, 31.5, RATE_HZ)},
        {"linearity, 1 kHz", metrology_linearity(stdout, 1000, RATE_HZ)},
        {"linearity, 8 kHz", metrology_linearity(stdout, 8000, RATE_HZ)},
        {"steady tone", metrology_steady(stdout, RATE_HZ)},
        {"one-third octaves", metrology_bands(stdout, RATE_HZ)},
        {"summation", metrology_summation(stdout, RATE_HZ)},
        {"other rates", metrology_rates(stdout)},
    };
    int code = 0;
    printf("\nSmallest margin to class 1, dB (decay: dB/s)\n");
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        printf("%20s %8.3f%s\n", all[i].name, all[i].margin, all[i].margin >= 0 ? "" : "  OUTSIDE");
        code |= !(all[i].margin >= 0);
    }
    printf("\n%s\n", code ? "NOT class 1" : "all within class 1 at 48 kHz");
    return code;
}
