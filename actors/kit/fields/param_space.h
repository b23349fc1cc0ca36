/* param_space - what a tune may try of one param: a list of values, or a range.
 *
 * The bridge checks it when it is asked for, the engine when it is run. */
#ifndef ACTORS_KIT_FIELDS_PARAM_SPACE_H
#define ACTORS_KIT_FIELDS_PARAM_SPACE_H

#include "actors/kit/fields/fields.h"

#define PARAM_SPACE_VALUES_MAX 1000 /* of a list */

/* entry: [values], or {min, max, step, type}; value: what each of its numbers may be. False:
 * why says what is wrong. */
bool param_space_entry(const field_t *value, json_t *entry, char why[FIELD_WHY]);

#endif
