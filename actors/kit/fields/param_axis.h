/* param_axis - the values that a search gives one param: what an entry of a param_space, or a
 * strategy's own range, comes to.
 *
 * A list is its values. A range with a step is min, min + step, ... up to max, in exact
 * decimals. A range without one is AXIS_SPREAD points in a grid, and elsewhere every number in
 * it, or every whole number, or every number of the param's own grain.
 *
 * The bridge counts a grid by it when a tune is asked for, the engine takes its points from it.
 */
#ifndef ACTORS_KIT_FIELDS_PARAM_AXIS_H
#define ACTORS_KIT_FIELDS_PARAM_AXIS_H

#include "actors/kit/fields/decimal_steps.h"
#include "actors/kit/fields/field.h"

#define AXIS_SPREAD     5       /* points of a grid's range without a step */
#define AXIS_POINTS_MAX 1000000 /* of one range with a step */

struct param_axis {
    uint64_t points; /* 0: any number from min to max */
    double *values;  /* owned; of a list or a spread; NULL: of the steps */
    double min, max;
    struct decimal_steps steps;
};

/* What is asked of a range. */
struct param_range {
    double min, max;
    double step;  /* the user's; 0: none */
    double grain; /* the finest difference that makes sense; 0: none */
    bool is_grid;
};

/* TM_INVALID_PARAM_SPACE: why goes on from the param's name; TM_NO_MEMORY. On error there is
 * nothing to give back. */
TM_CHECKED tm_err_t param_axis_of_range(const struct param_range *range, struct param_axis *ret,
                                        char why[FIELD_WHY]);
/* An entry that param_space_entry has found right. */
TM_CHECKED tm_err_t param_axis_of_entry(const json_t *entry, bool is_int, bool is_grid,
                                        struct param_axis *ret, char why[FIELD_WHY]);
void param_axis_fini(struct param_axis *self);

double param_axis_at(const struct param_axis *self, uint64_t index); /* index < points */

#endif
