#include "actors/http/core/fields.h"

#include <string.h>
#include <strings.h>

#include "actors/http/core/query.h"

struct fields {
    json_t *object;
};

static bool
is_type(const char *text, const char *type)
{
    size_t size = strlen(type);

    return text && strncasecmp(text, type, size) == 0 && strchr("; \t", text[size]);
}

bool
fields_is_json_type(const char *type)
{
    return is_type(type, "application/json");
}

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

static json_t *
read_json(const char *data, size_t size)
{
    json_t *object = json_loadb(data, size, JSON_REJECT_DUPLICATES, NULL);

    if (json_is_object(object))
        return object;
    json_decref(object);
    return NULL;
}

fields_t *
fields_new(const char *type, const char *data, size_t size, struct problem *problem)
{
    bool is_json = fields_is_json_type(type);
    fields_t *self;
    json_t *object;

    if (!is_json && !is_type(type, "application/x-www-form-urlencoded")) {
        problem_init(problem, TM_UNSUPPORTED_MEDIA_TYPE,
                     "send application/json or application/x-www-form-urlencoded");
        return NULL;
    }
    object = is_json ? read_json(data, size) : read_form(data, size);
    if (!object) {
        problem_init(problem, TM_BAD_REQUEST, "the body is not %s",
                     is_json ? "a JSON object" : "a form, or names a field twice");
        return NULL;
    }
    self = zmalloc(sizeof(*self));
    self->object = object;
    return self;
}

void
fields_destroy(fields_t **self_p)
{
    if (*self_p)
        json_decref((*self_p)->object);
    free(*self_p);
    *self_p = NULL;
}

const char *
fields_text(const fields_t *self, const char *name)
{
    return json_string_value(json_object_get(self->object, name));
}

const json_t *
fields_value(const fields_t *self, const char *name)
{
    return json_object_get(self->object, name);
}
