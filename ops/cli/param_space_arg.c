#include "ops/cli/param_space_arg.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/fields/decimal_steps.h"

/* A number as it was written: whole ones stay whole. */
struct number {
    double value;
    bool is_whole;
};

static bool
read_number(const char *text, size_t size, struct number *ret)
{
    static const field_t row = {FIELD_IS_NUMBER("value", -HUGE_VAL, HUGE_VAL)};
    char why[FIELD_WHY];
    struct field_value value;

    if (field_from_text(&row, text, size, &value, why))
        return false;
    ret->value = value.number;
    ret->is_whole = !memchr(text, '.', size) && !memchr(text, 'e', size) &&
                    !memchr(text, 'E', size) && fabs(ret->value) < 1e15;
    return true;
}

static json_t *
to_json(double value, bool is_whole)
{
    return is_whole ? json_integer((json_int_t)llround(value)) : json_real(value);
}

static json_t *
steps(const struct number part[3])
{
    bool is_whole = part[0].is_whole && part[2].is_whole && fabs(part[1].value) < 1e15;
    struct decimal_steps steps;
    json_t *list;

    if (!(part[2].value > 0) || !(part[0].value <= part[1].value) ||
        !decimal_steps_between(part[0].value, part[1].value, part[2].value, &steps) ||
        steps.count > PARAM_SPACE_ARG_MAX)
        return NULL;
    list = json_array();
    for (uint64_t i = 0; i < steps.count; i++)
        json_array_append_new(list, to_json(decimal_steps_at(&steps, i), is_whole));
    return list;
}

static json_t *
parse_steps(const char *text)
{
    struct number part[3];

    for (size_t i = 0; i < 3; i++) {
        size_t size = strcspn(text, ":");

        if (!read_number(text, size, &part[i]) || (text[size] == ':') != (i < 2))
            return NULL;
        text += size + 1;
    }
    return steps(part);
}

static json_t *
parse_range(const char *text)
{
    const char *dots = strstr(text, "..");
    struct number min, max;
    bool is_whole;

    if (!read_number(text, (size_t)(dots - text), &min) ||
        !read_number(dots + 2, strlen(dots + 2), &max) || !(min.value < max.value))
        return NULL;
    is_whole = min.is_whole && max.is_whole;
    return json_pack("{s:o, s:o, s:s}", "min", to_json(min.value, is_whole), "max",
                     to_json(max.value, is_whole), "type", is_whole ? "int" : "float");
}

static json_t *
parse_list(const char *text)
{
    json_t *list = json_array();
    struct number number;
    size_t size;

    for (;; text += size + 1) {
        size = strcspn(text, ",");
        if (!read_number(text, size, &number) || json_array_size(list) == PARAM_SPACE_ARG_MAX) {
            json_decref(list);
            return NULL;
        }
        json_array_append_new(list, to_json(number.value, number.is_whole));
        if (!text[size])
            return list;
    }
}

static json_t *
parse_values(const char *text)
{
    if (strstr(text, ".."))
        return parse_range(text);
    return strchr(text, ':') ? parse_steps(text) : parse_list(text);
}

static bool
add(json_t *space, const char *text, char *detail, size_t size)
{
    const char *equals = strchr(text, '=');
    char name[65] = "";
    json_t *values = NULL;

    if (equals && equals > text && (size_t)(equals - text) < sizeof name) {
        memcpy(name, text, (size_t)(equals - text));
        name[equals - text] = '\0';
        values = parse_values(equals + 1);
    }
    if (!values) {
        snprintf(detail, size,
                 "--space \"%.100s\" should look like period=10:50:5 (at most %d values), "
                 "k=1,1.5,2 or k=1..3",
                 text, PARAM_SPACE_ARG_MAX);
        return false;
    }
    if (json_object_get(space, name)) {
        json_decref(values);
        snprintf(detail, size, "--space names %s twice", name);
        return false;
    }
    if (json_object_set_new(space, name, values) == 0)
        return true;
    snprintf(detail, size, "--space \"%.100s\": the name is not UTF-8", text);
    return false;
}

json_t *
param_space_arg_parse(const struct cli_list *texts, char *detail, size_t size)
{
    json_t *space = json_object();

    for (size_t i = 0; i < texts->count; i++) {
        if (!add(space, texts->items[i], detail, size)) {
            json_decref(space);
            return NULL;
        }
    }
    return space;
}
