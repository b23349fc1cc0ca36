#include "actors/kit/fields/param_axis.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* A range that is narrower than this share of its numbers has fewer than 2^31 of them: too few
 * to be drawn from as if it had no end. */
#define NARROWEST 0x1p-21

__attribute__((format(printf, 2, 3))) static tm_err_t
refuse(char why[FIELD_WHY], const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(why, FIELD_WHY, format, args);
    va_end(args);
    return TM_INVALID_PARAM_SPACE;
}

/* Evenly spaced, on the grain; fewer where the grain leaves fewer. */
static tm_err_t
spread(const struct param_range *range, struct param_axis *ret, char why[FIELD_WHY])
{
    double all[AXIS_SPREAD];

    if (!decimal_steps_spread(range->min, range->max, AXIS_SPREAD - 1, range->grain, all))
        return refuse(why, "min and max differ too much in size for a grid: give a list");
    ret->values = calloc(AXIS_SPREAD, sizeof *ret->values);
    if (!ret->values)
        return TM_NO_MEMORY;
    for (size_t i = 0; i < AXIS_SPREAD; i++)
        if (ret->points == 0 || all[i] > ret->values[ret->points - 1])
            ret->values[ret->points++] = all[i];
    return TM_OK;
}

static tm_err_t
lay_steps(const struct param_range *range, double step, struct param_axis *ret,
          char why[FIELD_WHY])
{
    const bool is_asked = range->step > 0;

    /* counted as doubles first: what is far too many need not fit into digits */
    if (!((range->max - range->min) / step < (is_asked ? 2.0 * AXIS_POINTS_MAX : 0x1p53)))
        return refuse(why, "step %.10g makes more than %d points", step, AXIS_POINTS_MAX);
    if (!decimal_steps_between(range->min, range->max, step, &ret->steps))
        return refuse(why, "min, max and step differ too much in size");
    if (is_asked && ret->steps.count > AXIS_POINTS_MAX)
        return refuse(why, "step %.10g makes more than %d points", step, AXIS_POINTS_MAX);
    ret->points = ret->steps.count;
    return TM_OK;
}

tm_err_t
param_axis_of_range(const struct param_range *range, struct param_axis *ret,
                    char why[FIELD_WHY])
{
    const double step = range->step > 0 ? range->step : range->grain;
    const double size = fmax(fabs(range->min), fabs(range->max));

    *ret = (struct param_axis){.min = range->min, .max = range->max};
    if (range->min == range->max)
        return lay_steps(range, 1, ret, why);
    if (range->step == 0 && range->is_grid)
        return spread(range, ret, why);
    if (step > 0)
        return lay_steps(range, step, ret, why);
    if (range->max - range->min < NARROWEST * size)
        return refuse(why,
                      "from %.17g to %.17g there are too few numbers: give a list or a "
                      "step",
                      range->min, range->max);
    return TM_OK;
}

static tm_err_t
take_list(const json_t *list, struct param_axis *ret, char why[FIELD_WHY])
{
    const size_t count = json_array_size(list);

    *ret = (struct param_axis){.values = calloc(count + 1, sizeof *ret->values)};
    if (!ret->values)
        return TM_NO_MEMORY;
    for (; ret->points < count; ret->points++) {
        const double value = json_number_value(json_array_get(list, ret->points));

        for (uint64_t i = 0; i < ret->points; i++) {
            if (ret->values[i] != value)
                continue;
            param_axis_fini(ret);
            return refuse(why, "%.10g is listed twice", value);
        }
        ret->values[ret->points] = value;
    }
    return TM_OK;
}

tm_err_t
param_axis_of_entry(const json_t *entry, bool is_int, bool is_grid, struct param_axis *ret,
                    char why[FIELD_WHY])
{
    const char *type = json_string_value(json_object_get(entry, "type"));
    const struct param_range range = {.min = json_number_value(json_object_get(entry, "min")),
                                      .max = json_number_value(json_object_get(entry, "max")),
                                      .step = json_number_value(json_object_get(entry, "step")),
                                      .grain = is_int || (type && type[0] == 'i') ? 1 : 0,
                                      .is_grid = is_grid};

    if (json_is_array(entry))
        return take_list(entry, ret, why);
    if (range.grain > 0 && (floor(range.step) != range.step || floor(range.min) != range.min))
        return refuse(why, "min and step must be whole numbers");
    return param_axis_of_range(&range, ret, why);
}

void
param_axis_fini(struct param_axis *self)
{
    free(self->values);
    *self = (struct param_axis){0};
}

double
param_axis_at(const struct param_axis *self, uint64_t index)
{
    return self->values ? self->values[index] : decimal_steps_at(&self->steps, index);
}
