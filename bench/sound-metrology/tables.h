#ifndef BENCH_SOUND_METROLOGY_TABLES_H
#define BENCH_SOUND_METROLOGY_TABLES_H

#include <math.h>

/* The standards' tables for class 1, once, for the benchmark and the unit tests. Limits are
 * distances: the error may be from −under to +over. */

/** IEC 61672-1:2013, table 3: goals and limits at 1000·10^((i − 20) / 10) Hz; Z's goal is 0. */
static const struct {
    double nominal_hz, a_db, c_db, over_db, under_db;
} table3[] = {
    {10, -70.4, -14.3, 3.0, HUGE_VAL}, {12.5, -63.4, -11.2, 2.5, HUGE_VAL},
    {16, -56.7, -8.5, 2.0, 4.0},       {20, -50.5, -6.2, 2.0, 2.0},
    {25, -44.7, -4.4, 2.0, 1.5},       {31.5, -39.4, -3.0, 1.5, 1.5},
    {40, -34.6, -2.0, 1.0, 1.0},       {50, -30.2, -1.3, 1.0, 1.0},
    {63, -26.2, -0.8, 1.0, 1.0},       {80, -22.5, -0.5, 1.0, 1.0},
    {100, -19.1, -0.3, 1.0, 1.0},      {125, -16.1, -0.2, 1.0, 1.0},
    {160, -13.4, -0.1, 1.0, 1.0},      {200, -10.9, 0.0, 1.0, 1.0},
    {250, -8.6, 0.0, 1.0, 1.0},        {315, -6.6, 0.0, 1.0, 1.0},
    {400, -4.8, 0.0, 1.0, 1.0},        {500, -3.2, 0.0, 1.0, 1.0},
    {630, -1.9, 0.0, 1.0, 1.0},        {800, -0.8, 0.0, 1.0, 1.0},
    {1000, 0.0, 0.0, 0.7, 0.7},        {1250, 0.6, 0.0, 1.0, 1.0},
    {1600, 1.0, -0.1, 1.0, 1.0},       {2000, 1.2, -0.2, 1.0, 1.0},
    {2500, 1.3, -0.3, 1.0, 1.0},       {3150, 1.2, -0.5, 1.0, 1.0},
    {4000, 1.0, -0.8, 1.0, 1.0},       {5000, 0.5, -1.3, 1.5, 1.5},
    {6300, -0.1, -2.0, 1.5, 2.0},      {8000, -1.1, -3.0, 1.5, 2.5},
    {10000, -2.5, -4.4, 2.0, 3.0},     {12500, -4.3, -6.2, 2.0, 5.0},
    {16000, -6.6, -8.5, 2.5, 16.0},    {20000, -9.3, -11.2, 3.0, HUGE_VAL},
};

static inline double table3_hz(size_t i)
{
    return 1000 * pow(10, 0.1 * ((double) i - 20));
}

/** IEC 61672-1:2013, table 4: one burst of 4 kHz against the steady tone; NaN: not asked for. */
static const struct {
    double ms, fast_db, lae_db, over_db, under_db, slow_db, slow_over_db, slow_under_db;
} table4[] = {
    {1000, 0.0, 0.0, 0.5, 0.5, -2.0, 0.5, 0.5},    {500, -0.1, -3.0, 0.5, 0.5, -4.1, 0.5, 0.5},
    {200, -1.0, -7.0, 0.5, 0.5, -7.4, 0.5, 0.5},   {100, -2.6, -10.0, 1.0, 1.0, -10.2, 1.0, 1.0},
    {50, -4.8, -13.0, 1.0, 1.0, -13.1, 1.0, 1.0},  {20, -8.3, -17.0, 1.0, 1.0, -17.0, 1.0, 1.5},
    {10, -11.1, -20.0, 1.0, 1.0, -20.0, 1.0, 2.0}, {5, -14.1, -23.0, 1.0, 1.0, -23.0, 1.0, 2.5},
    {2, -18.0, -27.0, 1.0, 1.5, -27.0, 1.0, 3.0},  {1, -21.0, -30.0, 1.0, 2.0, NAN, 0, 0},
    {0.5, -24.0, -33.0, 1.0, 2.5, NAN, 0, 0},      {0.25, -27.0, -36.0, 1.0, 3.0, NAN, 0, 0},
};

/** IEC 61672-1:2002, annex C (type 1 of IEC 60651): one burst of 2 kHz, LAImax less steady. */
static const struct {
    double ms, want_db, limit_db;
} impulse_bursts[] = {{20, -3.6, 1.5}, {5, -8.8, 2.0}, {2, -12.6, 2.0}};

/** IEC 61672-1:2013, table 5: LCpeak less the steady LC of the same sine. */
static const struct {
    double f_hz, cycles, want_db, limit_db;
    int sign;
} table5[] = {
    {31.5, 1, 2.5, 2.0, 1},  {500, 1, 3.5, 1.0, 1},    {8000, 1, 3.4, 2.0, 1},
    {500, 0.5, 2.4, 1.0, 1}, {500, 0.5, 2.4, 1.0, -1},
};

/** Decay after the tone stops, dB/s: Fast and Slow of IEC 61672-1:2013, 5.8; Impulse of 2002. */
static const struct {
    const char *name;
    double want, over, under;
} decays[] = {{"Fast", 34.7, 3.8, 3.7}, {"Slow", 4.3, 0.8, 0.7}, {"Impulse", 2.9, 0.5, 0.5}};

/** IEC 61672-1:2013, 5.6: deviation from the level put in, and over 1 dB to 10 dB of change. */
#define LINEARITY_DB      0.8
#define LINEARITY_STEP_DB 0.3
/** 5.7 and 5.5: Slow against Fast, and C or Z against A, on a steady 1 kHz tone. */
#define SLOW_FAST_DB 0.1
#define WEIGHTING_DB 0.2

/**
 * IEC 61260-1:2014, table 1, at the frequencies of octave bands as powers of 10^0.3; those of
 * one-third octaves follow from formula (10). Relative attenuation, dB.
 */
static const struct {
    double octaves, nudge, least_db, most_db;
} band_limits[] = {
    {0, 0, -0.4, 0.4},
    {1 / 8.0, 0, -0.4, 0.5},
    {1 / 4.0, 0, -0.4, 0.7},
    {3 / 8.0, 0, -0.4, 1.4},
    {1 / 2.0, -1e-6, -0.4, 5.3}, /* just inside the band's edge */
    {1 / 2.0, 1e-6, 1.2, HUGE_VAL},
    {1, 0, 16.6, HUGE_VAL},
    {2, 0, 40.5, HUGE_VAL},
    {3, 0, 60, HUGE_VAL},
    {4, 0, 70, HUGE_VAL},
};
#define BANDWIDTH_DB       0.4
#define SUMMATION_OVER_DB  0.8
#define SUMMATION_UNDER_DB 1.8

/** Normalised frequency of a one-third octave's limit, over (side 1) or under (−1) the centre. */
static inline double band_limit_omega(size_t i, int side)
{
    const double g = pow(10, 0.3);
    double octave = pow(g, band_limits[i].octaves + band_limits[i].nudge);
    double high = 1 + (pow(g, 1 / 6.0) - 1) / (sqrt(g) - 1) * (octave - 1);
    return side > 0 ? high : 1 / high;
}

#endif
