#include "actors/kit/contracts/tune_space.h"

#include <math.h>
#include <string.h>

#include "actors/kit/contracts/tune_field.h"
#include "actors/kit/fields/param_space.h"

/* What a value of the param may be, as far as its spec says so. */
static field_t
value_row(const json_t *param)
{
    const json_t *min = json_object_get(param, "min"), *max = json_object_get(param, "max");
    const char *type = json_string_value(json_object_get(param, "type"));

    return (field_t){.kind = type && strcmp(type, "int") == 0 ? FIELD_INT : FIELD_NUMBER,
                     .min = json_is_number(min) ? json_number_value(min) : -HUGE_VAL,
                     .max = json_is_number(max) ? json_number_value(max) : HUGE_VAL};
}

static bool
is_known(json_t *params, const char *name, char why[FIELD_WHY])
{
    struct fields_near near = {.name = name};
    const char *candidate;
    json_t *param;

    if (!params || json_object_get(params, name))
        return true;
    json_object_foreach(params, candidate, param) fields_near(&near, candidate);
    snprintf(why, FIELD_WHY, "the strategy has no such parameter%s%.60s%s",
             near.best ? "; did you mean " : "", near.best ? near.best : "",
             near.best ? "?" : "");
    return false;
}

tm_err_t
tune_space_check(json_t *space, json_t *params, struct tune_request_error *ret_error)
{
    char why[FIELD_WHY];
    const char *name;
    json_t *value;

    if (json_object_size(space) == 0)
        return tune_refuse(ret_error, TM_INVALID_PARAM_SPACE, "param_space",
                           "it names no parameter; leave it out to try the strategy's own");
    json_object_foreach(space, name, value)
    {
        const field_t row = value_row(json_object_get(params, name));

        if (!is_known(params, name, why) || !param_space_entry(&row, value, why))
            return tune_refuse(ret_error, TM_INVALID_PARAM_SPACE, "param_space", "%.60s: %s",
                               name, why);
    }
    return TM_OK;
}
