#include "actors/tune/engine/search.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/fields/param_axis.h"
#include "actors/kit/fields/param_space.h"

struct dimension {
    size_t param;
    struct param_axis axis;
};

struct space {
    struct dimension dimensions[STRATEGY_PARAMS_MAX];
    size_t count;
    double defaults[STRATEGY_PARAMS_MAX];
    enum search_type type;
    uint64_t size; /* UINT64_MAX: without end */
};

struct reader {
    const strategy_t *strategy;
    space_t *space;
    char *detail;
    size_t detail_size;
};

__attribute__((format(printf, 2, 3))) static tm_err_t
fail(const struct reader *reader, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    if (reader->detail && reader->detail_size)
        vsnprintf(reader->detail, reader->detail_size, format, args);
    va_end(args);
    return TM_INVALID_PARAM_SPACE;
}

tm_err_t
search_type_parse(const char *name, enum search_type *ret)
{
    static const struct {
        const char *name;
        enum search_type type;
    } types[] = {{"grid", SEARCH_GRID}, {"random", SEARCH_RANDOM}, {"tpe", SEARCH_TPE}};

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(name, types[i].name) == 0) {
            *ret = types[i].type;
            return TM_OK;
        }
    }
    return TM_INVALID_SEARCH_TYPE;
}

static tm_err_t
add_dimension(const struct reader *reader, size_t index, json_t *json)
{
    const struct strategy_param *param = strategy_param(reader->strategy, index);
    struct dimension *dimension = &reader->space->dimensions[reader->space->count];
    const field_t value = {
        .kind = param->is_int ? FIELD_INT : FIELD_NUMBER, .min = param->min, .max = param->max};
    char why[FIELD_WHY];

    dimension->param = index;
    if (!param_space_entry(&value, json, why))
        return fail(reader, "%s: %.180s", param->name, why);
    const tm_err_t err = param_axis_of_entry(
        json, param->is_int, reader->space->type == SEARCH_GRID, &dimension->axis, why);
    if (err)
        return err == TM_NO_MEMORY ? err : fail(reader, "%s: %.180s", param->name, why);
    reader->space->count++;
    return TM_OK;
}

static tm_err_t
derive(const struct reader *reader)
{
    space_t *space = reader->space;
    char why[FIELD_WHY];

    for (size_t i = 0; i < strategy_param_count(reader->strategy); i++) {
        const struct strategy_param *param = strategy_param(reader->strategy, i);
        const struct param_range range = {.min = param->search_min,
                                          .max = param->search_max,
                                          .grain = param->step > 0 ? param->step
                                                   : param->is_int ? 1
                                                                   : 0,
                                          .is_grid = space->type == SEARCH_GRID};
        const tm_err_t err = param_axis_of_range(&range, &space->dimensions[i].axis, why);

        if (err)
            return err == TM_NO_MEMORY ? err : fail(reader, "%s: %.180s", param->name, why);
        space->dimensions[i].param = i;
        space->count++;
    }
    return TM_OK;
}

/* Dimensions stand in the order of the strategy's params, whatever the order in the JSON. */
static tm_err_t
read_space(const struct reader *reader, const json_t *json)
{
    char why[STRATEGY_DETAIL_BYTES];
    const char *name;

    if (!json_is_object(json))
        return fail(reader, "must be an object, a member per param");
    if (json_object_size(json) == 0)
        return fail(reader, "is empty; name a param, or leave param_space out");
    void *iterator = json_object_iter((json_t *)(uintptr_t)json);
    for (; iterator; iterator = json_object_iter_next((json_t *)(uintptr_t)json, iterator)) {
        name = json_object_iter_key(iterator);
        if (strategy_param_index(reader->strategy, name) >= 0)
            continue;
        strategy_unknown_param(reader->strategy, name, why, sizeof why);
        return fail(reader, "%s", why);
    }
    for (size_t i = 0; i < strategy_param_count(reader->strategy); i++) {
        json_t *value = json_object_get(json, strategy_param(reader->strategy, i)->name);
        const tm_err_t err = value ? add_dimension(reader, i, value) : TM_OK;

        if (err)
            return err;
    }
    return TM_OK;
}

/* A grid must be counted; of another search, what has no end, or more points than can be
 * counted, is without end. */
static tm_err_t
measure(const struct reader *reader)
{
    space_t *space = reader->space;

    space->size = 1;
    for (size_t i = 0; i < space->count; i++) {
        const uint64_t points = space->dimensions[i].axis.points;

        if (points && !__builtin_mul_overflow(space->size, points, &space->size))
            continue;
        space->size = UINT64_MAX;
        if (space->type == SEARCH_GRID) {
            (void)fail(reader, "the grid has more than 2^64 points");
            return TM_GRID_TOO_LARGE;
        }
        return TM_OK;
    }
    return TM_OK;
}

tm_err_t
space_parse(const json_t *space, const strategy_t *strategy, enum search_type type,
            space_t **ret, char *detail, size_t detail_size)
{
    struct reader reader = {strategy, NULL, detail, detail_size};

    if (strategy_param_count(strategy) == 0) {
        (void)fail(&reader, "the strategy %s has no params", strategy_name(strategy));
        return TM_NO_TUNABLE_PARAMS;
    }
    reader.space = calloc(1, sizeof *reader.space);
    if (!reader.space)
        return TM_NO_MEMORY;
    reader.space->type = type;
    strategy_defaults(strategy, reader.space->defaults);
    tm_err_t err = space && !json_is_null(space) ? read_space(&reader, space) : derive(&reader);
    if (!err)
        err = measure(&reader);
    if (err)
        space_destroy(&reader.space);
    else
        *ret = reader.space;
    return err;
}

void
space_destroy(space_t **self_p)
{
    space_t *self = *self_p;

    if (!self)
        return;
    for (size_t i = 0; i < self->count; i++)
        param_axis_fini(&self->dimensions[i].axis);
    free(self);
    *self_p = NULL;
}

enum search_type
space_type(const space_t *self)
{
    return self->type;
}

uint64_t
space_size(const space_t *self)
{
    return self->size;
}

/* The finaliser of splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t
mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* In [0, 1), from the position alone. */
static double
uniform(uint64_t seed, uint64_t index, uint64_t param)
{
    const uint64_t golden = UINT64_C(0x9e3779b97f4a7c15);
    const uint64_t bits =
        mix(mix(mix(seed + golden) + golden * (index + 1)) + golden * (param + 1));

    return (double)(bits >> 11) * 0x1p-53;
}

/* What a number in [0, 1) comes to. In a finite space *key counts the points through, the last
 * dimension fastest; else it is a hash that tells numbers apart by their bits. */
static double
draw(const space_t *self, const struct dimension *dimension, double u, uint64_t *key)
{
    const struct param_axis *axis = &dimension->axis;

    if (axis->points == 0) {
        const double value = fmin(axis->min + u * (axis->max - axis->min), axis->max);
        uint64_t bits;

        memcpy(&bits, &value, sizeof bits);
        *key = mix(*key ^ bits);
        return value;
    }
    uint64_t index = (uint64_t)(u * (double)axis->points);

    index = index < axis->points ? index : axis->points - 1;
    *key = self->size < UINT64_MAX ? *key * axis->points + index : mix(*key ^ (index + 1));
    return param_axis_at(axis, index);
}

/* Of the last place that was drawn; never UINT64_MAX. */
static uint64_t
key_of(const space_t *self, uint64_t key)
{
    return self->size < UINT64_MAX ? key : key >> 1;
}

void
space_point(const space_t *self, uint64_t index, double params[TUNE_PARAMS_MAX])
{
    uint64_t rest = index;

    memcpy(params, self->defaults, sizeof self->defaults);
    for (size_t i = self->count; i-- > 0;) {
        const struct dimension *dimension = &self->dimensions[i];

        params[dimension->param] =
            param_axis_at(&dimension->axis, rest % dimension->axis.points);
        rest /= dimension->axis.points;
    }
}

uint64_t
space_params(const space_t *self, uint64_t seed, uint64_t index, double params[TUNE_PARAMS_MAX])
{
    uint64_t key = 0;

    if (self->type == SEARCH_GRID) {
        space_point(self, index, params);
        return index;
    }
    memcpy(params, self->defaults, sizeof self->defaults);
    for (size_t i = 0; i < self->count; i++) {
        const struct dimension *dimension = &self->dimensions[i];

        params[dimension->param] =
            draw(self, dimension, uniform(seed, index, dimension->param), &key);
    }
    return key_of(self, key);
}

size_t
space_dimensions(const space_t *self)
{
    return self->count;
}

uint64_t
space_points(const space_t *self, size_t dimension)
{
    return self->dimensions[dimension].axis.points;
}

uint64_t
space_at(const space_t *self, const double *place, double params[TUNE_PARAMS_MAX])
{
    uint64_t key = 0;

    memcpy(params, self->defaults, sizeof self->defaults);
    for (size_t i = 0; i < self->count; i++)
        params[self->dimensions[i].param] = draw(self, &self->dimensions[i], place[i], &key);
    return key_of(self, key);
}

double
space_uniform(const space_t *self, uint64_t seed, uint64_t index, size_t dimension,
              uint64_t lane)
{
    return uniform(seed, index, self->dimensions[dimension].param + lane * STRATEGY_PARAMS_MAX);
}
