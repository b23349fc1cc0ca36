#include "actors/http/core/json_body.h"

#include <string.h>
#include <strings.h>

#include "actors/http/core/query.h"
#include "actors/kit/fields/json_text.h"

#define FORM_TYPE "application/x-www-form-urlencoded"

enum { DEPTH_MAX = 16 };

static bool
is_type(const char *text, const char *type)
{
    size_t size = strlen(type);

    return text && strncasecmp(text, type, size) == 0 && strchr("; \t", text[size]);
}

bool
json_body_is_json(const char *type)
{
    return is_type(type, "application/json");
}

static json_t *
read_json(const char *data, size_t size, struct problem *problem)
{
    char why[JSON_TEXT_WHY];
    json_t *body = json_text_object(data, size, DEPTH_MAX, why);

    if (!body)
        problem_init(problem, TM_BAD_REQUEST, "the body is not a JSON object: it %s", why);
    return body;
}

json_t *
json_body_read(const char *type, const char *data, size_t size, struct problem *problem)
{
    if (json_body_is_json(type))
        return read_json(data, size, problem);
    problem_init(problem, TM_UNSUPPORTED_MEDIA_TYPE, "send application/json");
    return NULL;
}

/* --- forms -------------------------------------------------------------------------------- */

static json_t *
decoded(char *text)
{
    for (char *at = text; *at; at++)
        if (*at == '+')
            *at = ' ';
    return json_stringn(text, query_unescape(text));
}

/* "name=value", which is changed. False: not UTF-8, or a second one of its name. */
static bool
add_pair(json_t *object, char *pair)
{
    char *equals = strchr(pair, '='), *value = pair + strlen(pair);
    json_t *name, *text;
    bool is_fine;

    if (equals) {
        *equals = '\0';
        value = equals + 1;
    }
    name = decoded(pair);
    text = decoded(value);
    is_fine = name && text && !json_object_get(object, json_string_value(name)) &&
              json_object_set(object, json_string_value(name), text) == 0;
    json_decref(name);
    json_decref(text);
    return is_fine;
}

static json_t *
read_form(const char *data, size_t size)
{
    char *copy = memchr(data, '\0', size) ? NULL : strndup(data, size);
    json_t *object = json_object();
    bool is_fine = copy != NULL;

    for (char *at = copy, *next; is_fine && at && *at; at = next) {
        char *end = at + strcspn(at, "&");

        next = *end ? end + 1 : end;
        *end = '\0';
        is_fine = *at == '\0' || add_pair(object, at);
    }
    free(copy);
    if (!is_fine) {
        json_decref(object);
        return NULL;
    }
    return object;
}

json_t *
json_body_or_form(const char *type, const char *data, size_t size, struct problem *problem)
{
    json_t *body = NULL;

    if (json_body_is_json(type))
        return read_json(data, size, problem);
    if (!is_type(type, FORM_TYPE))
        problem_init(problem, TM_UNSUPPORTED_MEDIA_TYPE, "send application/json or " FORM_TYPE);
    else if (!(body = read_form(data, size)))
        problem_init(problem, TM_BAD_REQUEST, "the body is not a form, or names a field twice");
    return body;
}

/* --- members ------------------------------------------------------------------------------ */

static void
tell(void *arg, tm_err_t err, const char *name, const char *why)
{
    char loc[80];

    snprintf(loc, sizeof(loc), "body.%s", name);
    problem_add(arg, err, loc, "%s", why);
}

bool
json_body_fields(json_t *body, const struct fields *table, void *owner, struct problem *problem)
{
    fields_read(table, body, owner, tell, problem);
    return !problem->err;
}
