#include "actors/tune/engine/choice.h"

#include <stdlib.h>

#include "actors/tune/engine/point_set.h"

static void
draw_all(struct choice *self, const space_t *space, uint64_t seed, point_set_t *seen)
{
    double params[TUNE_PARAMS_MAX];
    uint64_t chosen = 0;

    for (uint64_t draw = 0; chosen < self->count; draw++) {
        if (point_set_add(seen, space_params(space, seed, draw, params)))
            self->draws[chosen++] = draw;
        else
            self->duplicates++;
    }
}

tm_err_t
choice_init(struct choice *self, const space_t *space, uint64_t seed, uint64_t wanted)
{
    const uint64_t size = space_size(space);

    *self = (struct choice){.count = wanted < size ? wanted : size};
    if (space_type(space) == SEARCH_GRID)
        return TM_OK;
    point_set_t *seen = point_set_new(self->count);
    self->draws = calloc(self->count, sizeof *self->draws);
    if (self->draws && seen)
        draw_all(self, space, seed, seen);
    const tm_err_t err = self->draws && seen ? TM_OK : TM_NO_MEMORY;

    point_set_destroy(&seen);
    return err;
}

void
choice_fini(struct choice *self)
{
    free(self->draws);
    *self = (struct choice){0};
}

void
choice_params(const struct choice *self, const space_t *space, uint64_t seed, uint64_t trial,
              double params[TUNE_PARAMS_MAX])
{
    (void)space_params(space, seed, self->draws ? self->draws[trial] : trial, params);
}
