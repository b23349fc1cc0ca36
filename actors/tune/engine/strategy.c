#include "actors/tune/engine/strategy.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/tune/engine/strategy_inner.h"

#define PARAM_LIMIT 1e9 /* magnitude of a param's bounds */
#define NESTING_MAX 8   /* of the spec's JSON; tags and params are two deep */
#define TAGS_MAX    32

static const char *const rule_names[RULE_COUNT] = {
#define R(name) [RULE_##name] = #name,
    RULES(R)
#undef R
};

struct reader {
    strategy_t *strategy;
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
    return TM_INVALID_STRATEGY;
}

static tm_err_t
read_text(const struct reader *reader, const json_t *spec, const char *key, char *out,
          size_t size)
{
    const json_t *value = json_object_get(spec, key);

    if (!value)
        return TM_OK;
    if (!json_is_string(value) || strlen(json_string_value(value)) != json_string_length(value))
        return fail(reader, "%s: must be a text", key);
    if (json_string_length(value) >= size)
        return fail(reader, "%s: longer than %zu bytes", key, size - 1);
    memcpy(out, json_string_value(value), json_string_length(value) + 1);
    return TM_OK;
}

static bool
is_uuid(char *text)
{
    if (strlen(text) != STRATEGY_ID_BYTES - 1)
        return false;
    for (size_t i = 0; text[i]; i++) {
        const bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (text[i] >= 'A' && text[i] <= 'F')
            text[i] = (char)(text[i] + 32);
        if (is_dash ? text[i] != '-' : strchr("0123456789abcdef", text[i]) == NULL)
            return false;
    }
    return true;
}

static tm_err_t
read_number(const struct reader *reader, const json_t *param, const char *name, const char *key,
            double *ret)
{
    const json_t *value = json_object_get(param, key);

    if (!json_is_number(value))
        return fail(reader, "params.%s.%s: must be a number", name, key);
    *ret = json_number_value(value);
    if (!(fabs(*ret) <= PARAM_LIMIT))
        return fail(reader, "params.%s.%s: beyond %g", name, key, PARAM_LIMIT);
    return TM_OK;
}

static tm_err_t
read_search(const struct reader *reader, const json_t *param, struct strategy_param *ret)
{
    const json_t *search = json_object_get(param, "search");
    const json_t *low = json_array_get(search, 0), *high = json_array_get(search, 1);

    ret->search_min = ret->min;
    ret->search_max = ret->max;
    if (!search)
        return TM_OK;
    if (json_array_size(search) != 2 || !json_is_number(low) || !json_is_number(high))
        return fail(reader, "params.%s.search: must be two numbers, [lowest, highest]",
                    ret->name);
    ret->search_min = json_number_value(low);
    ret->search_max = json_number_value(high);
    if (!(ret->min <= ret->search_min && ret->search_min <= ret->search_max &&
          ret->search_max <= ret->max))
        return fail(reader, "params.%s.search: must be in order, and between min and max",
                    ret->name);
    return TM_OK;
}

static tm_err_t
check_param(const struct reader *reader, const struct strategy_param *param)
{
    const double numbers[] = {param->min,  param->max,        param->default_value,
                              param->step, param->search_min, param->search_max};

    if (param->min > param->max)
        return fail(reader, "params.%s: min %g is above max %g", param->name, param->min,
                    param->max);
    if (param->default_value < param->min || param->default_value > param->max)
        return fail(reader, "params.%s.default: %g is not between min and max", param->name,
                    param->default_value);
    if (param->step < 0)
        return fail(reader, "params.%s.step: must be above 0", param->name);
    for (size_t i = 0; param->is_int && i < sizeof numbers / sizeof numbers[0]; i++) {
        if (floor(numbers[i]) != numbers[i])
            return fail(reader, "params.%s: %g is no whole number, and its type is int",
                        param->name, numbers[i]);
    }
    return TM_OK;
}

static tm_err_t
read_param(const struct reader *reader, const char *name, const json_t *json)
{
    strategy_t *strategy = reader->strategy;
    struct strategy_param param = {0};

    if (strategy->param_count == STRATEGY_PARAMS_MAX)
        return fail(reader, "params: more than %d", STRATEGY_PARAMS_MAX);
    if (!expr_is_free_name(name))
        return fail(
            reader,
            "params: a name must be letters, digits and _, at most %d long, and no word "
            "of the language; this one is not: %.40s",
            STRATEGY_NAME_BYTES - 1, name);
    snprintf(param.name, sizeof param.name, "%s", name);
    const char *type = json_string_value(json_object_get(json, "type"));
    if (!type || (strcmp(type, "int") != 0 && strcmp(type, "float") != 0))
        return fail(reader, "params.%s.type: must be \"int\" or \"float\"", name);
    param.is_int = type[0] == 'i';
    tm_err_t err = read_number(reader, json, name, "min", &param.min);
    if (!err)
        err = read_number(reader, json, name, "max", &param.max);
    if (!err)
        err = read_number(reader, json, name, "default", &param.default_value);
    if (!err && json_object_get(json, "step"))
        err = read_number(reader, json, name, "step", &param.step);
    if (!err)
        err = read_search(reader, json, &param);
    if (!err)
        err = check_param(reader, &param);
    if (!err)
        strategy->params[strategy->param_count++] = param;
    return err;
}

static tm_err_t
read_params(const struct reader *reader, json_t *params)
{
    strategy_t *strategy = reader->strategy;
    const char *name;
    json_t *param;

    if (params && !json_is_object(params))
        return fail(reader, "params: must be an object");
    json_object_foreach(params, name, param)
    {
        const tm_err_t err = read_param(reader, name, param);
        if (err)
            return err;
    }
    strategy->scope.params = strategy->params;
    strategy->scope.param_count = strategy->param_count;
    return TM_OK;
}

static tm_err_t
compile(const struct reader *reader, const char *field, const json_t *text, struct program *ret)
{
    char why[STRATEGY_DETAIL_BYTES] = "";

    if (!json_is_string(text) || strlen(json_string_value(text)) != json_string_length(text))
        return fail(reader, "%s: must be an expression, as a text", field);
    const tm_err_t err =
        expr_compile(&reader->strategy->scope, json_string_value(text), ret, why, sizeof why);
    return err ? fail(reader, "%s: %s", field, why) : TM_OK;
}

static tm_err_t
read_indicator(const struct reader *reader, const char *name, const json_t *text)
{
    struct expr_scope *scope = &reader->strategy->scope;
    char field[STRATEGY_NAME_BYTES + 16], why[STRATEGY_DETAIL_BYTES] = "";
    struct program program;
    uint8_t column;

    if (!expr_is_free_name(name) || strategy_param_index(reader->strategy, name) >= 0)
        return fail(reader,
                    "indicators: this name is a param's or a word of the language, or not "
                    "letters, digits and _: %.40s",
                    name);
    if (scope->name_count == EXPR_NAMES_MAX)
        return fail(reader, "indicators: more than %d", EXPR_NAMES_MAX);
    snprintf(field, sizeof field, "indicators.%s", name);
    tm_err_t err = compile(reader, field, text, &program);
    if (!err && (program.is_bool || !program.is_series))
        return fail(reader, "%s: must be a number that differs from bar to bar", field);
    if (!err && expr_column(scope, &program, &column, why, sizeof why) != TM_OK)
        return fail(reader, "%s: %s", field, why);
    if (err)
        return err;
    struct expr_name *slot = &scope->names[scope->name_count++];
    snprintf(slot->name, sizeof slot->name, "%s", name);
    slot->column = column;
    return TM_OK;
}

static tm_err_t
read_indicators(const struct reader *reader, json_t *indicators)
{
    const char *name;
    json_t *text;

    if (indicators && !json_is_object(indicators))
        return fail(reader, "indicators: must be an object");
    json_object_foreach(indicators, name, text)
    {
        const tm_err_t err = read_indicator(reader, name, text);
        if (err)
            return err;
    }
    return TM_OK;
}

static tm_err_t
read_rules(const struct reader *reader, const json_t *spec)
{
    strategy_t *strategy = reader->strategy;

    for (size_t i = 0; i < RULE_COUNT; i++) {
        const json_t *text = json_object_get(spec, rule_names[i]);

        if (!text || json_is_null(text))
            continue;
        const tm_err_t err = compile(reader, rule_names[i], text, &strategy->rules[i]);
        if (err)
            return err;
        if (!strategy->rules[i].is_bool)
            return fail(reader, "%s: must be a condition, not a number", rule_names[i]);
        strategy->has_rule[i] = true;
    }
    if (!strategy->has_rule[RULE_entry_long] && !strategy->has_rule[RULE_entry_short])
        return fail(
            reader,
            "entry_long: there is no entry; one of entry_long and entry_short is needed");
    for (size_t i = 0; i < RULE_COUNT; i++)
        strategy->rule_params[i] = expr_params(&strategy->scope, &strategy->rules[i]);
    return TM_OK;
}

static tm_err_t
read_head(const struct reader *reader, const json_t *spec)
{
    strategy_t *strategy = reader->strategy;
    const json_t *reversing = json_object_get(spec, "reversing"),
                 *tags = json_object_get(spec, "tags");
    tm_err_t err = read_text(reader, spec, "id", strategy->id, sizeof strategy->id);

    if (!err)
        err = read_text(reader, spec, "name", strategy->name, sizeof strategy->name);
    if (!err)
        err = read_text(reader, spec, "description", strategy->description,
                        sizeof strategy->description);
    if (err)
        return err;
    if (!is_uuid(strategy->id))
        return fail(reader, "id: must be a UUID, such as 8fd7589a-97c6-49bf-a65e-357fb063fe33");
    if (!strategy->name[0])
        return fail(reader, "name: is missing");
    if (reversing && !json_is_boolean(reversing))
        return fail(reader, "reversing: must be true or false");
    strategy->is_reversing = json_is_true(reversing);
    if (tags && (!json_is_array(tags) || json_array_size(tags) > TAGS_MAX))
        return fail(reader, "tags: must be a list of at most %d texts", TAGS_MAX);
    for (size_t i = 0; i < json_array_size(tags); i++) {
        if (!json_is_string(json_array_get(tags, i)))
            return fail(reader, "tags: must be a list of texts");
    }
    return TM_OK;
}

/* Do the lengths work with the defaults? A spec that never could is refused here. */
static tm_err_t
check_lengths(const struct reader *reader)
{
    const strategy_t *strategy = reader->strategy;
    double params[STRATEGY_PARAMS_MAX];

    strategy_defaults(strategy, params);
    for (size_t i = 0; i < strategy->scope.column_count; i++) {
        const struct column_def *column = &strategy->scope.columns[i];

        if (column->kind == COLUMN_PROGRAM)
            continue;
        const double length = program_scalar(&column->length, params);
        if (!(length >= 1 && length <= EXPR_LENGTH_MAX) || floor(length) != length)
            return fail(reader,
                        "indicators: with the default params a length is %g; it must be a "
                        "whole number from 1 to %d",
                        length, EXPR_LENGTH_MAX);
    }
    return TM_OK;
}

static tm_err_t
read_spec(const struct reader *reader, const json_t *spec)
{
    if (!json_is_object(spec))
        return fail(reader, "a strategy is a JSON object");
    tm_err_t err = read_head(reader, spec);
    if (!err)
        err = read_params(reader, json_object_get(spec, "params"));
    if (!err)
        err = read_indicators(reader, json_object_get(spec, "indicators"));
    if (!err)
        err = read_rules(reader, spec);
    if (!err)
        err = check_lengths(reader);
    return err;
}

tm_err_t
strategy_from_json(const json_t *spec, strategy_t **ret, char *detail, size_t detail_size)
{
    strategy_t *self = calloc(1, sizeof *self);

    if (!self)
        return TM_NO_MEMORY;
    const struct reader reader = {self, detail, detail_size};
    const tm_err_t err = read_spec(&reader, spec);
    if (err)
        strategy_destroy(&self);
    else
        *ret = self;
    return err;
}

/* Depth of brackets outside of texts; a bomb of them never reaches the JSON parser. */
static bool
nests_too_deeply(const char *json, size_t size)
{
    int depth = 0;
    bool in_text = false;

    for (size_t i = 0; i < size; i++) {
        if (in_text && json[i] == '\\')
            i++;
        else if (json[i] == '"')
            in_text = !in_text;
        else if (!in_text && (json[i] == '{' || json[i] == '['))
            depth++;
        else if (!in_text && (json[i] == '}' || json[i] == ']'))
            depth--;
        if (depth > NESTING_MAX)
            return true;
    }
    return false;
}

tm_err_t
strategy_parse(const char *json, size_t size, strategy_t **ret, char *detail,
               size_t detail_size)
{
    const struct reader reader = {NULL, detail, detail_size};
    json_error_t error;

    if (size > STRATEGY_JSON_MAX_BYTES)
        return fail(&reader, "the specification is larger than %d bytes",
                    STRATEGY_JSON_MAX_BYTES);
    if (nests_too_deeply(json, size))
        return fail(&reader, "the specification nests more than %d levels", NESTING_MAX);
    json_t *spec = json_loadb(json, size, JSON_REJECT_DUPLICATES, &error);
    if (!spec)
        return fail(&reader, "line %d, column %d: %s", error.line, error.column, error.text);
    const tm_err_t err = strategy_from_json(spec, ret, detail, detail_size);
    json_decref(spec);
    return err;
}

void
strategy_destroy(strategy_t **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

const char *
strategy_id(const strategy_t *self)
{
    return self->id;
}

const char *
strategy_name(const strategy_t *self)
{
    return self->name;
}

const char *
strategy_description(const strategy_t *self)
{
    return self->description;
}

size_t
strategy_param_count(const strategy_t *self)
{
    return self->param_count;
}

const struct strategy_param *
strategy_param(const strategy_t *self, size_t index)
{
    return &self->params[index];
}

int
strategy_param_index(const strategy_t *self, const char *name)
{
    for (size_t i = 0; i < self->param_count; i++) {
        if (strcmp(self->params[i].name, name) == 0)
            return (int)i;
    }
    return -1;
}

void
strategy_defaults(const strategy_t *self, double params[STRATEGY_PARAMS_MAX])
{
    for (size_t i = 0; i < STRATEGY_PARAMS_MAX; i++)
        params[i] = i < self->param_count ? self->params[i].default_value : 0.0;
}

tm_err_t
strategy_check_params(const strategy_t *self, const double *params, char *detail,
                      size_t detail_size)
{
    for (size_t i = 0; i < self->param_count; i++) {
        const struct strategy_param *param = &self->params[i];
        const bool is_inside = params[i] >= param->min && params[i] <= param->max;

        if (is_inside && (!param->is_int || floor(params[i]) == params[i]))
            continue;
        if (detail && detail_size)
            snprintf(detail, detail_size, "%s is %.10g; it must be %s from %.10g to %.10g",
                     param->name, params[i], param->is_int ? "a whole number" : "a number",
                     param->min, param->max);
        return TM_INVALID_PARAM_SPACE;
    }
    return TM_OK;
}
