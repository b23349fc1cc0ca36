/* search - which trials a tune consists of.
 *
 * A space is what may vary: for some params of a strategy, a list of values or a range. Trial i
 * of a grid or a random search is a pure function of (space, search type, seed, i), so any
 * number of workers makes the same trials. Those of "tpe" follow from the scores of the trials
 * before: see tpe.h.
 *
 * JSON: {"period": [10, 20, 30], "k": {"min": 1.0, "max": 3.0, "step": 0.5, "type": "float"}}.
 * What each comes to is said in param_axis.h. NULL derives a range for each param from the
 * strategy (its "search", else min to max), where the param's own step is the grain. Params
 * that are not named keep their default.
 *
 * Grid: every combination, in order, the last param of the strategy fastest. Random: a
 * counter-based generator (splitmix64's finaliser) over (seed, draw, param); a draw that comes
 * to a point that was there already is no trial (choice.h).
 *
 * A place in a space has a number in [0, 1) for each dimension. A point's key tells it from
 * every other: by counting in a finite space, else by a hash of 63 bits. It is never
 * UINT64_MAX.
 */
#ifndef ENGINE_SEARCH_H
#define ENGINE_SEARCH_H

#include <stdint.h>

#include "actors/tune/engine/strategy.h"

#define TUNE_PARAMS_MAX STRATEGY_PARAMS_MAX

enum search_type { SEARCH_GRID, SEARCH_RANDOM, SEARCH_TPE };

typedef struct space space_t;

/* "grid", "random", "tpe"; else TM_INVALID_SEARCH_TYPE. */
TM_CHECKED tm_err_t search_type_parse(const char *name, enum search_type *ret);

/* space may be NULL (derive). TM_INVALID_PARAM_SPACE, TM_GRID_TOO_LARGE (beyond counting) or
 * TM_NO_TUNABLE_PARAMS with the reason in detail. */
TM_CHECKED tm_err_t space_parse(const json_t *space, const strategy_t *strategy,
                                enum search_type type, space_t **ret, char *detail,
                                size_t detail_size);
void space_destroy(space_t **self_p);

enum search_type space_type(const space_t *self);
/* How many points there are; UINT64_MAX: there is always another. */
uint64_t space_size(const space_t *self);

/* Writes every param of the strategy, of a grid's point or of a random search's draw, and
 * returns the point's key. Grid: index < space_size(). Not for SEARCH_TPE. */
uint64_t space_params(const space_t *self, uint64_t seed, uint64_t index,
                      double params[TUNE_PARAMS_MAX]);

/* Any finite space's point as a grid counts them: index < space_size(). */
void space_point(const space_t *self, uint64_t index, double params[TUNE_PARAMS_MAX]);

size_t space_dimensions(const space_t *self);
uint64_t space_points(const space_t *self, size_t dimension); /* 0: continuous */
/* Writes every param of the strategy, for a place of space_dimensions() numbers; the point's
 * key. */
uint64_t space_at(const space_t *self, const double *place, double params[TUNE_PARAMS_MAX]);
/* In [0, 1), from the position alone. Lane 0 is what a random search draws. */
double space_uniform(const space_t *self, uint64_t seed, uint64_t index, size_t dimension,
                     uint64_t lane);

#endif
