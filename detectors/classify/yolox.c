#include "yolox.h"

#include <math.h>

#define SCORE_MIN   0.30 /* objectness × class */
#define OVERLAP_MIN 0.30 /* of the detection with the followed box: area of both by area of either */
#define LONE_SCORE  0.70 /* one look alone is believed from here on */
#define SHARE_MIN   0.66

static const int strides[] = {8, 16, 32};

/* COCO's classes that use roads. */
static const struct {
    int column;
    enum cb_road_user user;
} known[] = {{0, CB_PEDESTRIAN}, {1, CB_BICYCLE}, {2, CB_CAR},
             {3, CB_MOTORCYCLE}, {5, CB_BUS},     {7, CB_TRUCK}};

#define N_KNOWN (sizeof known / sizeof known[0])

size_t cb_yolox_rows(int side)
{
    size_t n = 0;
    for (int k = 0; k < 3; k++)
        n += (size_t) (side / strides[k]) * (size_t) (side / strides[k]);
    return n;
}

static double overlap(const struct cb_box *a, double x, double y, double w, double h)
{
    double ix = fmin(a->x + (double) a->w, x + w) - fmax(a->x, x);
    double iy = fmin(a->y + (double) a->h, y + h) - fmax(a->y, y);
    if (!(ix > 0 && iy > 0))
        return 0;
    return ix * iy / ((double) a->w * a->h + w * h - ix * iy);
}

/* The best score of each class in one row, where the row lies on the box. */
static void add_row(const float *r, int cx, int cy, int stride, const struct cb_box *box,
                    double best[N_KNOWN])
{
    if (!((double) r[4] >= SCORE_MIN))
        return;
    double w = exp((double) r[2]) * stride, h = exp((double) r[3]) * stride;
    double x = ((double) r[0] + cx) * stride - w / 2, y = ((double) r[1] + cy) * stride - h / 2;
    double share = overlap(box, x, y, w, h);
    if (!(share >= OVERLAP_MIN))
        return;
    for (size_t k = 0; k < N_KNOWN; k++) {
        double score = (double) r[4] * (double) r[5 + known[k].column];
        if (score >= SCORE_MIN)
            best[k] = fmax(best[k], score);
    }
}

struct cb_vote cb_yolox_vote(const float *rows, int side, const struct cb_box *box)
{
    double best[N_KNOWN] = {0};
    for (int k = 0; k < 3; k++)
        for (int cy = 0; cy < side / strides[k]; cy++)
            for (int cx = 0; cx < side / strides[k]; cx++, rows += CB_YOLOX_COLUMNS)
                add_row(rows, cx, cy, strides[k], box, best);
    /* who rides is a person too: the person alone counts only where nothing is ridden */
    if (best[1] > 0 || best[3] > 0)
        best[0] = 0;
    struct cb_vote v = {CB_UNKNOWN, 0};
    for (size_t k = 0; k < N_KNOWN; k++)
        if (best[k] > v.score)
            v = (struct cb_vote){known[k].user, best[k]};
    return v;
}

enum cb_road_user cb_votes_agree(const struct cb_vote *v, size_t n)
{
    double sum[CB_ROAD_USER_COUNT] = {0}, all = 0;
    int count[CB_ROAD_USER_COUNT] = {0};
    enum cb_road_user best = CB_UNKNOWN;
    for (size_t i = 0; i < n; i++) {
        if (v[i].user == CB_UNKNOWN)
            continue;
        sum[v[i].user] += v[i].score;
        count[v[i].user]++;
        all += v[i].score;
        if (sum[v[i].user] > sum[best])
            best = v[i].user;
    }
    bool is_sure = count[best] >= 2 || sum[best] >= LONE_SCORE;
    return is_sure && sum[best] >= SHARE_MIN * all ? best : CB_UNKNOWN;
}
