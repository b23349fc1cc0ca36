/* tune_grid - how many points the grid of a request has, and whether so many may be tried. */
#ifndef ACTORS_KIT_CONTRACTS_TUNE_GRID_H
#define ACTORS_KIT_CONTRACTS_TUNE_GRID_H

#include <jansson.h>
#include <stdint.h>

#include "actors/kit/contracts/tune_error.h"

/* space: NULL: the strategy's own ranges; params: of the strategy's spec. *ret_points: of the
 * grid (UINT64_MAX: more can not be counted), or with is_grid false of the space (UINT64_MAX:
 * without end); 0: the spec is not one that can be counted, and the engine will say why.
 * TM_INVALID_PARAM_SPACE; TM_NO_MEMORY. */
TM_CHECKED tm_err_t tune_grid_count(json_t *space, json_t *params, bool is_grid,
                                    uint64_t *ret_points, struct tune_request_error *ret_error);

/* asked: n_trials, 0: all of them; most: what the server allows. TM_GRID_TOO_LARGE with the
 * count in the sentence. */
TM_CHECKED tm_err_t tune_grid_check(uint64_t points, uint64_t asked, uint64_t most,
                                    struct tune_request_error *ret_error);

#endif
