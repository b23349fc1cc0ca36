/* tune_space - is a param_space one that the strategy's params allow? Private to
 * tune_request.c. */
#ifndef ACTORS_KIT_CONTRACTS_TUNE_SPACE_H
#define ACTORS_KIT_CONTRACTS_TUNE_SPACE_H

#include <jansson.h>

#include "actors/kit/contracts/tune_error.h"

/* space: {name: [values] or {min, max, step, type}}; params: of the strategy's spec, may be
 * NULL (only the form is checked then). TM_INVALID_PARAM_SPACE. */
TM_CHECKED tm_err_t tune_space_check(json_t *space, json_t *params,
                                     struct tune_request_error *ret_error);

#endif
