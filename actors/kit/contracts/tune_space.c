#include "actors/kit/contracts/tune_space.h"

#include <math.h>
#include <string.h>

/* One entry of the space, and what the strategy says of that param. */
struct entry {
    const char *name;
    bool is_int;
    double min, max;
    struct tune_request_error *error;
};

#define refuse(entry, format, ...)                                                       \
    tune_refuse((entry)->error, TM_INVALID_PARAM_SPACE, "param_space", "%.60s: " format, \
                (entry)->name, __VA_ARGS__)

static tm_err_t
check_value(const struct entry *self, const json_t *value, const char *what)
{
    double number = json_number_value(value);

    if (!json_is_number(value))
        return refuse(self, "%s is not a number", what);
    if (number < self->min || number > self->max)
        return refuse(self, "%s must be between %.15g and %.15g, as the strategy says", what,
                      self->min, self->max);
    if (self->is_int && number != floor(number))
        return refuse(self, "%s must be a whole number", what);
    return TM_OK;
}

static tm_err_t
check_list(const struct entry *self, const json_t *list)
{
    char what[40];
    size_t index;
    json_t *value;

    if (json_array_size(list) == 0 || json_array_size(list) > TUNE_SPACE_VALUES_MAX)
        return refuse(self, "a list has 1 to %d values", TUNE_SPACE_VALUES_MAX);
    json_array_foreach(list, index, value)
    {
        snprintf(what, sizeof(what), "value %zu", index + 1);
        tm_err_t err = check_value(self, value, what);
        if (err)
            return err;
    }
    return TM_OK;
}

static tm_err_t
check_type(const struct entry *self, const json_t *type)
{
    const char *text = json_string_value(type);

    if (!type || (text && (strcmp(text, "int") == 0 || strcmp(text, "float") == 0)))
        return TM_OK;
    return refuse(self, "type is \"int\" or \"float\"%s", "");
}

static tm_err_t
check_names(const struct entry *self, json_t *range)
{
    static const char *const known[] = {"min", "max", "step", "type"};
    const char *name;
    json_t *value;

    json_object_foreach(range, name, value)
    {
        size_t i = 0;
        while (i < 4 && strcmp(known[i], name) != 0)
            i++;
        if (i == 4)
            return refuse(self, "a range has min, max, step and type, not \"%.40s\"", name);
    }
    return TM_OK;
}

static tm_err_t
check_range(const struct entry *self, json_t *range)
{
    const json_t *low = json_object_get(range, "min"), *high = json_object_get(range, "max");
    const json_t *step = json_object_get(range, "step");
    tm_err_t err = check_names(self, range);

    if (!err)
        err = check_type(self, json_object_get(range, "type"));
    if (!err)
        err = check_value(self, low, "min");
    if (!err)
        err = check_value(self, high, "max");
    if (err)
        return err;
    if (json_number_value(low) > json_number_value(high))
        return refuse(self, "min is above %s", "max");
    if (step && !(json_is_number(step) && json_number_value(step) > 0))
        return refuse(self, "%s is not a number above 0", "step");
    return TM_OK;
}

static struct entry
entry_of(const char *name, const json_t *param, struct tune_request_error *error)
{
    const json_t *min = json_object_get(param, "min"), *max = json_object_get(param, "max");
    const char *type = json_string_value(json_object_get(param, "type"));
    struct entry entry = {.name = name, .min = -HUGE_VAL, .max = HUGE_VAL, .error = error};

    entry.is_int = type && strcmp(type, "int") == 0;
    if (json_is_number(min))
        entry.min = json_number_value(min);
    if (json_is_number(max))
        entry.max = json_number_value(max);
    return entry;
}

tm_err_t
tune_space_check(json_t *space, const json_t *params, struct tune_request_error *ret_error)
{
    struct entry whole = {.name = "it", .error = ret_error};
    const char *name;
    json_t *value;

    if (json_object_size(space) == 0)
        return refuse(&whole, "names no parameter; %s",
                      "leave it out to try the strategy's own");
    json_object_foreach(space, name, value)
    {
        const json_t *param = json_object_get(params, name);
        struct entry entry = entry_of(name, param, ret_error);
        tm_err_t err;

        if (params && !param)
            return refuse(&entry, "%s", "the strategy has no such parameter");
        if (json_is_array(value))
            err = check_list(&entry, value);
        else if (json_is_object(value))
            err = check_range(&entry, value);
        else
            err = refuse(&entry, "is neither a list of numbers nor a range %s", "{min, max}");
        if (err)
            return err;
    }
    return TM_OK;
}
