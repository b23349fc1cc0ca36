#include "actors/tune/engine/strategy.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/fields/fields.h"
#include "actors/kit/fields/json_text.h"
#include "actors/tune/engine/strategy_inner.h"

#define PARAM_LIMIT 1e9 /* magnitude of a param's bounds */
#define NESTING_MAX 8   /* of the spec's JSON; tags and params are two deep */
#define TAGS_MAX    32
#define TEXT_MAX    STRATEGY_JSON_MAX_BYTES

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

/* --- members, by their rows --------------------------------------------------------------- */

#define TEXT_ROW(member, least)                          \
    .name = #member, .kind = FIELD_TEXT, .min = (least), \
    .max = sizeof(((struct strategy *)0)->member) - 1, FIELD_AT(struct strategy, member)

static const field_t spec_rows[] = {
    {FIELD_IS("id", UUID), .flags = FIELD_REQUIRED, FIELD_AT(struct strategy, id)},
    {TEXT_ROW(name, 1), .flags = FIELD_REQUIRED},
    {TEXT_ROW(description, 0)},
    {FIELD_IS("tags", LIST), .max = TEXT_MAX, .most = TAGS_MAX},
    {FIELD_IS("params", OBJECT)},
    {FIELD_IS("indicators", OBJECT)},
    {FIELD_IS("reversing", BOOL), FIELD_AT(struct strategy, is_reversing)},
#define R(rule) {.name = #rule, .kind = FIELD_TEXT, .flags = FIELD_ELSEWHERE},
    RULES(R)
#undef R
};
static const struct fields spec_fields = FIELDS_OF(spec_rows);

struct param_given {
    struct strategy_param param;
    const char *type;
};

#define PARAM_ROW(member_name, member)                                                    \
    .name = (member_name), .kind = FIELD_NUMBER, .min = -PARAM_LIMIT, .max = PARAM_LIMIT, \
    FIELD_AT(struct param_given, param.member)

static const field_t param_rows[] = {
    {FIELD_IS_CHOICE("type", "int float"), .flags = FIELD_REQUIRED,
     FIELD_AT(struct param_given, type)},
    {PARAM_ROW("min", min), .flags = FIELD_REQUIRED},
    {PARAM_ROW("max", max), .flags = FIELD_REQUIRED},
    {PARAM_ROW("default", default_value), .flags = FIELD_REQUIRED},
    {PARAM_ROW("step", step)},
    {FIELD_IS("search", LIST), .flags = FIELD_ELSEWHERE},
};
static const struct fields param_fields = FIELDS_OF(param_rows);

static tm_err_t
read_object(const struct reader *reader, const struct fields *table, const char *place,
            json_t *object, void *owner)
{
    struct fields_first first = {.err = TM_OK};
    tm_err_t err = TM_OK;

    fields_read(table, object, owner, fields_tell_first, &first);
    if (first.err)
        err = fail(reader, "%s%.60s: %s", place, first.name, first.why);
    return first.err == TM_UNKNOWN_FIELD ? first.err : err;
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
read_param(const struct reader *reader, const char *name, json_t *json)
{
    strategy_t *strategy = reader->strategy;
    struct param_given given = {.type = NULL};
    char place[STRATEGY_NAME_BYTES + 16];

    if (strategy->param_count == STRATEGY_PARAMS_MAX)
        return fail(reader, "params: more than %d", STRATEGY_PARAMS_MAX);
    if (!expr_is_free_name(name))
        return fail(
            reader,
            "params: a name must be letters, digits and _, at most %d long, and no word "
            "of the language; this one is not: %.40s",
            STRATEGY_NAME_BYTES - 1, name);
    if (!json_is_object(json))
        return fail(reader, "params.%s: is not an object", name);
    snprintf(place, sizeof place, "params.%s.", name);
    tm_err_t err = read_object(reader, &param_fields, place, json, &given);
    if (err)
        return err;
    struct strategy_param param = given.param;
    snprintf(param.name, sizeof param.name, "%s", name);
    param.is_int = given.type[0] == 'i';
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
read_spec(const struct reader *reader, json_t *spec)
{
    if (!json_is_object(spec))
        return fail(reader, "a strategy is a JSON object");
    tm_err_t err = read_object(reader, &spec_fields, "", spec, reader->strategy);
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
strategy_from_json(json_t *spec, strategy_t **ret, char *detail, size_t detail_size)
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

tm_err_t
strategy_parse(const char *json, size_t size, strategy_t **ret, char *detail,
               size_t detail_size)
{
    const struct reader reader = {NULL, detail, detail_size};
    char why[JSON_TEXT_WHY];

    if (size > STRATEGY_JSON_MAX_BYTES)
        return fail(&reader, "the specification is larger than %d bytes",
                    STRATEGY_JSON_MAX_BYTES);
    json_t *spec = json_text_object(json, size, NESTING_MAX, why);
    if (!spec)
        return fail(&reader, "the specification %s", why);
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

bool
strategy_reads_volume(const strategy_t *self)
{
    for (size_t i = 0; i < RULE_COUNT; i++) {
        if (self->has_rule[i] && program_reads(&self->rules[i], SERIES_VOLUME))
            return true;
    }
    for (size_t i = 0; i < self->scope.column_count; i++) {
        if (program_reads(&self->scope.columns[i].input, SERIES_VOLUME))
            return true;
    }
    return false;
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
strategy_unknown_param(const strategy_t *self, const char *name, char *detail,
                       size_t detail_size)
{
    struct fields_near near = {.name = name};

    for (size_t i = 0; i < self->param_count; i++)
        fields_near(&near, self->params[i].name);
    snprintf(detail, detail_size, "the strategy %s has no param %.40s%s%s%s", self->name, name,
             near.best ? "; did you mean " : "", near.best ? near.best : "",
             near.best ? "?" : "");
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
