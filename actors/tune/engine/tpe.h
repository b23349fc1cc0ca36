/* tpe - where the next trials of a tune are: a tree-structured Parzen estimator (Bergstra,
 * Bardenet, Bengio, Kegl: "Algorithms for Hyper-Parameter Optimization", NIPS 2011).
 *
 * The first TPE_STARTUP trials are those of a random search. Then, generation by generation,
 * what is known is parted into the best tenth (at most TPE_GOOD) and the rest; for each param a
 * density l is laid over the good values and another, g, over the others; values are drawn from
 * l, and of TPE_CANDIDATES the one with the largest l/g is taken. A generation has
 * TPE_GENERATION trials or a tenth of those before it, whichever is more. A trial that was
 * there already is drawn again, after some times at random, until it is another; in a finite
 * space the last trial is its last point.
 *
 * Of 4 to 24 candidates, and generations of 1 to 8, 4 and 4 found the best Sharpe ratios with
 * four strategies on the S&P 500, 24 seeds each: more candidates are too sure of what they
 * know.
 *
 * All is sums, products and quotients of doubles, kernels are triangles: the same seed and the
 * same scores give the same trials on every machine.
 */
#ifndef ENGINE_TPE_H
#define ENGINE_TPE_H

#include "actors/tune/engine/choice.h"

#define TPE_STARTUP    20
#define TPE_GENERATION 4
#define TPE_GOOD       25
#define TPE_CANDIDATES 4

typedef struct tpe tpe_t;

/* Borrows what the ground does. NULL: no memory; 32 bytes a trial and 8 for each of its params.
 */
tpe_t *tpe_new(const struct ground *ground, uint64_t wanted);
void tpe_destroy(tpe_t **self_p);

uint64_t tpe_trials(const tpe_t *self);     /* as many as are wanted, or as the space has */
uint64_t tpe_duplicates(const tpe_t *self); /* draws so far that were there already */

/* Trials that are laid out so far. When the last of them is told, the next generation is. */
uint64_t tpe_ready(const tpe_t *self);
uint64_t tpe_told(const tpe_t *self);

/* Writes every param of the strategy. index < tpe_ready(). */
void tpe_params(const tpe_t *self, uint64_t index, double params[TUNE_PARAMS_MAX]);

/* What trial tpe_told() came to; it is below tpe_ready(). Every valid one is better than every
 * other, then the larger score is; NaN is the least. */
void tpe_tell(tpe_t *self, bool is_valid, double score);

#endif
