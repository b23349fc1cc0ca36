/* openapi.json, which is kept by hand, against the tables that the server goes by. What a
 * running system answers is compared with it in tests/e2e/. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/http/core/query.h"
#include "tests/support/suite.h"
#include "tests/unit/http/openapi_document.h"

/* --- operations --------------------------------------------------------------------------- */

START_TEST(the_document_and_the_router_know_the_same_operations)
{
    size_t described = 0, routed = 0;
    const char *path, *method;
    json_t *methods, *operation;
    const route_t *route;

    for (; (route = route_at(routed)); routed++)
        ck_assert_str_eq(
            json_string_value(json_object_get(openapi_operation(route), "operationId")),
            route->id);
    json_object_foreach(json_object_get(openapi_document(), "paths"), path, methods)
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

    openapi_resolved(node);
    json_object_foreach(node, name, value) check_references(value);
    json_array_foreach(node, index, value) check_references(value);
}

START_TEST(every_reference_leads_somewhere)
{
    check_references(openapi_document());
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
        const json_t *security = json_object_get(openapi_operation(route), "security");

        ck_assert_msg(json_is_array(security), "%s", route->id);
        ck_assert_msg(json_array_size(security) == ways[route->access], "%s", route->id);
    }
}
END_TEST

/* The types of a body, and whether one must be sent; "": there is none. */
static void
expect_body(const route_t *route, bool is_required, const char *types)
{
    const json_t *body = json_object_get(openapi_operation(route), "requestBody");
    const json_t *content = json_object_get(body, "content");
    tm_auto(json) list = openapi_words(types);
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
                  {"DATA_INSPECT", true, form},  {"LOGIN", true, both},
                  {"TUNE_EXPLAIN", false, both}, {"MATCH_EXPLAIN", true, json},
                  {"MATCH_RUN", true, json},     {"WEAK_RUN", true, json}};
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
    json_t *list = json_object_get(openapi_operation(route), "parameters"), *entry;
    size_t index;

    json_array_foreach(list, index, entry)
    {
        json_t *parameter = openapi_resolved(entry);

        if (strcmp(json_string_value(json_object_get(parameter, "in")), where) == 0 &&
            strcmp(json_string_value(json_object_get(parameter, "name")), name) == 0)
            return parameter;
    }
    return NULL;
}

static size_t
query_count(const route_t *route)
{
    json_t *list = json_object_get(openapi_operation(route), "parameters"), *entry;
    size_t index, count = 0;

    json_array_foreach(list, index, entry) count +=
        json_string_value(json_object_get(openapi_resolved(entry), "in"))[0] == 'q';
    return count;
}

static json_t *
wanted_query(const field_t *row)
{
    if (row->flags & QUERY_MANY)
        return json_pack("{s:s, s:o, s:f, s:f, s:b}", "type", "array", "items",
                         openapi_field_schema(row), "minItems", row->min, "maxItems", row->max,
                         "uniqueItems", 1);
    return openapi_field_schema(row);
}

static void
expect_query(const route_t *route)
{
    size_t wanted = route->access == ACCESS_OPEN ? 0 : 1; /* workspace_id */

    for (size_t i = 0; i < query_fields.count; i++) {
        const field_t *row = &query_fields.rows[i];
        json_t *parameter;
        char what[128];

        if (!(row->flags & QUERY_SET(route->query)))
            continue;
        wanted++;
        snprintf(what, sizeof(what), "%s %s", route->id, row->name);
        parameter = parameter_of(route, "query", row->name);
        ck_assert_msg(parameter != NULL, "%s is not described", what);
        openapi_expect_schema(json_object_get(parameter, "schema"), wanted_query(row), what);
        ck_assert_msg(json_is_true(json_object_get(parameter, "required")) ==
                          ((row->flags & QUERY_MANY) != 0),
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
            openapi_expect_schema(json_object_get(name, "schema"),
                                  json_pack("{s:s, s:o}", "type", "string", "pattern",
                                            openapi_name_pattern("a-z0-9._-")),
                                  route->id);
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

static TCase *
operations_case(void)
{
    TCase *operations =
        case_new("operations", openapi_document_setup, openapi_document_teardown);

    tcase_add_test(operations, the_document_and_the_router_know_the_same_operations);
    tcase_add_test(operations, every_reference_leads_somewhere);
    tcase_add_test(operations, an_operation_says_what_opens_it);
    tcase_add_test(operations, an_operation_says_what_is_sent_to_it);
    tcase_add_test(operations, query_parameters_are_those_of_their_table);
    tcase_add_test(operations, what_stands_in_a_path_is_described);
    tcase_add_test(operations, a_workspace_is_named_where_one_is_taken);
    return operations;
}

int
main(void)
{
    Suite *suite = suite_create("openapi");

    suite_add_tcase(suite, operations_case());
    suite_add_tcase(suite, openapi_schemas_case());
    return suite_run(suite);
}
