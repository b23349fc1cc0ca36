/* constraints - conditions that a point of a space must keep to: ["fast < slow"].
 *
 * Each is an expression (expr.h) over the strategy's params and numbers alone. A point that
 * breaks one is neither run nor counted.
 */
#ifndef ENGINE_CONSTRAINTS_H
#define ENGINE_CONSTRAINTS_H

#include <jansson.h>

#include "actors/tune/engine/strategy.h"

#define CONSTRAINTS_MAX 20

typedef struct constraints constraints_t;

/* texts: a list; NULL or empty: *ret becomes NULL, which every point keeps to. Borrows the
 * strategy. TM_INVALID_CONSTRAINT with the reason in detail; TM_NO_MEMORY. */
TM_CHECKED tm_err_t constraints_new(const json_t *texts, const strategy_t *strategy,
                                    constraints_t **ret, char *detail, size_t detail_size);
void constraints_destroy(constraints_t **self_p);

bool constraints_hold(const constraints_t *self, const double *params);

#endif
