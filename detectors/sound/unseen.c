#include "unseen.h"

#include <math.h>

#include "base/clock.h"
#include "base/mem.h"

#define ACROSS_M   40.0 /* the room such a source has: lanes and pavements, the road's length, */
#define ALONG_M    140.0
#define SPEED_MPS  70.0 /* and speeds either way */
#define N_STARTS   6
#define HALVINGS   5
#define ROUNDS_MAX 12
#define STANDS     0.3 /* of the unseen: tools, parked engines */

/* Of the three numbers of a straight way: where the search begins, and what it is done in. */
static const double x_start[] = {-12, -5, -1.5, 1.5, 5, 12};
static const double y_start[] = {-35, -18, -8, -2, 2, 8, 18, 35};
static const double v_start[] = {-22, -12, -6, 6, 12, 22};
static const double step0[3] = {2.0, 4.0, 4.0}, probe[3] = {0.4, 0.8, 0.8};
static const double room[3] = {ACROSS_M, ALONG_M, SPEED_MPS};
static const double blur_rad[] = {0.25, 0.08, 0};

struct start {
    double p[3], cost;
};

struct search {
    struct cb_hearing h;
    int64_t t_ns;
    int n; /* numbers free: 3, or 2 of what stands */
};

bool cb_straight_at(const void *self, int64_t t_ns, double *ret_x_m, double *ret_y_m)
{
    const struct cb_straight *s = self;
    *ret_x_m = s->x_m;
    *ret_y_m = s->y_m + s->v_mps * cb_s_from_ns(t_ns - s->t_ns);
    return true;
}

static double cost_of(const struct search *s, const double p[3])
{
    struct cb_agreement a;
    struct cb_straight way = {.t_ns = s->t_ns,
                              .x_m = s->h.microphone_m[0] + p[0],
                              .y_m = s->h.microphone_m[1] + p[1],
                              .v_mps = s->n == 3 ? p[2] : 0};
    struct cb_place place[CB_HEARD_MAX];
    for (int k = 0; k < s->n; k++)
        if (!(fabs(p[k]) <= room[k] / 2))
            return HUGE_VAL;
    for (size_t i = 0; i < s->h.n; i++) {
        place[i].u_x_m = place[i].u_y_m = 0;
        cb_way_emitted(&s->h, &(struct cb_way){cb_straight_at, &way}, s->h.heard[i].t_ns,
                       &place[i].x_m, &place[i].y_m);
    }
    return cb_weigh(&s->h, place, &a);
}

/* Downhill along each axis in turn, in ever smaller steps. */
static void descend(const struct search *s, struct start *at)
{
    double step[3] = {step0[0], step0[1], step0[2]};
    at->cost = cost_of(s, at->p);
    for (int halving = 0, round = 0; halving < HALVINGS && round < ROUNDS_MAX; round++) {
        bool has_moved = false;
        for (int k = 0; k < s->n; k++) {
            for (int sign = -1; sign <= 1; sign += 2) {
                struct start next = *at;
                next.p[k] += sign * step[k];
                next.cost = cost_of(s, next.p);
                if (next.cost < at->cost - 1e-9) {
                    *at = next;
                    has_moved = true;
                    break;
                }
            }
        }
        if (has_moved)
            continue;
        for (int k = 0; k < 3; k++)
            step[k] /= 2;
        halving++;
    }
}

static double second_difference(const struct search *s, const struct start *at, int i, int j)
{
    double p[3] = {at->p[0], at->p[1], at->p[2]}, sum = 0;
    if (i == j) {
        for (int sign = -1; sign <= 1; sign += 2) {
            p[i] = at->p[i] + sign * probe[i];
            sum += fmin(cost_of(s, p), at->cost + 50);
        }
        return (sum - 2 * at->cost) / (probe[i] * probe[i]);
    }
    for (int a = -1; a <= 1; a += 2) {
        for (int b = -1; b <= 1; b += 2) {
            p[i] = at->p[i] + a * probe[i];
            p[j] = at->p[j] + b * probe[j];
            sum += a * b * fmin(cost_of(s, p), at->cost + 50);
        }
    }
    return sum / (4 * probe[i] * probe[j]);
}

/* The share of the room in which a way does about as well as the best: no more than all of it. */
static double log_share(const struct search *s, const struct start *at)
{
    double m[3][3] = {{0}}, det = 1, full = 0;
    for (int i = 0; i < s->n; i++) {
        for (int j = 0; j < i; j++)
            m[i][j] = m[j][i] = second_difference(s, at, i, j);
        /* a number that the sound does not tell is free in all its room */
        m[i][i] = fmax(0, second_difference(s, at, i, i)) + 2 * M_PI / (room[i] * room[i]);
        full += log(sqrt(2 * M_PI) / room[i]) - 0.5 * log(m[i][i]);
    }
    for (int i = 0; i < s->n; i++) { /* Gauss */
        det *= m[i][i];
        if (!(m[i][i] > 0))
            return fmin(0, full);
        for (int r = i + 1; r < s->n; r++)
            for (int c = s->n - 1; c >= i; c--)
                m[r][c] -= m[r][i] / m[i][i] * m[i][c];
    }
    double share = -0.5 * log(det);
    for (int i = 0; i < s->n; i++)
        share += log(sqrt(2 * M_PI) / room[i]);
    return fmin(0, fmax(full, share));
}

static void keep_best(struct start best[N_STARTS], const struct start *s)
{
    for (int i = 0; i < N_STARTS; i++) {
        if (!(s->cost < best[i].cost))
            continue;
        for (int k = N_STARTS - 1; k > i; k--)
            best[k] = best[k - 1];
        best[i] = *s;
        return;
    }
}

static void rough_search(const struct search *s, struct start best[N_STARTS])
{
    size_t n_v = s->n == 3 ? CB_LEN(v_start) : 1;
    for (int i = 0; i < N_STARTS; i++)
        best[i] = (struct start){.cost = HUGE_VAL};
    for (size_t i = 0; i < CB_LEN(x_start); i++)
        for (size_t j = 0; j < CB_LEN(y_start); j++)
            for (size_t k = 0; k < n_v; k++) {
                struct start at = {.p = {x_start[i], y_start[j], s->n == 3 ? v_start[k] : 0}};
                at.cost = cost_of(s, at.p);
                keep_best(best, &at);
            }
}

static bool is_known(const struct start *found, size_t n, const struct start *s)
{
    for (size_t i = 0; i < n; i++) {
        double d = 0;
        for (int k = 0; k < 3; k++)
            d += pow((found[i].p[k] - s->p[k]) / step0[k], 2);
        if (d < 1)
            return true;
    }
    return false;
}

/* All ways of one kind: from each start downhill, blurred at first; each place found once. */
static double evidence_of(struct search *s, const struct cb_straight *hint, size_t n_hints)
{
    struct start best[N_STARTS], found[N_STARTS + CB_UNSEEN_HINTS_MAX];
    size_t n_found = 0;
    double sum = -HUGE_VAL;
    s->h.blur_rad = blur_rad[0];
    rough_search(s, best);
    for (size_t i = 0; i < N_STARTS + n_hints; i++) {
        struct start at = {.cost = 0};
        if (i < N_STARTS) {
            at = best[i];
        } else {
            const struct cb_straight *w = &hint[i - N_STARTS];
            at.p[0] = w->x_m - s->h.microphone_m[0];
            at.p[1] = w->y_m + w->v_mps * cb_s_from_ns(s->t_ns - w->t_ns) - s->h.microphone_m[1];
            at.p[2] = s->n == 3 ? w->v_mps : 0;
        }
        for (size_t b = i < N_STARTS ? 0 : CB_LEN(blur_rad) - 1; b < CB_LEN(blur_rad); b++) {
            s->h.blur_rad = blur_rad[b];
            descend(s, &at);
        }
        if (isinf(at.cost) || is_known(found, n_found, &at))
            continue;
        found[n_found++] = at;
        sum = cb_log_add(sum, log_share(s, &at) - at.cost);
    }
    return sum;
}

double cb_unseen_evidence(const struct cb_hearing *h, const struct cb_straight *hint,
                          size_t n_hints)
{
    struct search s = {.h = *h, .n = 3};
    if (!h->n)
        return 0;
    n_hints = n_hints < CB_UNSEEN_HINTS_MAX ? n_hints : CB_UNSEEN_HINTS_MAX;
    s.t_ns = h->heard[0].t_ns + (h->heard[h->n - 1].t_ns - h->heard[0].t_ns) / 2;
    double moves = evidence_of(&s, hint, n_hints);
    s.n = 2;
    double stands = evidence_of(&s, hint, n_hints);
    return cb_log_add(log(1 - STANDS) + moves, log(STANDS) + stands);
}
