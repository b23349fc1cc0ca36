/* search - which trials a tune consists of.
 *
 * A space is what may vary: for some params of a strategy, a list of values or a range. Trial i
 * is a pure function of (space, search type, seed, i), so any number of workers makes the same
 * trials.
 *
 * JSON: {"period": [10, 20, 30], "k": {"min": 1.0, "max": 3.0, "step": 0.5, "type": "float"}}.
 * A list is discrete. A range is 5 points on a grid and continuous (whole numbers for an int)
 * at random; "step" makes it min, min+step, ... in both. NULL derives a range for each param
 * from the strategy (its "search", else min to max), where the param's own step is the grain.
 * Params that are not named keep their default.
 *
 * Grid: every combination, in order, the last param of the strategy fastest. Random: a
 * counter-based generator (splitmix64's finaliser) over (seed, trial, param).
 */
#ifndef ENGINE_SEARCH_H
#define ENGINE_SEARCH_H

#include <stdint.h>

#include "actors/tune/engine/strategy.h"

#define TUNE_PARAMS_MAX     STRATEGY_PARAMS_MAX
#define SEARCH_VALUES_MAX   1000    /* in one list */
#define SEARCH_POINTS_MAX   1000000 /* of one range with a step */
#define SEARCH_RANGE_POINTS 5       /* of a grid's range without a step */

enum search_type { SEARCH_GRID, SEARCH_RANDOM, SEARCH_TPE };

typedef struct space space_t;

/* "grid", "random", "tpe"; else TM_INVALID_SEARCH_TYPE. */
TM_CHECKED tm_err_t search_type_parse(const char *name, enum search_type *ret);

/* space may be NULL (derive). TM_INVALID_PARAM_SPACE or TM_NO_TUNABLE_PARAMS with the reason in
 * detail; TM_INVALID_SEARCH_TYPE for SEARCH_TPE, which needs the scores of earlier trials and
 * is not a function of the index. */
TM_CHECKED tm_err_t space_parse(const json_t *space, const strategy_t *strategy,
                                enum search_type type, space_t **ret, char *detail,
                                size_t detail_size);
void space_destroy(space_t **self_p);

/* Grid: the number of combinations. Random: UINT64_MAX, there is always another. */
uint64_t space_size(const space_t *self);

/* Trials of a tune that asks for n: n, or the grid's size if that is smaller. */
uint64_t space_trials(const space_t *self, uint64_t n);

/* Writes every param of the strategy. index < space_size(). */
void space_params(const space_t *self, uint64_t seed, uint64_t index,
                  double params[TUNE_PARAMS_MAX]);

#endif
