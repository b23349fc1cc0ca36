/* choice - which points of a space a grid or a random search tries, and in which order: none
 * twice.
 *
 * A grid is all of its points, in order, or the first of them. A random search draws; a draw
 * that comes to a point that was there is no trial, but counted. It ends with as many trials as
 * were asked for, or with the last point of a finite space. What is chosen is a function of
 * space, seed and number alone, and of two numbers the smaller one's trials are the first of
 * the larger one's.
 */
#ifndef ENGINE_CHOICE_H
#define ENGINE_CHOICE_H

#include "actors/tune/engine/search.h"

struct choice {
    uint64_t count;      /* trials */
    uint64_t *draws;     /* [count], owned; NULL: the first `count` points of a grid */
    uint64_t duplicates; /* draws that came to a point that was there */
};

/* wanted: 1 or more. TM_NO_MEMORY. Not for SEARCH_TPE. */
TM_CHECKED tm_err_t choice_init(struct choice *self, const space_t *space, uint64_t seed,
                                uint64_t wanted);
void choice_fini(struct choice *self);

/* Writes every param of the strategy; trial < count. */
void choice_params(const struct choice *self, const space_t *space, uint64_t seed,
                   uint64_t trial, double params[TUNE_PARAMS_MAX]);

#endif
