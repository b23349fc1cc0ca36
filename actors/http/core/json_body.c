#include "actors/http/core/json_body.h"

#include <string.h>

#include "actors/http/core/fields.h"
#include "actors/kit/contracts/tune_field.h"

enum { DEPTH_MAX = 16 };

json_t *
json_body_read(const char *type, const char *data, size_t size, struct problem *problem)
{
    json_error_t error = {.line = 0};
    json_t *body;

    if (!fields_is_json_type(type)) {
        problem_init(problem, TM_UNSUPPORTED_MEDIA_TYPE, "send application/json");
        return NULL;
    }
    if (tune_json_depth(data, size) > DEPTH_MAX) {
        problem_init(problem, TM_BAD_REQUEST, "the body is nested deeper than %d", DEPTH_MAX);
        return NULL;
    }
    body = json_loadb(data, size, JSON_REJECT_DUPLICATES, &error);
    if (json_is_object(body))
        return body;
    if (body)
        problem_init(problem, TM_BAD_REQUEST, "the body is not a JSON object");
    else
        problem_init(problem, TM_BAD_REQUEST, "the body is not JSON: line %d, column %d: %s",
                     error.line, error.column, error.text);
    json_decref(body);
    return NULL;
}

static size_t
characters(const char *text)
{
    size_t count = 0;

    for (; *text; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

const char *
json_body_text(const json_t *value, const char *loc, size_t min, size_t max,
               struct problem *problem)
{
    const char *text = json_string_value(value);
    size_t count = text ? characters(text) : 0;
    bool is_absent = !value || json_is_null(value);

    if (is_absent && min == 0)
        return NULL;
    if (is_absent)
        problem_add(problem, TM_VALIDATION_FAILED, loc, "is missing");
    else if (!text || count < min || count > max)
        problem_add(problem, TM_VALIDATION_FAILED, loc,
                    "must be a text of %zu to %zu characters", min, max);
    else
        return text;
    return NULL;
}

static bool
is_word(const char *words, const char *text)
{
    size_t size = strlen(text);

    for (const char *at = words; *at; at += strspn(at, " ")) {
        size_t length = strcspn(at, " ");

        if (length == size && memcmp(at, text, size) == 0)
            return true;
        at += length;
    }
    return false;
}

const char *
json_body_word(const json_t *value, const char *loc, const char *words, struct problem *problem)
{
    const char *text = json_string_value(value);

    if (text && is_word(words, text))
        return text;
    problem_add(problem, TM_VALIDATION_FAILED, loc, "must be one of: %s", words);
    return NULL;
}
