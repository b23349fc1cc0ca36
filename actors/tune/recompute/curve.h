/* curve - an equity curve with its drawdown, and which of its points are worth showing.
 *
 * Made of one window of bars, or of two: in-sample and out-of-sample, which are back-tests of
 * their own. Each begins with the initial cash, and its drawdown with its own first peak.
 */
#ifndef ACTORS_TUNE_RECOMPUTE_CURVE_H
#define ACTORS_TUNE_RECOMPUTE_CURVE_H

#include "actors/tune/engine/bars.h"

typedef struct curve {
    size_t count;
    size_t split; /* the first point of the second window; count if there is none */
    struct curve_point {
        int64_t time_ms;
        double equity;
        double drawdown_pct; /* from the highest equity of the window so far; never positive */
    } points[];
} curve_t;

#define CURVE_POINTS_MIN 10

curve_t *curve_new(size_t capacity); /* NULL: no memory */
void curve_destroy(curve_t **self_p);

/* Appends a window, one equity a bar; there is room for it. */
void curve_add(curve_t *self, const bars_t *bars, const double *equity, double cash);

/* Writes the indices of at most `points` (CURVE_POINTS_MIN or more) points, in order: all, or
 * the first and last, both sides of the split, and of equal stretches between them the lowest
 * and highest equity and the deepest drawdown. Returns how many. out has room for `points`. */
size_t curve_choose(const curve_t *self, size_t points, size_t *out);

#endif
