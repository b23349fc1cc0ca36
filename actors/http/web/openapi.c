#include "actors/http/web/openapi.h"

#include "actors/http/core/form.h"
#include "actors/http/auth/admin_auth.h"
#include "actors/http/web/openapi.def"
#include "actors/http/core/request.h"
#include "actors/kit/util/auto.h"
#include "actors/kit/contracts/tune_field.h"

/* --- schemas ------------------------------------------------------------------------------ */

static json_t *
ref(const char *name)
{
    char text[128];

    snprintf(text, sizeof(text), "#/components/schemas/%s", name);
    return json_pack("{s:s}", "$ref", text);
}

/* A member's type as openapi.def writes it: "text", "uuid", "integer?", "[Leader]", "Summary".
 */
static json_t *
schema_of(const char *type)
{
    static const struct {
        const char *name, *type, *format;
    } kinds[] = {
        {"text", "string", NULL},        {"uuid", "string", "uuid"},
        {"time", "string", "date-time"}, {"integer", "integer", NULL},
        {"number", "number", NULL},      {"boolean", "boolean", NULL},
        {"page", "string", NULL},        {"file", "string", "binary"},
        {"object", "object", NULL},      {"array", "array", NULL},
    };
    size_t size = strcspn(type, "?]");
    json_t *schema = NULL;

    if (*type == '[')
        return json_pack("{s:s, s:o}", "type", "array", "items", schema_of(type + 1));
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && !schema; i++)
        if (strlen(kinds[i].name) == size && memcmp(kinds[i].name, type, size) == 0)
            schema = json_pack("{s:s, s:s*}", "type", kinds[i].type, "format", kinds[i].format);
    if (!schema) {
        char name[64];
        snprintf(name, sizeof(name), "%.*s", (int)size, type);
        schema = ref(name);
    }
    if (type[size] == '?')
        schema = json_pack("{s:[o, {s:s}]}", "anyOf", schema, "type", "null");
    return schema;
}

static void
add_member(json_t *schemas, const char *schema, const char *name, const char *type)
{
    json_t *object = json_object_get(schemas, schema);

    if (!object) {
        object = json_pack("{s:s, s:{}}", "type", "object", "properties");
        json_object_set_new(schemas, schema, object);
    }
    json_object_set_new(json_object_get(object, "properties"), name, schema_of(type));
}

static json_t *
schemas(void)
{
    static const struct {
        const char *schema, *name, *type;
    } members[] = {
#define O(schema, name, type) {#schema, #name, type},
        OPENAPI_MEMBERS(O)
#undef O
    };
    json_t *all = json_object();

    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        add_member(all, members[i].schema, members[i].name, members[i].type);
    return all;
}

/* "a b c" as an array of texts */
static json_t *
words(const char *text)
{
    json_t *array = json_array();

    for (; *text; text += strspn(text, " ")) {
        size_t size = strcspn(text, " ");

        json_array_append_new(array, json_stringn(text, size));
        text += size;
    }
    return array;
}

/* --- fields, from their rows -------------------------------------------------------------- */

static json_t *
number_schema(const field_t *row)
{
    const bool is_int = row->kind == FIELD_INT;

    return json_pack("{s:s, s:o, s:o}", "type", is_int ? "integer" : "number", "minimum",
                     is_int ? json_integer((json_int_t)row->min) : json_real(row->min),
                     "maximum",
                     is_int ? json_integer((json_int_t)row->max) : json_real(row->max));
}

static json_t *
text_schema(const field_t *row)
{
    return json_pack("{s:s, s:I, s:I}", "type", "string", "minLength", (json_int_t)row->min,
                     "maxLength", (json_int_t)row->max);
}

static json_t *
row_schema(const field_t *row)
{
    switch (row->kind) {
    case FIELD_BOOL:
        return json_pack("{s:s}", "type", "boolean");
    case FIELD_INT:
    case FIELD_NUMBER:
        return number_schema(row);
    case FIELD_TEXT:
    case FIELD_NAME:
        return text_schema(row);
    case FIELD_CHOICE:
        return json_pack("{s:s, s:o}", "type", "string", "enum", words(row->choices));
    case FIELD_UUID:
        return json_pack("{s:s, s:s}", "type", "string", "format", "uuid");
    case FIELD_DATE:
        return json_pack("{s:s, s:s}", "type", "string", "format", "date");
    case FIELD_TIME:
        return json_pack("{s:s, s:s}", "type", "string", "format", "date-time");
    case FIELD_OBJECT:
        return json_pack("{s:s, s:s, s:I}", "type", "string", "contentMediaType", JSON_TYPE,
                         "maxLength", (json_int_t)row->max);
    case FIELD_LIST:
        return json_pack("{s:s}", "type", "array");
    case FIELD_FILE:
        return json_pack("{s:s, s:s}", "type", "string", "format", "binary");
    }
    return json_object();
}

static json_t *
described(const field_t *row)
{
    json_t *schema = row_schema(row);
    json_t *standard = row->standard ? json_loads(row->standard, JSON_DECODE_ANY, NULL) : NULL;

    if (row->standard && !standard)
        standard = json_string(row->standard);
    json_object_set_new(schema, "description", json_string(row->help));
    if (standard)
        json_object_set_new(schema, "default", standard);
    return schema;
}

static json_t *
uuid_schema(void)
{
    return row_schema(&(field_t){.kind = FIELD_UUID});
}

static json_t *
form_schema(unsigned form, const settings_t *settings)
{
    json_t *fields = json_object();

    for (size_t i = 0; i < tune_fields.count; i++) {
        struct tune_limited limited;

        tune_field_limited(&tune_fields.rows[i], settings, &limited);
        if (limited.row.flags & form)
            json_object_set_new(fields, limited.row.name, described(&limited.row));
    }
    return json_pack("{s:s, s:o, s:[s, s]}", "type", "object", "properties", fields, "required",
                     "file", "strategy_entity_id");
}

/* --- operations --------------------------------------------------------------------------- */

static json_t *
parameter(const char *where, const char *name, bool is_required, json_t *schema,
          const char *doc)
{
    return json_pack("{s:s, s:s, s:b, s:o, s:s}", "in", where, "name", name, "required",
                     is_required, "schema", schema, "description", doc);
}

static json_t *
query_schema(const field_t *row)
{
    json_t *schema = row_schema(row);

    if (row->flags & QUERY_MANY)
        return json_pack("{s:s, s:o, s:I, s:I, s:b}", "type", "array", "items", schema,
                         "minItems", (json_int_t)row->min, "maxItems", (json_int_t)row->max,
                         "uniqueItems", 1);
    if (row->standard)
        json_object_set_new(schema, "default",
                            json_loads(row->standard, JSON_DECODE_ANY, NULL));
    return schema;
}

static json_t *
parameters_of(const route_t *route)
{
    json_t *list = json_array();
    if (route->access != ACCESS_OPEN) {
        json_array_append_new(
            list, parameter("header", "X-Workspace-Id", false, uuid_schema(), "the workspace"));
        json_array_append_new(list, parameter("query", "workspace_id", false, uuid_schema(),
                                              "the same; both must agree"));
    }
    if (strstr(route->path, "{id}"))
        json_array_append_new(list, parameter("path", "id", true, uuid_schema(), "the id"));
    if (strstr(route->path, "{name}"))
        json_array_append_new(list, parameter("path", "name", true,
                                              json_pack("{s:s, s:s}", "type", "string",
                                                        "pattern", "^[a-z0-9._-]{1,64}$"),
                                              "the name"));
    for (size_t i = 0; i < query_fields.count; i++) {
        const field_t *row = &query_fields.rows[i];

        if (row->flags & QUERY_SET(route->query))
            json_array_append_new(list, parameter("query", row->name, row->flags & QUERY_MANY,
                                                  query_schema(row), row->help));
    }
    if (route->body == BODY_TUNE) {
        json_array_append_new(
            list, parameter("header", "X-Idempotency-Key", false,
                            json_pack("{s:s, s:i}", "type", "string", "maxLength", 200),
                            "the same key and request: one tune, one answer"));
        json_array_append_new(list, parameter("header", "Prefer", false,
                                              json_pack("{s:s}", "type", "string"),
                                              "wait=SECONDS, or respond-async"));
    }
    return list;
}

static json_t *
response(const char *doc, const char *type, json_t *schema)
{
    return json_pack("{s:s, s:{s:{s:o}}}", "description", doc, "content", type, "schema",
                     schema);
}

static const char *
media_type(const char *answer)
{
    static const char *const types[][2] = {
        {"text", "text/plain"}, {"page", "text/html"}, {"file", "*/*"}};

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (strcmp(types[i][0], answer) == 0)
            return types[i][1];
    return JSON_TYPE;
}

static json_t *
responses_of(const route_t *route)
{
    json_t *all = json_object();

    if (strcmp(route->answer, "elsewhere") == 0)
        json_object_set_new(all, "303", json_pack("{s:s}", "description", "see Location"));
    else if (!route->answer[0])
        json_object_set_new(all, "204", json_pack("{s:s}", "description", "done"));
    else
        json_object_set_new(
            all, "200", response("done", media_type(route->answer), schema_of(route->answer)));
    if (route->body == BODY_TUNE)
        json_object_set_new(
            all, "202",
            response("accepted; see Location", JSON_TYPE, schema_of(route->answer)));
    json_object_set_new(all, "default", response("a problem", PROBLEM_TYPE, ref("Problem")));
    return all;
}

/* NULL: there is none. */
static json_t *
body_of(const route_t *route, const settings_t *settings)
{
    char schema[80];

    snprintf(schema, sizeof(schema), "BODY_%s", route->id);
    switch (route->body) {
    case BODY_NONE:
        break;
    case BODY_TUNE:
    case BODY_BACKTEST:
        return json_pack(
            "{s:b, s:{s:{s:o}}}", "required", 1, "content", "multipart/form-data", "schema",
            form_schema(route->body == BODY_TUNE ? TUNE_FORM : BACKTEST_FORM, settings));
    case BODY_SMALL:
    case BODY_OPTIONAL:
        return json_pack("{s:b, s:{s:{s:o}, s:{s:o}}}", "required", route->body == BODY_SMALL,
                         "content", JSON_TYPE, "schema", ref(schema),
                         "application/x-www-form-urlencoded", "schema", ref(schema));
    case BODY_JSON:
        return json_pack("{s:b, s:{s:{s:o}}}", "required", 1, "content", JSON_TYPE, "schema",
                         ref(schema));
    }
    return NULL;
}

/* What opens the route: any of the list. NULL: nothing is asked. */
static json_t *
security_of(const route_t *route)
{
    json_t *any = NULL;

    switch (route->access) {
    case ACCESS_OPEN:
    case ACCESS_WORKSPACE:
    case ACCESS_FORM:
        break;
    case ACCESS_STREAM:
    case ACCESS_ADMIN:
        any = json_pack("[{s:[]}, {s:[]}, {s:[]}]", "admin_header", "admin_bearer",
                        "admin_cookie");
        if (route->access == ACCESS_STREAM)
            json_array_append_new(any, json_pack("{s:[]}", "ticket"));
        break;
    }
    return any;
}

static json_t *
security_schemes(void)
{
    return json_pack("{s:{s:s, s:s, s:s}, s:{s:s, s:s}, s:{s:s, s:s, s:s}, s:{s:s, s:s, s:s}}",
                     "admin_header", "type", "apiKey", "in", "header", "name", "X-Admin-Token",
                     "admin_bearer", "type", "http", "scheme", "bearer", "admin_cookie", "type",
                     "apiKey", "in", "cookie", "name", ADMIN_COOKIE, "ticket", "type", "apiKey",
                     "in", "cookie", "name", TICKET_COOKIE);
}

static json_t *
operation(const route_t *route, const settings_t *settings)
{
    json_t *body = body_of(route, settings), *security = security_of(route);
    json_t *self =
        json_pack("{s:s, s:s, s:o, s:o}", "operationId", route->id, "summary", route->summary,
                  "parameters", parameters_of(route), "responses", responses_of(route));

    if (body)
        json_object_set_new(self, "requestBody", body);
    if (security)
        json_object_set_new(self, "security", security);
    return self;
}

/* A method's name: capitals. */
static void
lower(const char *text, char *ret, size_t size)
{
    size_t i = 0;

    for (; text[i] && i + 1 < size; i++)
        ret[i] = (char)(text[i] - 'A' + 'a');
    ret[i] = '\0';
}

static json_t *
paths(const settings_t *settings)
{
    json_t *all = json_object();
    const route_t *route;

    for (size_t i = 0; (route = route_at(i)); i++) {
        json_t *path = json_object_get(all, route->path);
        char method[16];

        if (!path) {
            path = json_object();
            json_object_set_new(all, route->path, path);
        }
        lower(route->method, method, sizeof(method));
        json_object_set_new(path, method, operation(route, settings));
    }
    return all;
}

char *
openapi_render(const settings_t *settings)
{
    tm_auto(json) root =
        json_pack("{s:s, s:{s:s, s:s}, s:o, s:{s:o, s:o}}", "openapi", "3.1.0", "info", "title",
                  "Tunemill", "version", TM_VERSION, "paths", paths(settings), "components",
                  "schemas", schemas(), "securitySchemes", security_schemes());
    return json_dumps(root, JSON_COMPACT);
}

void
openapi_run(request_t *request)
{
    const settings_t *settings = request_bridge(request)->settings;
    char *text;

    if (!settings->http_docs_enabled) {
        request_fail(request, TM_NOT_FOUND, "");
        return;
    }
    text = openapi_render(settings);
    request_reply(request, MHD_HTTP_OK, JSON_TYPE, &text, strlen(text));
}
