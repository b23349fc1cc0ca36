/* choice - which points of a space a grid or a random search tries, and in which order: none
 * twice.
 *
 * A grid is all of its points, in order, or the first of them. A random search draws; a draw
 * that comes to a point that was there is no trial, but counted. It ends with as many trials as
 * were asked for, or with the last point of a finite space. Points that break a constraint are
 * not there. What is chosen is a function of space, constraints, seed and number alone, and of
 * two numbers the smaller one's trials are the first of the larger one's.
 */
#ifndef ENGINE_CHOICE_H
#define ENGINE_CHOICE_H

#include "actors/tune/engine/constraints.h"
#include "actors/tune/engine/search.h"

#define CHOICE_COUNTED_MAX 4000000 /* points that are gone through to see which are kept */

/* A space and what narrows it; all borrowed. */
struct ground {
    const space_t *space;
    const constraints_t *constraints; /* NULL: none */
    uint64_t seed;
    uint64_t points; /* that keep to the constraints; UINT64_MAX: without end */
};

/* Counts the points: one by one in a finite space of CHOICE_COUNTED_MAX or fewer; else by a
 * sample, of which one in a thousand must be kept, or no search would come to an end.
 * TM_INVALID_CONSTRAINT: too few are, or none; TM_GRID_TOO_LARGE: a grid with constraints has
 * more. */
TM_CHECKED tm_err_t ground_init(struct ground *self, const space_t *space,
                                const constraints_t *constraints, uint64_t seed, char *detail,
                                size_t detail_size);

struct choice {
    uint64_t count;      /* trials */
    uint64_t *draws;     /* [count], owned; NULL: the first `count` points of a grid */
    uint64_t duplicates; /* draws that came to a point that was there */
};

/* wanted: 1 or more. TM_NO_MEMORY. Not for SEARCH_TPE. */
TM_CHECKED tm_err_t choice_init(struct choice *self, const struct ground *ground,
                                uint64_t wanted);
void choice_fini(struct choice *self);

/* Writes every param of the strategy; trial < count. */
void choice_params(const struct choice *self, const struct ground *ground, uint64_t trial,
                   double params[TUNE_PARAMS_MAX]);

#endif
