#include "actors/kit/contracts/tune_field.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "actors/kit/contracts/tune_request.def"
#include "actors/kit/contracts/tune_space.h"

enum { NUMBER_MAX = 64, NAMES_MAX = TUNE_SPACE_NAMES_MAX, DEPTH_MAX = 8 };

#define CHOICES_UUID(name)   NULL
#define CHOICES_INT(name)    NULL
#define CHOICES_NUM(name)    NULL
#define CHOICES_JSON(name)   NULL
#define CHOICES_DATE(name)   NULL
#define CHOICES_CHOICE(name) TUNE_CHOICES_##name

static const tune_field_t fields[] = {
#define T(name, KIND, standard, min, max, err, doc) \
    {#name, TUNE_##KIND, standard, min, max, TM_##err, doc, CHOICES_##KIND(name)},
    TUNE_FIELDS(T)
#undef T
};

const tune_field_t *
tune_field_at(size_t index)
{
    return index < sizeof(fields) / sizeof(fields[0]) ? &fields[index] : NULL;
}

const tune_field_t *
tune_field_find(const char *name)
{
    for (size_t i = 0; tune_field_at(i); i++)
        if (strcmp(fields[i].name, name) == 0)
            return &fields[i];
    return NULL;
}

static json_t *
read_uuid(const tune_field_t *field, const char *text, size_t size,
          struct tune_request_error *ret)
{
    char canonical[TM_UUID_TEXT];
    tm_uuid_t id;

    if (tm_uuid_parse(text, size, &id) == TM_OK)
        return json_string(tm_uuid_text(&id, canonical));
    tune_refuse(ret, field->err, field->name, "is not a UUID");
    return NULL;
}

static json_t *
read_choice(const tune_field_t *field, const char *text, size_t size,
            struct tune_request_error *ret)
{
    const char *at = field->choices;

    while (*at) {
        size_t length = strcspn(at, " ");
        if (length == size && memcmp(at, text, size) == 0)
            return json_stringn(text, size);
        at += length + (at[length] == ' ');
    }
    tune_refuse(ret, field->err, field->name, "is not one of: %s", field->choices);
    return NULL;
}

static bool
read_double(const char *text, size_t size, double *ret)
{
    char copy[NUMBER_MAX + 1], *end;

    if (size == 0 || size > NUMBER_MAX)
        return false;
    memcpy(copy, text, size);
    copy[size] = '\0';
    if (strspn(copy, "+-0123456789.eE") < size)
        return false;
    *ret = strtod(copy, &end);
    return *end == '\0' && isfinite(*ret);
}

static bool
is_whole(const char *text, size_t size)
{
    size_t first = size > 1 && text[0] == '-';

    for (size_t i = first; i < size; i++)
        if (text[i] < '0' || text[i] > '9')
            return false;
    return size > first;
}

static json_t *
read_number(const tune_field_t *field, const char *text, size_t size, double max,
            struct tune_request_error *ret)
{
    double value;
    bool whole = field->kind == TUNE_INT;

    if (!read_double(text, size, &value) || (whole && !is_whole(text, size))) {
        tune_refuse(ret, field->err, field->name, "is not a %snumber", whole ? "whole " : "");
        return NULL;
    }
    if (value < field->min || value > max) {
        tune_refuse(ret, field->err, field->name, "must be between %.15g and %.15g", field->min,
                    max);
        return NULL;
    }
    return whole ? json_integer((json_int_t)value) : json_real(value);
}

/* The number that these digits are. */
static int
digits(const char *text, int count)
{
    int value = 0;

    for (int i = 0; i < count; i++)
        value = value * 10 + (text[i] - '0');
    return value;
}

bool
tune_date_parse(const char *text, int64_t *ret_ms)
{
    static const char form[] = "0000-00-00";
    static const int lengths[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int y, m, d;

    for (size_t i = 0; i < sizeof(form); i++)
        if (form[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
            return false;
    y = digits(text, 4);
    m = digits(text + 5, 2);
    d = digits(text + 8, 2);
    if (y < 1 || m < 1 || m > 12 || d < 1 || d > lengths[m - 1])
        return false;
    if (m == 2 && d == 29 && (y % 4 || (y % 100 == 0 && y % 400)))
        return false;
    /* days since 1970-01-01 of the proleptic Gregorian calendar, years counted from March */
    int64_t years = y - (m <= 2), era = years / 400, of_era = years - era * 400;
    int64_t of_year = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    int64_t days = era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
    *ret_ms = days * 86400000;
    return true;
}

static json_t *
read_date(const tune_field_t *field, const char *text, size_t size,
          struct tune_request_error *ret)
{
    char copy[11] = "";
    int64_t ms;

    if (size == 10)
        memcpy(copy, text, size);
    if (tune_date_parse(copy, &ms))
        return json_string(copy);
    tune_refuse(ret, field->err, field->name, "is not a date of the form YYYY-MM-DD");
    return NULL;
}

size_t
tune_json_depth(const char *text, size_t size)
{
    size_t depth = 0, deepest = 0;
    bool in_string = false;

    for (size_t i = 0; i < size; i++) {
        if (in_string && text[i] == '\\')
            i++;
        else if (text[i] == '"')
            in_string = !in_string;
        else if (!in_string && (text[i] == '{' || text[i] == '['))
            deepest = ++depth > deepest ? depth : deepest;
        else if (!in_string && (text[i] == '}' || text[i] == ']') && depth > 0)
            depth--;
    }
    return deepest;
}

static json_t *
read_object(const tune_field_t *field, const char *text, size_t size,
            struct tune_request_error *ret)
{
    json_error_t error;
    json_t *value;

    if (size > (size_t)field->max) {
        tune_refuse(ret, field->err, field->name, "is longer than %.0f bytes", field->max);
        return NULL;
    }
    if (tune_json_depth(text, size) > DEPTH_MAX) {
        tune_refuse(ret, field->err, field->name, "is nested deeper than %d levels", DEPTH_MAX);
        return NULL;
    }
    value = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    if (!value) {
        tune_refuse(ret, field->err, field->name, "is not valid JSON: line %d, column %d: %s",
                    error.line, error.column, error.text);
        return NULL;
    }
    if (json_is_object(value) && json_object_size(value) <= NAMES_MAX)
        return value;
    json_decref(value);
    tune_refuse(ret, field->err, field->name, "is not a JSON object of at most %d names",
                NAMES_MAX);
    return NULL;
}

json_t *
tune_field_read(const tune_field_t *field, const char *text, size_t size, double max,
                struct tune_request_error *ret)
{
    double limit = field->max > 0 ? field->max : max;

    switch (field->kind) {
    case TUNE_UUID:
        return read_uuid(field, text, size, ret);
    case TUNE_CHOICE:
        return read_choice(field, text, size, ret);
    case TUNE_INT:
    case TUNE_NUM:
        return read_number(field, text, size, limit, ret);
    case TUNE_JSON:
        return read_object(field, text, size, ret);
    case TUNE_DATE:
        return read_date(field, text, size, ret);
    }
    return NULL;
}
