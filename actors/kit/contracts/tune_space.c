#include "actors/kit/contracts/tune_space.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "actors/kit/contracts/tune_field.h"

/* One entry of the space, and what the strategy says of that param. */
struct entry {
    const char *name;
    field_t value; /* what each of its numbers may be */
    struct tune_request_error *error;
};

__attribute__((format(printf, 2, 3))) static tm_err_t
refuse(const struct entry *self, const char *format, ...)
{
    char why[FIELD_WHY];
    va_list args;

    va_start(args, format);
    vsnprintf(why, sizeof(why), format, args);
    va_end(args);
    return tune_refuse(self->error, TM_INVALID_PARAM_SPACE, "param_space", "%.60s: %s",
                       self->name, why);
}

static tm_err_t
check_list(const struct entry *self, const json_t *list)
{
    char why[FIELD_WHY];
    struct field_value unused;
    size_t index;
    json_t *value;

    if (json_array_size(list) == 0 || json_array_size(list) > TUNE_SPACE_VALUES_MAX)
        return refuse(self, "a list has 1 to %d values", TUNE_SPACE_VALUES_MAX);
    json_array_foreach(list, index, value)
    {
        if (field_from_json(&self->value, value, &unused, why))
            return refuse(self, "value %zu: %s", index + 1, why);
    }
    return TM_OK;
}

static tm_err_t
check_range(const struct entry *self, json_t *range)
{
    const field_t *value = &self->value;
    const field_t rows[] = {
        {.name = "min",
         .kind = value->kind,
         .min = value->min,
         .max = value->max,
         .flags = FIELD_REQUIRED},
        {.name = "max",
         .kind = value->kind,
         .min = value->min,
         .max = value->max,
         .flags = FIELD_REQUIRED},
        {FIELD_IS_NUMBER("step", -HUGE_VAL, HUGE_VAL)},
        {FIELD_IS_CHOICE("type", "int float")},
    };
    const struct fields table = FIELDS_OF(rows);
    const json_t *step = json_object_get(range, "step");
    struct fields_first first = {.err = TM_OK};

    fields_read(&table, range, NULL, fields_tell_first, &first);
    if (first.err)
        return refuse(self, "%.40s: %s", first.name, first.why);
    if (json_number_value(json_object_get(range, "min")) >
        json_number_value(json_object_get(range, "max")))
        return refuse(self, "min is above max");
    return !step || json_number_value(step) > 0 ? TM_OK
                                                : refuse(self, "step: is not a number above 0");
}

static struct entry
entry_of(const char *name, const json_t *param, struct tune_request_error *error)
{
    const json_t *min = json_object_get(param, "min"), *max = json_object_get(param, "max");
    const char *type = json_string_value(json_object_get(param, "type"));
    struct entry entry = {.name = name, .error = error};

    entry.value = (field_t){.kind = type && strcmp(type, "int") == 0 ? FIELD_INT : FIELD_NUMBER,
                            .min = json_is_number(min) ? json_number_value(min) : -HUGE_VAL,
                            .max = json_is_number(max) ? json_number_value(max) : HUGE_VAL};
    return entry;
}

static tm_err_t
refuse_name(const struct entry *self, json_t *params)
{
    struct fields_near near = {.name = self->name};
    const char *name;
    json_t *param;

    json_object_foreach(params, name, param) fields_near(&near, name);
    return refuse(self, "the strategy has no such parameter%s%s%s",
                  near.best ? "; did you mean " : "", near.best ? near.best : "",
                  near.best ? "?" : "");
}

static tm_err_t
check_entry(const struct entry *self, json_t *value)
{
    if (json_is_array(value))
        return check_list(self, value);
    if (json_is_object(value))
        return check_range(self, value);
    return refuse(self, "is neither a list of numbers nor a range {min, max}");
}

tm_err_t
tune_space_check(json_t *space, json_t *params, struct tune_request_error *ret_error)
{
    struct entry whole = {.name = "it", .error = ret_error};
    const char *name;
    json_t *value;

    if (json_object_size(space) == 0)
        return refuse(&whole, "names no parameter; leave it out to try the strategy's own");
    json_object_foreach(space, name, value)
    {
        const json_t *param = json_object_get(params, name);
        struct entry entry = entry_of(name, param, ret_error);
        tm_err_t err =
            params && !param ? refuse_name(&entry, params) : check_entry(&entry, value);

        if (err)
            return err;
    }
    return TM_OK;
}
