#include "actors/kit/fields/param_space.h"

#include <math.h>
#include <stdio.h>

static bool
check_list(const field_t *value, const json_t *list, char why[FIELD_WHY])
{
    char inner[FIELD_WHY - 64];
    struct field_value unused;
    size_t index;
    json_t *item;

    if (json_array_size(list) == 0 || json_array_size(list) > PARAM_SPACE_VALUES_MAX) {
        snprintf(why, FIELD_WHY, "a list has from 1 to %d values, this one %zu",
                 PARAM_SPACE_VALUES_MAX, json_array_size(list));
        return false;
    }
    json_array_foreach(list, index, item)
    {
        if (!field_from_json(value, item, &unused, why))
            continue;
        snprintf(inner, sizeof(inner), "%s", why);
        snprintf(why, FIELD_WHY, "value %zu: %s", index + 1, inner);
        return false;
    }
    return true;
}

static bool
check_range(const field_t *value, json_t *range, char why[FIELD_WHY])
{
    field_t rows[] = {
        *value,
        *value,
        {FIELD_IS_NUMBER("step", -HUGE_VAL, HUGE_VAL)},
        {FIELD_IS_CHOICE("type", value->kind == FIELD_INT ? "int" : "int float")},
    };
    const struct fields table = FIELDS_OF(rows);
    const json_t *step = json_object_get(range, "step");
    struct fields_first first = {.err = TM_OK};

    rows[0].name = "min";
    rows[1].name = "max";
    rows[0].flags = rows[1].flags = FIELD_REQUIRED;
    fields_read(&table, range, NULL, fields_tell_first, &first);
    if (first.err)
        snprintf(why, FIELD_WHY, "%.40s: %.400s", first.name, first.why);
    else if (json_number_value(json_object_get(range, "min")) >
             json_number_value(json_object_get(range, "max")))
        snprintf(why, FIELD_WHY, "min is above max");
    else if (json_is_number(step) && !(json_number_value(step) > 0))
        snprintf(why, FIELD_WHY, "step: is not a number above 0");
    else
        return true;
    return false;
}

bool
param_space_entry(const field_t *value, json_t *entry, char why[FIELD_WHY])
{
    if (json_is_array(entry))
        return check_list(value, entry, why);
    if (json_is_object(entry))
        return check_range(value, entry, why);
    snprintf(why, FIELD_WHY, "is neither a list of numbers nor a range {min, max}");
    return false;
}
