#include "actors/tune/engine/choice.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "actors/tune/engine/point_set.h"

enum { SAMPLE = 20000, SAMPLE_KEPT = 20 };

static uint64_t
count_kept(const struct ground *self, uint64_t size)
{
    double params[TUNE_PARAMS_MAX];
    uint64_t kept = 0;

    for (uint64_t i = 0; i < size; i++) {
        space_point(self->space, i, params);
        kept += constraints_hold(self->constraints, params);
    }
    return kept;
}

static uint64_t
count_sample(const struct ground *self)
{
    double params[TUNE_PARAMS_MAX], place[TUNE_PARAMS_MAX];
    uint64_t kept = 0;

    for (uint64_t i = 0; i < SAMPLE; i++) {
        for (size_t k = 0; k < space_dimensions(self->space); k++)
            place[k] = space_uniform(self->space, self->seed, i, k, 0);
        (void)space_at(self->space, place, params);
        kept += constraints_hold(self->constraints, params);
    }
    return kept;
}

tm_err_t
ground_init(struct ground *self, const space_t *space, const constraints_t *constraints,
            uint64_t seed, char *detail, size_t detail_size)
{
    const uint64_t size = space_size(space);
    const char *wrong = NULL;

    *self = (struct ground){space, constraints, seed, size};
    if (!constraints)
        return TM_OK;
    if (size <= CHOICE_COUNTED_MAX) {
        self->points = count_kept(self, size);
        wrong = self->points ? NULL : "no point of the space keeps to the constraints";
    } else if (space_type(space) == SEARCH_GRID) {
        snprintf(detail, detail_size,
                 "the grid has %" PRIu64 " points; with constraints at most %d can be gone "
                 "through",
                 size, CHOICE_COUNTED_MAX);
        return TM_GRID_TOO_LARGE;
    } else if (count_sample(self) < SAMPLE_KEPT) {
        wrong = "fewer than one in a thousand points keep to the constraints: narrow the space";
    }
    if (!wrong)
        return TM_OK;
    snprintf(detail, detail_size, "%s", wrong);
    return TM_INVALID_CONSTRAINT;
}

static void
draw_all(struct choice *self, const struct ground *ground, point_set_t *seen)
{
    double params[TUNE_PARAMS_MAX];
    uint64_t chosen = 0;

    for (uint64_t draw = 0; chosen < self->count; draw++) {
        const uint64_t key = space_params(ground->space, ground->seed, draw, params);

        if (!constraints_hold(ground->constraints, params))
            continue;
        if (point_set_add(seen, key))
            self->draws[chosen++] = draw;
        else
            self->duplicates++;
    }
}

/* Every point is drawn once: a set of them is not needed. */
static void
go_through(struct choice *self, const struct ground *ground)
{
    double params[TUNE_PARAMS_MAX];
    uint64_t chosen = 0;

    for (uint64_t index = 0; chosen < self->count; index++) {
        space_point(ground->space, index, params);
        if (constraints_hold(ground->constraints, params))
            self->draws[chosen++] = index;
    }
}

tm_err_t
choice_init(struct choice *self, const struct ground *ground, uint64_t wanted)
{
    const bool is_grid = space_type(ground->space) == SEARCH_GRID;

    *self = (struct choice){.count = wanted < ground->points ? wanted : ground->points};
    if (is_grid && !ground->constraints)
        return TM_OK;
    point_set_t *seen = is_grid ? NULL : point_set_new(self->count);
    self->draws = calloc(self->count, sizeof *self->draws);
    const bool is_ready = self->draws && (is_grid || seen);

    if (is_ready && is_grid)
        go_through(self, ground);
    else if (is_ready)
        draw_all(self, ground, seen);
    point_set_destroy(&seen);
    return is_ready ? TM_OK : TM_NO_MEMORY;
}

void
choice_fini(struct choice *self)
{
    free(self->draws);
    *self = (struct choice){0};
}

void
choice_params(const struct choice *self, const struct ground *ground, uint64_t trial,
              double params[TUNE_PARAMS_MAX])
{
    (void)space_params(ground->space, ground->seed, self->draws ? self->draws[trial] : trial,
                       params);
}
