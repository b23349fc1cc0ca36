/* openapi.json, which is kept by hand, against the tables that the server goes by. What a
 * running system answers is compared with it in tests/e2e/. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/http/core/headers.h"
#include "actors/http/core/query.h"
#include "actors/http/core/route.h"
#include "actors/http/coverage/match_request.h"
#include "actors/http/http.h"
#include "actors/http/web/embedded.h"
#include "actors/kit/bus/topics.h"
#include "actors/kit/contracts/tune_field.h"
#include "actors/kit/contracts/tune_space.h"
#include "actors/kit/health/components.def"
#include "actors/kit/runtime/settings.h"
#include "actors/kit/util/auto.h"
#include "actors/tune/engine/metrics.def"

static json_t *document;

/* NULL: there are no more. */
static const route_t *
route_at(size_t index)
{
    return index < http_routes.count ? &http_routes.rows[index] : NULL;
}

static void
setup(void)
{
    document = json_loadb((const char *)web_openapi.data, web_openapi.size,
                          JSON_REJECT_DUPLICATES, NULL);
    ck_assert_ptr_nonnull(document);
}

static void
teardown(void)
{
    json_decref(document);
}

static json_t *
in_components(const char *kind, const char *name)
{
    json_t *components = json_object_get(document, "components");

    return json_object_get(json_object_get(components, kind), name);
}

static json_t *
properties_of(const char *schema)
{
    return json_object_get(in_components("schemas", schema), "properties");
}

/* What a "$ref" leads to, else the node itself. */
static json_t *
resolved(json_t *node)
{
    const char *to = json_string_value(json_object_get(node, "$ref"));
    char kind[32], name[64];

    if (!to)
        return node;
    ck_assert_msg(sscanf(to, "#/components/%31[^/]/%63s", kind, name) == 2, "%s", to);
    node = in_components(kind, name);
    ck_assert_msg(node != NULL, "%s leads nowhere", to);
    return node;
}

static json_t *
operation_of(const route_t *route)
{
    json_t *path = json_object_get(json_object_get(document, "paths"), route->path);
    char method[16] = "";

    for (size_t i = 0; route->method[i] && i + 1 < sizeof(method); i++)
        method[i] = (char)(route->method[i] - 'A' + 'a');
    path = json_object_get(path, method);
    ck_assert_msg(path != NULL, "%s %s is not described", route->method, route->path);
    return path;
}

/* "a b c" as an array of texts */
static json_t *
words(const char *text)
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

/* The schema is what the table says, but for what it says to people. Takes `want`. */
static void
expect_schema(const json_t *got, json_t *want, const char *what)
{
    tm_auto(json) plain = json_deep_copy(got);
    tm_auto(json) kept = want;
    tm_auto(tm_text) text = NULL;
    tm_auto(tm_text) wanted = NULL;

    json_object_del(plain, "description");
    json_object_del(plain, "contentSchema");
    text = json_dumps(plain, JSON_SORT_KEYS);
    wanted = json_dumps(kept, JSON_SORT_KEYS);
    ck_assert_msg(json_equal(plain, kept), "%s: %s, not %s", what, text ? text : "nothing",
                  wanted);
}

/* --- operations --------------------------------------------------------------------------- */

START_TEST(the_document_and_the_router_know_the_same_operations)
{
    size_t described = 0, routed = 0;
    const char *path, *method;
    json_t *methods, *operation;
    const route_t *route;

    for (; (route = route_at(routed)); routed++)
        ck_assert_str_eq(json_string_value(json_object_get(operation_of(route), "operationId")),
                         route->id);
    json_object_foreach(json_object_get(document, "paths"), path, methods)
        json_object_foreach(methods, method, operation) described++;
    ck_assert_uint_eq(described, routed);
}
END_TEST

static void
check_references(json_t *node)
{
    const char *name;
    size_t index;
    json_t *value;

    resolved(node);
    json_object_foreach(node, name, value) check_references(value);
    json_array_foreach(node, index, value) check_references(value);
}

START_TEST(every_reference_leads_somewhere)
{
    check_references(document);
}
END_TEST

START_TEST(an_operation_says_what_opens_it)
{
    static const size_t ways[] = {[ACCESS_OPEN] = 0,
                                  [ACCESS_WORKSPACE] = 0,
                                  [ACCESS_FORM] = 0,
                                  [ACCESS_ADMIN] = 3,
                                  [ACCESS_STREAM] = 4};
    const route_t *route;

    for (size_t i = 0; (route = route_at(i)); i++) {
        const json_t *security = json_object_get(operation_of(route), "security");

        ck_assert_msg(json_is_array(security), "%s", route->id);
        ck_assert_msg(json_array_size(security) == ways[route->access], "%s", route->id);
    }
}
END_TEST

/* The types of a body, and whether one must be sent; "": there is none. */
static void
expect_body(const route_t *route, bool is_required, const char *types)
{
    const json_t *body = json_object_get(operation_of(route), "requestBody");
    const json_t *content = json_object_get(body, "content");
    tm_auto(json) list = words(types);
    size_t index;
    json_t *type;

    ck_assert_msg(json_object_size(content) == json_array_size(list), "%s", route->id);
    json_array_foreach(list, index, type) ck_assert_msg(
        json_object_get(content, json_string_value(type)) != NULL, "%s", route->id);
    ck_assert_msg(json_is_true(json_object_get(body, "required")) == is_required, "%s",
                  route->id);
}

START_TEST(an_operation_says_what_is_sent_to_it)
{
    static const char form[] = "multipart/form-data", json[] = "application/json",
                      both[] = "application/json application/x-www-form-urlencoded";
    static const struct {
        const char *id;
        bool is_required;
        const char *types;
    } bodies[] = {{"TUNE_SUBMIT", true, form},   {"BACKTEST_NEW", true, form},
                  {"LOGIN", true, both},         {"TUNE_EXPLAIN", false, both},
                  {"MATCH_EXPLAIN", true, json}, {"MATCH_RUN", true, json},
                  {"WEAK_RUN", true, json}};
    const route_t *route;

    for (size_t i = 0, found; (route = route_at(i)); i++) {
        for (found = 0; found < sizeof(bodies) / sizeof(bodies[0]); found++)
            if (strcmp(bodies[found].id, route->id) == 0)
                break;
        if (found < sizeof(bodies) / sizeof(bodies[0]))
            expect_body(route, bodies[found].is_required, bodies[found].types);
        else
            expect_body(route, false, "");
    }
}
END_TEST

/* --- parameters --------------------------------------------------------------------------- */

static json_t *
parameter_of(const route_t *route, const char *where, const char *name)
{
    json_t *list = json_object_get(operation_of(route), "parameters"), *entry;
    size_t index;

    json_array_foreach(list, index, entry)
    {
        json_t *parameter = resolved(entry);

        if (strcmp(json_string_value(json_object_get(parameter, "in")), where) == 0 &&
            strcmp(json_string_value(json_object_get(parameter, "name")), name) == 0)
            return parameter;
    }
    return NULL;
}

static size_t
query_count(const route_t *route)
{
    json_t *list = json_object_get(operation_of(route), "parameters"), *entry;
    size_t index, count = 0;

    json_array_foreach(list, index, entry) count +=
        json_string_value(json_object_get(resolved(entry), "in"))[0] == 'q';
    return count;
}

static json_t *
wanted_name(const char *choices)
{
    return json_pack("{s:s, s:o}", "type", "string", "pattern",
                     json_sprintf("^[%s]{1,%d}$", choices, QUERY_NAME_MAX));
}

static json_t *
wanted_int(const query_field_t *field)
{
    json_t *schema = json_pack("{s:s, s:I, s:I}", "type", "integer", "minimum",
                               (json_int_t)field->min, "maximum", (json_int_t)field->max);

    if (field->standard >= field->min)
        json_object_set_new(schema, "default", json_integer((json_int_t)field->standard));
    return schema;
}

static json_t *
wanted_query(const query_field_t *field)
{
    switch (field->kind) {
    case QUERY_UUID:
        return json_pack("{s:s, s:s}", "type", "string", "format", "uuid");
    case QUERY_UUIDS:
        return json_pack("{s:s, s:{s:s, s:s}, s:I, s:I, s:b}", "type", "array", "items", "type",
                         "string", "format", "uuid", "minItems", (json_int_t)field->min,
                         "maxItems", (json_int_t)field->max, "uniqueItems", 1);
    case QUERY_WORD:
        return json_pack("{s:s, s:o}", "type", "string", "enum", words(field->choices));
    case QUERY_INT:
        return wanted_int(field);
    case QUERY_BOOL:
        return json_pack("{s:s}", "type", "boolean");
    case QUERY_NAME:
        return wanted_name(field->choices);
    case QUERY_TIME:
        return json_pack("{s:s, s:s}", "type", "string", "format", "date-time");
    case QUERY_TEXT:
        return json_pack("{s:s, s:I, s:I}", "type", "string", "minLength",
                         (json_int_t)field->min, "maxLength", (json_int_t)field->max);
    }
    return NULL;
}

static void
expect_query(const route_t *route)
{
    size_t wanted = route->access == ACCESS_OPEN ? 0 : 1; /* workspace_id */
    const query_field_t *field;

    for (size_t i = 0; (field = query_field_at(i)); i++) {
        json_t *parameter;
        char what[128];

        if (!(field->set & route->query))
            continue;
        wanted++;
        snprintf(what, sizeof(what), "%s %s", route->id, field->name);
        parameter = parameter_of(route, "query", field->name);
        ck_assert_msg(parameter != NULL, "%s is not described", what);
        expect_schema(json_object_get(parameter, "schema"), wanted_query(field), what);
        ck_assert_msg(json_is_true(json_object_get(parameter, "required")) ==
                          (field->kind == QUERY_UUIDS),
                      "%s", what);
    }
    ck_assert_msg(query_count(route) == wanted, "%s takes no such parameters", route->id);
}

START_TEST(query_parameters_are_those_of_their_table)
{
    const route_t *route;

    for (size_t i = 0; (route = route_at(i)); i++)
        expect_query(route);
}
END_TEST

START_TEST(what_stands_in_a_path_is_described)
{
    const route_t *route;
    const json_t *name;

    for (size_t i = 0; (route = route_at(i)); i++) {
        ck_assert_msg((strstr(route->path, "{id}") != NULL) ==
                          (parameter_of(route, "path", "id") != NULL),
                      "%s", route->id);
        name = parameter_of(route, "path", "name");
        ck_assert_msg((strstr(route->path, "{name}") != NULL) == (name != NULL), "%s",
                      route->id);
        if (name)
            expect_schema(json_object_get(name, "schema"), wanted_name("a-z0-9._-"), route->id);
    }
}
END_TEST

START_TEST(a_workspace_is_named_where_one_is_taken)
{
    const route_t *route;

    for (size_t i = 0; (route = route_at(i)); i++) {
        const bool is_taken = route->access != ACCESS_OPEN;

        ck_assert_msg(is_taken == (parameter_of(route, "header", "X-Workspace-Id") != NULL) &&
                          is_taken == (parameter_of(route, "query", "workspace_id") != NULL),
                      "%s", route->id);
    }
}
END_TEST

/* --- forms -------------------------------------------------------------------------------- */

/* Largest value and default of n_trials are settings. */
static json_t *
wanted_int_field(const tune_field_t *field, const settings_t *settings)
{
    const bool is_trials = field->max <= field->min;
    const double max = is_trials ? (double)settings->tune_max_trials : field->max;
    json_t *schema = json_pack("{s:s, s:I, s:I}", "type", "integer", "minimum",
                               (json_int_t)field->min, "maximum", (json_int_t)max);

    if (is_trials)
        json_object_set_new(schema, "default", json_integer(settings->tune_default_trials));
    return schema;
}

static json_t *
wanted_field(const tune_field_t *field, const settings_t *settings)
{
    switch (field->kind) {
    case TUNE_UUID:
        return json_pack("{s:s, s:s}", "type", "string", "format", "uuid");
    case TUNE_CHOICE:
        return json_pack("{s:s, s:o}", "type", "string", "enum", words(field->choices));
    case TUNE_INT:
        return wanted_int_field(field, settings);
    case TUNE_NUM:
        return json_pack("{s:s, s:f, s:f}", "type", "number", "minimum", field->min, "maximum",
                         field->max);
    case TUNE_JSON:
        return json_pack("{s:s, s:s, s:I}", "type", "string", "contentMediaType",
                         "application/json", "maxLength", (json_int_t)field->max);
    case TUNE_DATE:
        return json_pack("{s:s, s:s}", "type", "string", "format", "date");
    }
    return NULL;
}

/* 1 and 1.0 are the same number, which json_equal does not know. */
static json_t *
with_reals(const json_t *schema)
{
    json_t *copy = json_deep_copy(schema), *value;
    const char *name;
    void *next;

    json_object_foreach_safe(copy, next, name, value) if (json_is_number(value))
        json_object_set_new(copy, name, json_real(json_number_value(value)));
    return copy;
}

static void
expect_field(const json_t *form, const tune_field_t *field, const settings_t *settings)
{
    const json_t *described = json_object_get(form, field->name);
    tm_auto(json) want = wanted_field(field, settings);
    tm_auto(json) got = with_reals(described);

    ck_assert_msg(described != NULL, "%s is not described", field->name);
    if (field->standard) {
        json_t *standard = json_loads(field->standard, JSON_DECODE_ANY, NULL);

        json_object_set_new(want, "default",
                            standard ? standard : json_string(field->standard));
    }
    expect_schema(got, with_reals(want), field->name);
}

START_TEST(the_form_of_a_tune_is_that_of_its_table)
{
    settings_t *settings = settings_new();
    const json_t *form = properties_of("TuneForm");
    const tune_field_t *field;
    size_t count = 2; /* file, workspace_id */

    for (size_t i = 0; (field = tune_field_at(i)); i++, count++)
        expect_field(form, field, settings);
    ck_assert_uint_eq(json_object_size(form), count);
    ck_assert_ptr_nonnull(json_object_get(form, "file"));
    ck_assert_ptr_nonnull(json_object_get(form, "workspace_id"));
    settings_destroy(&settings);
}
END_TEST

START_TEST(the_form_of_a_back_test_has_fields_of_a_tune_and_params)
{
    settings_t *settings = settings_new();
    json_t *form = properties_of("BacktestForm"), *member;
    const char *name;

    json_object_foreach(form, name, member)
    {
        const tune_field_t *field = tune_field_find(name);

        if (field)
            expect_field(form, field, settings);
        else
            ck_assert_msg(strcmp(name, "file") == 0 || strcmp(name, "workspace_id") == 0 ||
                              strcmp(name, "params") == 0,
                          "%s", name);
    }
    ck_assert_uint_eq(json_object_size(form), 10);
    settings_destroy(&settings);
}
END_TEST

static json_int_t
limit(json_t *schema, const char *name)
{
    const json_t *value = json_object_get(schema, name);

    ck_assert_msg(json_is_integer(value), "%s is not said", name);
    return json_integer_value(value);
}

START_TEST(limits_of_bodies_and_headers_are_those_of_the_code)
{
    json_t *match = properties_of("MatchRequest"), *top_k = json_object_get(match, "top_k");
    json_t *terms = json_object_get(properties_of("MatchIntent"), "indicators");
    json_t *space = in_components("schemas", "ParamSpace");
    json_t *lists = json_object_get(json_object_get(space, "additionalProperties"), "oneOf");
    json_t *key = in_components("parameters", "XIdempotencyKey");
    char pattern[64];

    ck_assert_int_eq(limit(json_object_get(match, "query"), "maxLength"), MATCH_QUERY_MAX);
    ck_assert_int_eq(limit(json_object_get(match, "source_ref"), "maxLength"),
                     MATCH_SOURCE_MAX);
    ck_assert_int_eq(limit(top_k, "maximum"), MATCH_TOP_K_MAX);
    ck_assert_int_eq(limit(top_k, "default"), MATCH_TOP_K);
    ck_assert_int_eq(limit(terms, "maxItems"), MATCH_TERMS_MAX);
    ck_assert_int_eq(limit(json_object_get(terms, "items"), "maxLength"), MATCH_TERM_MAX);
    ck_assert_int_eq(limit(space, "maxProperties"), TUNE_SPACE_NAMES_MAX);
    ck_assert_int_eq(limit(json_array_get(lists, 0), "maxItems"), TUNE_SPACE_VALUES_MAX);
    ck_assert_int_eq(limit(json_object_get(key, "schema"), "maxLength"), IDEMPOTENCY_KEY_MAX);
    ck_assert_int_eq(limit(json_object_get(properties_of("Problem"), "errors"), "maxItems"),
                     PROBLEM_ERRORS);
    snprintf(pattern, sizeof(pattern), "^[A-Za-z0-9._-]{1,%d}$", REQUEST_ID_MAX);
    ck_assert_str_eq(
        json_string_value(json_object_get(
            json_object_get(in_components("headers", "XRequestId"), "schema"), "pattern")),
        pattern);
}
END_TEST

/* --- answers ------------------------------------------------------------------------------ */

/* The codes of a problem; NULL: it is none. */
static json_t *
codes_of(json_t *response)
{
    const json_t *content = json_object_get(response, "content");
    const json_t *problem = json_object_get(content, PROBLEM_TYPE);
    json_t *all = json_object_get(json_object_get(problem, "schema"), "allOf");
    json_t *code =
        json_object_get(json_object_get(json_array_get(all, 1), "properties"), "code");

    return json_object_get(code, "enum");
}

static void
expect_codes(json_t *response, const char *status, const char *id)
{
    json_t *codes = codes_of(response), *code;
    size_t index;

    ck_assert_msg(json_array_size(codes) > 0, "%s %s without codes", id, status);
    json_array_foreach(codes, index, code)
    {
        const char *name = json_string_value(code);
        const tm_err_t err = tm_err_by_name(name, json_string_length(code));

        ck_assert_msg(strcmp(tm_err_name(err), name) == 0, "%s: there is no %s", id, name);
        ck_assert_msg(tm_err_http(err) == atoi(status), "%s: %s is no %s", id, name, status);
    }
}

START_TEST(every_problem_has_the_status_of_its_code)
{
    const route_t *route;
    const char *status;
    json_t *response;

    for (size_t i = 0; (route = route_at(i)); i++)
        json_object_foreach(json_object_get(operation_of(route), "responses"), status,
                            response) if (atoi(status) >= 400)
            expect_codes(resolved(response), status, route->id);
}
END_TEST

START_TEST(figures_topics_and_components_are_those_of_their_tables)
{
    static const char *const metrics[] = {
#define M(name, kind, unit, doc) #name,
        METRICS(M)
#undef M
    };
    static const char *const components[][2] = {
#define C(NAME, name, title, stale_ms, members, advice) {#name, members},
        COMPONENTS(C)
#undef C
    };
    json_t *topics = json_array(), *figures = properties_of("Metrics");

    for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++)
        ck_assert_msg(json_object_get(figures, metrics[i]) != NULL, "%s", metrics[i]);
    ck_assert_uint_eq(json_object_size(figures), sizeof(metrics) / sizeof(metrics[0]));
    for (unsigned i = 0; i < TOPIC_OTHER; i++)
        json_array_append_new(topics, json_string(topic_name(i)));
    expect_schema(in_components("schemas", "Topic"),
                  json_pack("{s:s, s:o}", "type", "string", "enum", topics), "Topic");
    for (size_t i = 0; i < sizeof(components) / sizeof(components[0]); i++) {
        json_t *entry = json_object_get(properties_of("SystemHealth"), components[i][0]);
        json_t *members = json_object_get(resolved(entry), "properties");

        for (const char *at = components[i][1]; *at; at += strspn(at, ",")) {
            size_t size = strcspn(at, ",");

            ck_assert_msg(json_object_getn(members, at, size) != NULL, "%s: %.*s",
                          components[i][0], (int)size, at);
            at += size;
        }
    }
}
END_TEST

START_TEST(the_version_is_that_of_the_program)
{
    const json_t *info = json_object_get(document, "info");

    ck_assert_str_eq(json_string_value(json_object_get(info, "version")), TM_VERSION);
    ck_assert_str_eq(json_string_value(json_object_get(document, "openapi")), "3.1.0");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("openapi");
    TCase *tables = tcase_create("tables");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tables, setup, teardown);
    tcase_add_test(tables, the_document_and_the_router_know_the_same_operations);
    tcase_add_test(tables, every_reference_leads_somewhere);
    tcase_add_test(tables, an_operation_says_what_opens_it);
    tcase_add_test(tables, an_operation_says_what_is_sent_to_it);
    tcase_add_test(tables, query_parameters_are_those_of_their_table);
    tcase_add_test(tables, what_stands_in_a_path_is_described);
    tcase_add_test(tables, a_workspace_is_named_where_one_is_taken);
    tcase_add_test(tables, the_form_of_a_tune_is_that_of_its_table);
    tcase_add_test(tables, the_form_of_a_back_test_has_fields_of_a_tune_and_params);
    tcase_add_test(tables, limits_of_bodies_and_headers_are_those_of_the_code);
    tcase_add_test(tables, every_problem_has_the_status_of_its_code);
    tcase_add_test(tables, figures_topics_and_components_are_those_of_their_tables);
    tcase_add_test(tables, the_version_is_that_of_the_program);
    suite_add_tcase(suite, tables);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
