/* tune_field - the rows of tune_request.def.
 *
 * What reads a tune's fields, the documentation of the HTTP interface, the page of a new tune
 * and the command line take limits and defaults from here. */
#ifndef ACTORS_KIT_CONTRACTS_TUNE_FIELD_H
#define ACTORS_KIT_CONTRACTS_TUNE_FIELD_H

#include <jansson.h>

#include "actors/kit/fields/fields.h"
#include "actors/kit/runtime/settings.h"

/* Which form takes a row: flags of it */
enum { TUNE_FORM = FIELD_OWN, BACKTEST_FORM = FIELD_OWN << 1 };

extern const struct fields tune_fields;
extern const struct fields tune_objective_params_fields; /* members of objective_params */
extern const struct fields tune_gates_fields;            /* members of gates */

/* A row as it holds here: n_trials has its largest value and its default from settings
 * (tune.max_trials, tune.default_trials). NULL: the table's own. */
struct tune_limited {
    field_t row; /* its default may stand below: not to be copied */
    char standard[24];
};
void tune_field_limited(const field_t *row, const settings_t *settings,
                        struct tune_limited *ret);

/* For pages: {"n_trials": {"min": 1, "max": 1000000, "default": 50}, ...} of the rows that have
 * bounds or a default, of the members of objective_params, and of the gates
 * ("gates.min_trades"). The caller's. */
json_t *tune_fields_limits(const settings_t *settings);

#endif
