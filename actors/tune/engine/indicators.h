/* indicators - columns from columns: one value per bar, NaN where undefined.
 *
 * To the last digit: a tie between price and band decides a trade, so the sums are the
 * compensated ones that pandas uses (rolling mean: Kahan; rolling variance: Welford with
 * compensation), remove first, then add, and a window of equal values gives exactly that value,
 * and a deviation of exactly 0.
 *
 * All take in[0..count) and write out[0..count). Leading NaNs of `in` are skipped: the window
 * begins after them. length >= 1. Each returns the index of the first value, or count if there
 * is none.
 */
#ifndef ENGINE_INDICATORS_H
#define ENGINE_INDICATORS_H

#include <stddef.h>

/* I(name, "what it is"): each is indicator_NAME(in, count, length, out). */
#define INDICATORS(I)                                                        \
    I(sma, "mean of the last n")                                             \
    I(stdev, "sample deviation (n-1) of the last n")                         \
    I(ema, "exponential mean, 2/(n+1), begun with the mean of the first n")  \
    I(rsi, "Wilder's relative strength index; 100 when there are no losses") \
    I(highest, "highest of the n before this one")                           \
    I(lowest, "lowest of the n before this one")

#define I(name, text) \
    size_t indicator_##name(const double *in, size_t count, size_t length, double *out);
INDICATORS(I)
#undef I

/* Wilder's average of the true range; the first value at index length. */
size_t indicator_atr(const double *high, const double *low, const double *close, size_t count,
                     size_t length, double *out);

/* Index of the first value that is not NaN; count if there is none. */
size_t indicator_first(const double *in, size_t count);

#endif
