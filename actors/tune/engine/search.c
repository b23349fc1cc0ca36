#include "actors/tune/engine/search.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/fields/param_space.h"

struct dimension {
    size_t param;
    uint64_t points; /* 0: continuous */
    double *values;  /* of a list; NULL for a range */
    double min, max;
    double step; /* between points; 0 for a continuous range */
    bool is_int;
};

struct space {
    struct dimension dimensions[STRATEGY_PARAMS_MAX];
    size_t count;
    double defaults[STRATEGY_PARAMS_MAX];
    enum search_type type;
    uint64_t size;
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
read_list(const struct reader *reader, const struct strategy_param *param, const json_t *list,
          struct dimension *dimension)
{
    const size_t count = json_array_size(list);

    dimension->values = calloc(count, sizeof *dimension->values);
    if (!dimension->values)
        return TM_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        dimension->values[i] = json_number_value(json_array_get(list, i));
        for (size_t k = 0; k < i; k++) {
            if (dimension->values[k] == dimension->values[i])
                return fail(reader, "%s: %.10g is listed twice", param->name,
                            dimension->values[i]);
        }
    }
    dimension->points = count;
    return TM_OK;
}

/* Points of min, min + step, ... up to max. */
static tm_err_t
step_points(const struct reader *reader, const char *name, struct dimension *dimension)
{
    const double steps =
        floor((dimension->max - dimension->min) / dimension->step * (1 + 1e-12));

    if (!(steps < SEARCH_POINTS_MAX))
        return fail(reader, "%s: step %.10g makes more than %d points", name, dimension->step,
                    SEARCH_POINTS_MAX);
    dimension->points = (uint64_t)steps + 1;
    return TM_OK;
}

/* A grid's points of a range without a step: SEARCH_RANGE_POINTS, evenly spaced, on the grain.
 */
static tm_err_t
spread_points(struct dimension *dimension, double grain)
{
    double *values = calloc(SEARCH_RANGE_POINTS, sizeof *values);
    const double width = dimension->max - dimension->min;
    uint64_t count = 0;

    if (!values)
        return TM_NO_MEMORY;
    for (size_t i = 0; i < SEARCH_RANGE_POINTS; i++) {
        double offset = width * (double)i / (SEARCH_RANGE_POINTS - 1);

        if (grain > 0)
            offset = fmin(round(offset / grain), floor(width / grain * (1 + 1e-12))) * grain;
        const double value = fmin(dimension->min + offset, dimension->max);
        if (count == 0 || value > values[count - 1])
            values[count++] = value;
    }
    dimension->values = values;
    dimension->points = count;
    return TM_OK;
}

/* min and max are set; step is the user's, grain the finest difference that makes sense (0:
 * none). */
static tm_err_t
lay_out_range(const struct reader *reader, const char *name, double step, double grain,
              struct dimension *dimension)
{
    if (dimension->min == dimension->max)
        step = grain = 1;
    if (step == 0 && reader->space->type == SEARCH_GRID)
        return spread_points(dimension, grain);
    dimension->step = step > 0 ? step : grain;
    if (dimension->step == 0)
        return TM_OK;
    const double steps = (dimension->max - dimension->min) / dimension->step;
    if (step == 0 && steps < 0x1p53) {
        dimension->points = (uint64_t)floor(steps * (1 + 1e-12)) + 1;
        return TM_OK;
    }
    return step_points(reader, name, dimension);
}

static tm_err_t
read_range(const struct reader *reader, const struct strategy_param *param, json_t *range,
           struct dimension *dimension)
{
    const char *type = json_string_value(json_object_get(range, "type"));
    const double step = json_number_value(json_object_get(range, "step"));

    dimension->min = json_number_value(json_object_get(range, "min"));
    dimension->max = json_number_value(json_object_get(range, "max"));
    dimension->is_int = param->is_int || (type && type[0] == 'i');
    if (dimension->is_int && (floor(step) != step || floor(dimension->min) != dimension->min))
        return fail(reader, "%s: min and step must be whole numbers", param->name);
    return lay_out_range(reader, param->name, step, dimension->is_int ? 1 : 0, dimension);
}

static tm_err_t
add_dimension(const struct reader *reader, size_t index, json_t *json)
{
    const struct strategy_param *param = strategy_param(reader->strategy, index);
    struct dimension *dimension = &reader->space->dimensions[reader->space->count++];

    const field_t value = {
        .kind = param->is_int ? FIELD_INT : FIELD_NUMBER, .min = param->min, .max = param->max};
    char why[FIELD_WHY];

    dimension->param = index;
    dimension->is_int = param->is_int;
    if (!param_space_entry(&value, json, why))
        return fail(reader, "%s: %.180s", param->name, why);
    return json_is_array(json) ? read_list(reader, param, json, dimension)
                               : read_range(reader, param, json, dimension);
}

static tm_err_t
derive(const struct reader *reader)
{
    for (size_t i = 0; i < strategy_param_count(reader->strategy); i++) {
        const struct strategy_param *param = strategy_param(reader->strategy, i);
        struct dimension *dimension = &reader->space->dimensions[reader->space->count++];

        *dimension = (struct dimension){.param = i,
                                        .min = param->search_min,
                                        .max = param->search_max,
                                        .is_int = param->is_int};
        const double grain = param->step > 0 ? param->step : param->is_int ? 1 : 0;
        const tm_err_t err = lay_out_range(reader, param->name, 0, grain, dimension);
        if (err)
            return err;
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

static tm_err_t
measure(const struct reader *reader)
{
    space_t *space = reader->space;

    space->size = space->type == SEARCH_GRID ? 1 : UINT64_MAX;
    for (size_t i = 0; space->type == SEARCH_GRID && i < space->count; i++) {
        if (__builtin_mul_overflow(space->size, space->dimensions[i].points, &space->size))
            return fail(reader, "the grid has more than 2^64 combinations");
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
        free(self->dimensions[i].values);
    free(self);
    *self_p = NULL;
}

uint64_t
space_size(const space_t *self)
{
    return self->size;
}

uint64_t
space_trials(const space_t *self, uint64_t n)
{
    return n < self->size ? n : self->size;
}

static double
point(const struct dimension *dimension, uint64_t index)
{
    if (dimension->values)
        return dimension->values[index];
    return fmin(dimension->min + (double)index * dimension->step, dimension->max);
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

static double
draw(const struct dimension *dimension, double u)
{
    if (dimension->points == 0)
        return fmin(dimension->min + u * (dimension->max - dimension->min), dimension->max);
    const uint64_t index = (uint64_t)(u * (double)dimension->points);
    return point(dimension, index < dimension->points ? index : dimension->points - 1);
}

void
space_params(const space_t *self, uint64_t seed, uint64_t index, double params[TUNE_PARAMS_MAX])
{
    uint64_t rest = index;

    memcpy(params, self->defaults, sizeof self->defaults);
    for (size_t i = self->count; i-- > 0;) {
        const struct dimension *dimension = &self->dimensions[i];

        if (self->type == SEARCH_GRID) {
            params[dimension->param] = point(dimension, rest % dimension->points);
            rest /= dimension->points;
        } else {
            params[dimension->param] = draw(dimension, uniform(seed, index, dimension->param));
        }
    }
}

size_t
space_dimensions(const space_t *self)
{
    return self->count;
}

uint64_t
space_points(const space_t *self, size_t dimension)
{
    return self->dimensions[dimension].points;
}

void
space_at(const space_t *self, const double *place, double params[TUNE_PARAMS_MAX])
{
    memcpy(params, self->defaults, sizeof self->defaults);
    for (size_t i = 0; i < self->count; i++)
        params[self->dimensions[i].param] = draw(&self->dimensions[i], place[i]);
}

double
space_uniform(const space_t *self, uint64_t seed, uint64_t index, size_t dimension,
              uint64_t lane)
{
    return uniform(seed, index, self->dimensions[dimension].param + lane * STRATEGY_PARAMS_MAX);
}
