#include "blobs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static int root_of(int *parent, int i)
{
    while (parent[i] != i) {
        parent[i] = parent[parent[i]];
        i = parent[i];
    }
    return i;
}

static int add_run(struct cb_blobs *b, const uint8_t *row, int y, int x0, int x1)
{
    if (cb_grow((void **) &b->run, &b->cap_runs, b->n_runs + 1, sizeof *b->run) < 0 ||
        cb_grow((void **) &b->parent, &b->cap_parent, b->n_runs + 1, sizeof *b->parent) < 0)
        return -ENOMEM;
    int n_strong = 0;
    for (int x = x0; x < x1; x++)
        n_strong += row[x] > 1;
    b->parent[b->n_runs] = (int) b->n_runs;
    b->run[b->n_runs++] = (struct cb_run){.y = y, .x0 = x0, .x1 = x1, .n_strong = n_strong};
    return 0;
}

/* Joins the runs of row [cur, n_runs) with those of the row above, [above, cur), that touch, with
 * a corner of 1 also diagonally. */
static void link_rows(struct cb_blobs *b, size_t above, size_t cur, int corner)
{
    size_t i = above;
    for (size_t j = cur; j < b->n_runs; j++) {
        while (i < cur && b->run[i].x1 + corner <= b->run[j].x0)
            i++;
        for (size_t k = i; k < cur && b->run[k].x0 < b->run[j].x1 + corner; k++) {
            int p = root_of(b->parent, (int) k), q = root_of(b->parent, (int) j);
            b->parent[p > q ? p : q] = p < q ? p : q;
        }
    }
}

static int find_runs(struct cb_blobs *b, const uint8_t *mask, int w, int h, int corner)
{
    size_t above = 0;
    for (int y = 0; y < h; y++) {
        const uint8_t *row = mask + (size_t) y * (size_t) w;
        size_t cur = b->n_runs;
        for (int x = 0; x < w;) {
            if (!row[x]) {
                const uint8_t *next = memchr(row + x, 1, (size_t) (w - x));
                const uint8_t *strong = memchr(row + x, 2, next ? (size_t) (next - row - x)
                                                                : (size_t) (w - x));
                next = strong ? strong : next;
                if (!next)
                    break;
                x = (int) (next - row);
            }
            int x0 = x;
            while (x < w && row[x])
                x++;
            if (add_run(b, row, y, x0, x) < 0)
                return -ENOMEM;
        }
        if (above < cur && b->run[above].y == y - 1)
            link_rows(b, above, cur, corner);
        above = cur;
    }
    return 0;
}

static void grow_blob(struct cb_blob *o, const struct cb_blob *by)
{
    o->x0 = o->x0 < by->x0 ? o->x0 : by->x0;
    o->y0 = o->y0 < by->y0 ? o->y0 : by->y0;
    o->x1 = o->x1 > by->x1 ? o->x1 : by->x1;
    o->y1 = o->y1 > by->y1 ? o->y1 : by->y1;
    o->area += by->area;
    o->n_strong += by->n_strong;
}

static int collect(struct cb_blobs *b)
{
    for (size_t i = 0; i < b->n_runs; i++) {
        struct cb_run *r = &b->run[i];
        struct cb_blob one = {r->x0, r->y, r->x1, r->y + 1, r->x1 - r->x0, r->n_strong};
        int root = root_of(b->parent, (int) i);
        if (root != (int) i) { /* roots come first: the lowest run of each patch is its root */
            r->blob = b->run[root].blob;
            grow_blob(&b->blob[r->blob], &one);
            continue;
        }
        if (cb_grow((void **) &b->blob, &b->cap, b->n + 1, sizeof *b->blob) < 0)
            return -ENOMEM;
        r->blob = (int) b->n;
        b->blob[b->n++] = one;
    }
    return 0;
}

int cb_blobs_find(struct cb_blobs *b, const uint8_t *mask, int w, int h, bool has_corners)
{
    b->n_runs = 0;
    b->n = 0;
    int r = find_runs(b, mask, w, h, has_corners);
    return r < 0 ? r : collect(b);
}

void cb_blobs_join(struct cb_blobs *b, int into, int from)
{
    grow_blob(&b->blob[into], &b->blob[from]);
    b->blob[from].area = 0;
    for (size_t i = 0; i < b->n_runs; i++)
        if (b->run[i].blob == from)
            b->run[i].blob = into;
}

void cb_blobs_lower_edge(const struct cb_blobs *b, int blob, int *ret_y)
{
    const struct cb_blob *o = &b->blob[blob];
    memset(ret_y, 0, (size_t) (o->x1 - o->x0) * sizeof *ret_y);
    for (size_t i = 0; i < b->n_runs; i++) {
        const struct cb_run *r = &b->run[i];
        if (r->blob != blob)
            continue;
        for (int x = r->x0; x < r->x1; x++)
            ret_y[x - o->x0] = r->y + 1; /* runs come by row: the last one is the lowest */
    }
}

void cb_blobs_deinit(struct cb_blobs *b)
{
    free(b->run);
    free(b->blob);
    free(b->parent);
    *b = (struct cb_blobs){0};
}
