#include "tests/unit/http/openapi_document.h"

#include <stdio.h>
#include <string.h>

#include "actors/http/core/query.h"
#include "actors/http/http.h"
#include "actors/http/web/embedded.h"

static json_t *document;

const route_t *
route_at(size_t index)
{
    return index < http_routes.count ? &http_routes.rows[index] : NULL;
}

void
openapi_document_setup(void)
{
    document = json_loadb((const char *)web_openapi.data, web_openapi.size,
                          JSON_REJECT_DUPLICATES, NULL);
    ck_assert_ptr_nonnull(document);
}

void
openapi_document_teardown(void)
{
    json_decref(document);
}

json_t *
openapi_document(void)
{
    return document;
}

json_t *
openapi_component(const char *kind, const char *name)
{
    json_t *components = json_object_get(document, "components");

    return json_object_get(json_object_get(components, kind), name);
}

json_t *
openapi_properties(const char *schema)
{
    return json_object_get(openapi_component("schemas", schema), "properties");
}

json_t *
openapi_resolved(json_t *node)
{
    const char *to = json_string_value(json_object_get(node, "$ref"));
    char kind[32], name[64];

    if (!to)
        return node;
    ck_assert_msg(sscanf(to, "#/components/%31[^/]/%63s", kind, name) == 2, "%s", to);
    node = openapi_component(kind, name);
    ck_assert_msg(node != NULL, "%s leads nowhere", to);
    return node;
}

json_t *
openapi_operation(const route_t *route)
{
    json_t *path = json_object_get(json_object_get(document, "paths"), route->path);
    char method[16] = "";

    for (size_t i = 0; route->method[i] && i + 1 < sizeof(method); i++)
        method[i] = (char)(route->method[i] - 'A' + 'a');
    path = json_object_get(path, method);
    ck_assert_msg(path != NULL, "%s %s is not described", route->method, route->path);
    return path;
}

json_t *
openapi_words(const char *text)
{
    json_t *array = json_array();

    while (*text) {
        size_t size = strcspn(text, " ");

        json_array_append_new(array, json_stringn(text, size));
        text += size;
        text += strspn(text, " ");
    }
    return array;
}

json_t *
openapi_name_pattern(const char *characters)
{
    return json_sprintf("^[%s]{1,%d}$", characters, QUERY_NAME_MAX);
}

static json_t *
number_schema(const char *type, const field_t *row)
{
    return json_pack("{s:s, s:f, s:f}", "type", type, "minimum", row->min, "maximum", row->max);
}

#define DATE_PATTERN                                                                   \
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?(Z|[+-]" \
    "[0-9]{2}:?[0-9]{2})?)?$"

static json_t *
format_schema(const char *format)
{
    return json_pack("{s:s, s:s}", "type", "string", "format", format);
}

static json_t *
schema_of(const field_t *row)
{
    switch (row->kind) {
    case FIELD_BOOL:
        return json_pack("{s:s}", "type", "boolean");
    case FIELD_INT:
        return number_schema("integer", row);
    case FIELD_NUMBER:
        return number_schema("number", row);
    case FIELD_TEXT:
        return json_pack("{s:s, s:f, s:f}", "type", "string", "minLength", row->min,
                         "maxLength", row->max);
    case FIELD_CHOICE:
        return json_pack("{s:s, s:o}", "type", "string", "enum", openapi_words(row->choices));
    case FIELD_NAME:
        return json_pack("{s:s, s:o}", "type", "string", "pattern",
                         openapi_name_pattern(row->choices));
    case FIELD_UUID:
        return format_schema("uuid");
    case FIELD_DATE:
        return json_pack("{s:s, s:s}", "type", "string", "pattern", DATE_PATTERN);
    case FIELD_TIME:
        return format_schema("date-time");
    case FIELD_OBJECT:
        return json_pack("{s:s, s:s, s:f}", "type", "string", "contentMediaType",
                         "application/json", "maxLength", row->max);
    case FIELD_FILE:
        return json_pack("{s:s, s:s}", "type", "string", "contentMediaType", "text/csv");
    case FIELD_LIST:
        return json_pack("{s:s, s:s}", "type", "string", "contentMediaType",
                         "application/json");
    }
    ck_abort_msg("%s: of no known kind", row->name);
    return NULL;
}

json_t *
openapi_field_schema(const field_t *row)
{
    const bool is_text = row->kind == FIELD_OBJECT;
    json_t *schema = schema_of(row), *standard = NULL;

    if (row->standard && !is_text)
        standard = json_loads(row->standard, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, NULL);
    if (row->standard)
        json_object_set_new(schema, "default",
                            standard ? standard : json_string(row->standard));
    return schema;
}

/* 1 and 1.0 are the same number, which json_equal does not know. */
static void
make_real(json_t *schema)
{
    const char *name;
    json_t *value;
    void *next;

    json_object_foreach_safe(schema, next, name, value)
    {
        if (json_is_number(value))
            json_object_set_new(schema, name, json_real(json_number_value(value)));
    }
}

void
openapi_expect_schema(const json_t *got, json_t *want, const char *what)
{
    tm_auto(json) plain = json_deep_copy(got);
    tm_auto(json) kept = want;
    tm_auto(tm_text) text = NULL;
    tm_auto(tm_text) wanted = NULL;

    json_object_del(plain, "description");
    json_object_del(plain, "contentSchema");
    make_real(plain);
    make_real(kept);
    text = json_dumps(plain, JSON_SORT_KEYS);
    wanted = json_dumps(kept, JSON_SORT_KEYS);
    ck_assert_msg(json_equal(plain, kept), "%s: %s, not %s", what, text ? text : "nothing",
                  wanted);
}
