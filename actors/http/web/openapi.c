#include "actors/http/web/openapi.h"

#include "actors/http/core/form.h"
#include "actors/http/auth/admin_auth.h"
#include "actors/http/web/openapi.def"
#include "actors/http/core/answer.h"
#include "actors/http/web/routes.def"
#include "actors/kit/util/auto.h"
#include "actors/kit/contracts/tune_request.def"

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

/* --- the form of a tune ------------------------------------------------------------------- */

static json_t *
field_uuid(const char *choices, double min, double max)
{
    (void)choices;
    (void)min;
    (void)max;
    return json_pack("{s:s, s:s}", "type", "string", "format", "uuid");
}

static json_t *
field_choice(const char *choices, double min, double max)
{
    (void)min;
    (void)max;
    return json_pack("{s:s, s:o}", "type", "string", "enum", words(choices));
}

static json_t *
field_int(const char *choices, double min, double max)
{
    json_t *field = json_pack("{s:s, s:I}", "type", "integer", "minimum", (json_int_t)min);

    (void)choices;
    if (max > min)
        json_object_set_new(field, "maximum", json_integer((json_int_t)max));
    return field;
}

static json_t *
field_num(const char *choices, double min, double max)
{
    (void)choices;
    return json_pack("{s:s, s:f, s:f}", "type", "number", "minimum", min, "maximum", max);
}

static json_t *
field_json(const char *choices, double min, double max)
{
    (void)choices;
    (void)min;
    return json_pack("{s:s, s:s, s:I}", "type", "string", "contentMediaType", JSON_TYPE,
                     "maxLength", (json_int_t)max);
}

static json_t *
field_date(const char *choices, double min, double max)
{
    (void)choices;
    (void)min;
    (void)max;
    return json_pack("{s:s, s:s}", "type", "string", "format", "date");
}

static void
add_field(json_t *fields, const char *name, json_t *schema, const char *standard,
          const char *doc)
{
    json_object_set_new(schema, "description", json_string(doc));
    if (standard) {
        json_t *value = json_loads(standard, JSON_DECODE_ANY, NULL);
        json_object_set_new(schema, "default", value ? value : json_string(standard));
    }
    json_object_set_new(fields, name, schema);
}

#define TUNE_FIELD_CHOICES_UUID(name)   ""
#define TUNE_FIELD_CHOICES_INT(name)    ""
#define TUNE_FIELD_CHOICES_NUM(name)    ""
#define TUNE_FIELD_CHOICES_JSON(name)   ""
#define TUNE_FIELD_CHOICES_DATE(name)   ""
#define TUNE_FIELD_CHOICES_CHOICE(name) TUNE_CHOICES_##name
#define field_UUID                      field_uuid
#define field_CHOICE                    field_choice
#define field_INT                       field_int
#define field_NUM                       field_num
#define field_JSON                      field_json
#define field_DATE                      field_date

static json_t *
tune_form(const settings_t *settings)
{
    json_t *fields = json_object(), *trials;

    add_field(fields, "file", json_pack("{s:s, s:s}", "type", "string", "format", "binary"),
              NULL, "open, high, low, close, volume by date, as CSV");
    add_field(fields, "workspace_id", field_uuid("", 0, 0), NULL, "as X-Workspace-Id");
#define T(name, KIND, standard, min, max, error, doc)                                 \
    add_field(fields, #name, field_##KIND(TUNE_FIELD_CHOICES_##KIND(name), min, max), \
              standard, doc);
    TUNE_FIELDS(T)
#undef T
    trials = json_object_get(fields, "n_trials");
    json_object_set_new(trials, "maximum", json_integer(settings->tune_max_trials));
    json_object_set_new(trials, "default", json_integer(settings->tune_default_trials));
    return json_pack("{s:s, s:o, s:[s, s]}", "type", "object", "properties", fields, "required",
                     "file", "strategy_entity_id");
}

/* The fields of a tune that a back-test has too. */
static json_t *
backtest_form(const settings_t *settings)
{
    static const char *const kept[] = {"file",         "workspace_id", "strategy_entity_id",
                                       "oos_ratio",    "initial_cash", "commission_bps",
                                       "slippage_bps", "date_from",    "date_to"};
    json_t *form = tune_form(settings), *all = json_object_get(form, "properties");
    json_t *fields = json_object();

    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
        json_object_set(fields, kept[i], json_object_get(all, kept[i]));
    add_field(fields, "params", field_json("", 0, FORM_FIELD_BYTES), "{}",
              "the strategy's params, as {\"period\": 20}; others have their default");
    json_object_set_new(form, "properties", fields);
    return form;
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
query_schema(const query_field_t *field)
{
    switch (field->kind) {
    case QUERY_UUID:
        return field_uuid("", 0, 0);
    case QUERY_UUIDS:
        return json_pack("{s:s, s:o, s:I, s:I, s:b}", "type", "array", "items",
                         field_uuid("", 0, 0), "minItems", (json_int_t)field->min, "maxItems",
                         (json_int_t)field->max, "uniqueItems", 1);
    case QUERY_WORD:
        return field_choice(field->choices, 0, 0);
    case QUERY_BOOL:
        return json_pack("{s:s}", "type", "boolean");
    case QUERY_TEXT:
        return json_pack("{s:s, s:I}", "type", "string", "maxLength", (json_int_t)field->max);
    case QUERY_INT:
        return json_pack("{s:s, s:I, s:I, s:o*}", "type", "integer", "minimum",
                         (json_int_t)field->min, "maximum", (json_int_t)field->max, "default",
                         field->standard < field->min ? NULL : json_integer(field->standard));
    case QUERY_NAME:
        return json_pack("{s:s, s:i, s:i}", "type", "string", "minLength", 1, "maxLength",
                         QUERY_NAME_MAX);
    case QUERY_TIME:
        return json_pack("{s:s, s:s}", "type", "string", "format", "date-time");
    }
    return json_object();
}

static const struct {
    const char *id;
    enum body_kind {
        BODY_NONE,
        BODY_TUNE,
        BODY_BACKTEST,
        BODY_SMALL,
        BODY_OPTIONAL,
        BODY_JSON
    } kind;
} bodies[] = {{"TUNE_SUBMIT", BODY_TUNE},   {"BACKTEST_NEW", BODY_BACKTEST},
              {"LOGIN", BODY_SMALL},        {"TUNE_EXPLAIN", BODY_OPTIONAL},
              {"MATCH_EXPLAIN", BODY_JSON}, {"MATCH_RUN", BODY_JSON},
              {"WEAK_RUN", BODY_JSON}};

static enum body_kind
body_kind_of(const route_t *route)
{
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
        if (strcmp(bodies[i].id, route->id) == 0)
            return bodies[i].kind;
    return BODY_NONE;
}

static json_t *
parameters_of(const route_t *route)
{
    json_t *list = json_array();
    const query_field_t *field;

    if (route->access != ACCESS_OPEN) {
        json_array_append_new(list, parameter("header", "X-Workspace-Id", false,
                                              field_uuid("", 0, 0), "the workspace"));
        json_array_append_new(list,
                              parameter("query", "workspace_id", false, field_uuid("", 0, 0),
                                        "the same; both must agree"));
    }
    if (strstr(route->path, "{id}"))
        json_array_append_new(list,
                              parameter("path", "id", true, field_uuid("", 0, 0), "the id"));
    if (strstr(route->path, "{name}"))
        json_array_append_new(list, parameter("path", "name", true,
                                              json_pack("{s:s, s:s}", "type", "string",
                                                        "pattern", "^[a-z0-9._-]{1,64}$"),
                                              "the name"));
    for (size_t i = 0; (field = query_field_at(i)); i++)
        if (field->set & route->query)
            json_array_append_new(list,
                                  parameter("query", field->name, field->kind == QUERY_UUIDS,
                                            query_schema(field), field->doc));
    if (body_kind_of(route) == BODY_TUNE) {
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
    if (body_kind_of(route) == BODY_TUNE)
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
    switch (body_kind_of(route)) {
    case BODY_NONE:
        break;
    case BODY_TUNE:
    case BODY_BACKTEST:
        return json_pack(
            "{s:b, s:{s:{s:o}}}", "required", 1, "content", "multipart/form-data", "schema",
            body_kind_of(route) == BODY_TUNE ? tune_form(settings) : backtest_form(settings));
    case BODY_SMALL:
    case BODY_OPTIONAL:
        return json_pack("{s:b, s:{s:{s:o}, s:{s:o}}}", "required",
                         body_kind_of(route) == BODY_SMALL, "content", JSON_TYPE, "schema",
                         ref(schema), "application/x-www-form-urlencoded", "schema",
                         ref(schema));
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
paths(const settings_t *settings, const struct route_table *routes)
{
    json_t *all = json_object();

    for (size_t i = 0; i < routes->count; i++) {
        const route_t *route = &routes->rows[i];
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
openapi_render(const settings_t *settings, const struct route_table *routes)
{
    tm_auto(json) root =
        json_pack("{s:s, s:{s:s, s:s}, s:o, s:{s:o, s:o}}", "openapi", "3.1.0", "info", "title",
                  "Tunemill", "version", TM_VERSION, "paths", paths(settings, routes),
                  "components", "schemas", schemas(), "securitySchemes", security_schemes());
    return json_dumps(root, JSON_COMPACT);
}

void
openapi_run(request_t *request)
{
    const settings_t *settings = request_bridge(request)->settings;
    char *text;

    if (!settings->http_docs_enabled) {
        answer_fail(request, TM_NOT_FOUND, "");
        return;
    }
    text = openapi_render(settings, request_bridge(request)->routes);
    answer_json(request, &text);
}
