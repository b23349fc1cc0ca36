/* Forms, limits and answers of openapi.json against the tables of fields, errors, metrics,
 * topics and components. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/http/core/headers.h"
#include "actors/http/coverage/match_request.h"
#include "actors/kit/bus/topics.h"
#include "actors/kit/contracts/tune_field.h"
#include "actors/kit/fields/param_space.h"
#include "actors/kit/health/components.def"
#include "actors/kit/runtime/settings.h"
#include "actors/tune/engine/metrics.def"
#include "tests/support/suite.h"
#include "tests/unit/http/openapi_document.h"

/* --- forms -------------------------------------------------------------------------------- */

/* The form has the fields of the table that are in it, with the limits as shipped. */
static void
expect_form(const char *name, unsigned form)
{
    settings_t *settings = settings_new();
    const json_t *described = openapi_properties(name);
    struct tune_limited limited;
    size_t count = 0;

    for (size_t i = 0; i < tune_fields.count; i++) {
        if (!(tune_fields.rows[i].flags & form))
            continue;
        tune_field_limited(&tune_fields.rows[i], settings, &limited);
        openapi_expect_schema(json_object_get(described, limited.row.name),
                              openapi_field_schema(&limited.row), limited.row.name);
        count++;
    }
    ck_assert_uint_eq(json_object_size(described), count);
    settings_destroy(&settings);
}

START_TEST(the_forms_are_those_of_their_table)
{
    expect_form("TuneForm", TUNE_FORM);
    expect_form("BacktestForm", BACKTEST_FORM);
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
    json_t *match = openapi_properties("MatchRequest"),
           *top_k = json_object_get(match, "top_k");
    json_t *terms = json_object_get(openapi_properties("MatchIntent"), "indicators");
    json_t *space = openapi_component("schemas", "ParamSpace");
    json_t *lists = json_object_get(json_object_get(space, "additionalProperties"), "oneOf");
    json_t *key = openapi_component("parameters", "XIdempotencyKey");
    char pattern[64];

    ck_assert_int_eq(limit(json_object_get(match, "query"), "maxLength"), MATCH_QUERY_MAX);
    ck_assert_int_eq(limit(json_object_get(match, "source_ref"), "maxLength"),
                     MATCH_SOURCE_MAX);
    ck_assert_int_eq(limit(top_k, "maximum"), MATCH_TOP_K_MAX);
    ck_assert_int_eq(limit(top_k, "default"), MATCH_TOP_K);
    ck_assert_int_eq(limit(terms, "maxItems"), MATCH_TERMS_MAX);
    ck_assert_int_eq(limit(json_object_get(terms, "items"), "maxLength"), MATCH_TERM_MAX);
    ck_assert_uint_eq((size_t)limit(space, "maxProperties"),
                      fields_find(&tune_fields, TUNE_FORM, "param_space")->most);
    ck_assert_int_eq(limit(json_array_get(lists, 0), "maxItems"), PARAM_SPACE_VALUES_MAX);
    ck_assert_int_eq(limit(json_object_get(key, "schema"), "maxLength"), IDEMPOTENCY_KEY_MAX);
    ck_assert_int_eq(
        limit(json_object_get(openapi_properties("Problem"), "errors"), "maxItems"),
        PROBLEM_ERRORS);
    snprintf(pattern, sizeof(pattern), "^[A-Za-z0-9._-]{1,%d}$", REQUEST_ID_MAX);
    ck_assert_str_eq(
        json_string_value(json_object_get(
            json_object_get(openapi_component("headers", "XRequestId"), "schema"), "pattern")),
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
        ck_assert_msg(tm_err_http(err) == strtol(status, NULL, 10), "%s: %s is no %s", id, name,
                      status);
    }
}

START_TEST(every_problem_has_the_status_of_its_code)
{
    const route_t *route;
    const char *status;
    json_t *response;

    for (size_t i = 0; (route = route_at(i)); i++)
        json_object_foreach(json_object_get(openapi_operation(route), "responses"), status,
                            response) if (strtol(status, NULL, 10) >= 400)
            expect_codes(openapi_resolved(response), status, route->id);
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
    json_t *topics = json_array(), *figures = openapi_properties("Metrics");

    for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++)
        ck_assert_msg(json_object_get(figures, metrics[i]) != NULL, "%s", metrics[i]);
    ck_assert_uint_eq(json_object_size(figures), sizeof(metrics) / sizeof(metrics[0]));
    for (unsigned i = 0; i < TOPIC_OTHER; i++)
        json_array_append_new(topics, json_string(topic_name(i)));
    openapi_expect_schema(openapi_component("schemas", "Topic"),
                          json_pack("{s:s, s:o}", "type", "string", "enum", topics), "Topic");
    for (size_t i = 0; i < sizeof(components) / sizeof(components[0]); i++) {
        json_t *entry = json_object_get(openapi_properties("SystemHealth"), components[i][0]);
        json_t *members = json_object_get(openapi_resolved(entry), "properties");

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
    const json_t *info = json_object_get(openapi_document(), "info");

    ck_assert_str_eq(json_string_value(json_object_get(info, "version")), TM_VERSION);
    ck_assert_str_eq(json_string_value(json_object_get(openapi_document(), "openapi")),
                     "3.1.0");
}
END_TEST

TCase *
openapi_schemas_case(void)
{
    TCase *schemas = case_new("schemas", openapi_document_setup, openapi_document_teardown);

    tcase_add_test(schemas, the_forms_are_those_of_their_table);
    tcase_add_test(schemas, limits_of_bodies_and_headers_are_those_of_the_code);
    tcase_add_test(schemas, every_problem_has_the_status_of_its_code);
    tcase_add_test(schemas, figures_topics_and_components_are_those_of_their_tables);
    tcase_add_test(schemas, the_version_is_that_of_the_program);
    return schemas;
}
