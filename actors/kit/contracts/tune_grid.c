#include "actors/kit/contracts/tune_grid.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "actors/kit/fields/param_axis.h"

/* A param of a strategy's spec, as far as a search needs it. */
struct param {
    struct param_range range;
    bool is_int;
};

static bool
read_param(const json_t *spec, bool is_grid, struct param *ret)
{
    const json_t *search = json_object_get(spec, "search");
    const json_t *min = search ? json_array_get(search, 0) : json_object_get(spec, "min");
    const json_t *max = search ? json_array_get(search, 1) : json_object_get(spec, "max");
    const char *type = json_string_value(json_object_get(spec, "type"));
    const double step = json_number_value(json_object_get(spec, "step"));

    ret->is_int = type && strcmp(type, "int") == 0;
    ret->range = (struct param_range){.min = json_number_value(min),
                                      .max = json_number_value(max),
                                      .grain = step > 0      ? step
                                               : ret->is_int ? 1
                                                             : 0,
                                      .is_grid = is_grid};
    return json_is_number(min) && json_is_number(max) && ret->range.min <= ret->range.max;
}

static tm_err_t
count_points(const json_t *entry, const struct param *param, uint64_t *ret, char why[FIELD_WHY])
{
    struct param_axis axis;
    const tm_err_t err =
        entry ? param_axis_of_entry(entry, param->is_int, param->range.is_grid, &axis, why)
              : param_axis_of_range(&param->range, &axis, why);

    if (err)
        return err;
    *ret = axis.points;
    param_axis_fini(&axis);
    return TM_OK;
}

tm_err_t
tune_grid_count(json_t *space, json_t *params, bool is_grid, uint64_t *ret_points,
                struct tune_request_error *ret_error)
{
    uint64_t all = 1, points = 0;
    char why[FIELD_WHY];
    const char *name;
    json_t *spec;

    *ret_points = 0;
    json_object_foreach(params, name, spec)
    {
        const json_t *entry = json_object_get(space, name);
        struct param param;

        if (space && !entry)
            continue;
        if (!read_param(spec, is_grid, &param))
            return TM_OK;
        const tm_err_t err = count_points(entry, &param, &points, why);
        if (err == TM_INVALID_PARAM_SPACE)
            return tune_refuse(ret_error, err, "param_space", "%.60s: %s", name, why);
        if (err)
            return err;
        if (points == 0 || __builtin_mul_overflow(all, points, &all))
            all = UINT64_MAX;
    }
    *ret_points = all;
    return TM_OK;
}

tm_err_t
tune_grid_check(uint64_t points, uint64_t asked, uint64_t most,
                struct tune_request_error *ret_error)
{
    char count[40];

    if (points <= (asked ? asked : most))
        return TM_OK;
    snprintf(count, sizeof count, "%s%" PRIu64, points == UINT64_MAX ? "more than " : "",
             points);
    if (asked && points <= most)
        return tune_refuse(ret_error, TM_GRID_TOO_LARGE, "n_trials",
                           "the grid has %s points, more than the %" PRIu64
                           " trials asked for: leave n_trials out to try them all, or make "
                           "the grid smaller",
                           count, asked);
    return tune_refuse(ret_error, TM_GRID_TOO_LARGE, "param_space",
                       "the grid has %s points, more than the %" PRIu64
                       " trials that this server allows: make it smaller, or search at random",
                       count, most);
}
