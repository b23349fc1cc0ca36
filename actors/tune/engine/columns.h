/* columns - a strategy's indicator columns and signals over one window, computed once per set
 * of the params that they depend on.
 *
 * Columns are kept, the least recently used are forgotten past the budget. Signals are bit
 * sets, one per rule, kept until their params change. Owns both; borrows bars and strategy.
 */
#ifndef ENGINE_COLUMNS_H
#define ENGINE_COLUMNS_H

#include "actors/tune/engine/bars.h"
#include "actors/tune/engine/strategy_inner.h"

typedef struct columns columns_t;

columns_t *columns_new(const bars_t *bars, const strategy_t *strategy, size_t budget_bytes);
void columns_destroy(columns_t **self_p);

/* Makes all that the params need. TM_NO_MEMORY, or TM_INVALID_PARAM_SPACE when a length is not
 * a whole number from 1 to EXPR_LENGTH_MAX. */
TM_CHECKED tm_err_t columns_bind(columns_t *self, const double *params);

/* Valid after a bind, until the next. */
const uint64_t *columns_signal(const columns_t *self, enum rule rule); /* NULL: no such rule */
size_t columns_warmup(const columns_t *self); /* largest first index over the indicators; a
                                                 column that is never defined counts as 0 */
/* A column has no value in any bar. */
bool columns_is_short(const columns_t *self);

#endif
