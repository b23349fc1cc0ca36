/* Qdrant is a stub of an HTTP server here, which answers as its documentation says, or badly.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/health/health_help.h"
#include "tests/unit/health/test_health.h"
#include "tests/support/suite.h"

#define ANSWER(status)                                              \
    "{\"result\":{\"status\":\"" status "\",\"points_count\":1234," \
    "\"segments_count\":4,\"config\":{}},\"status\":\"ok\",\"time\":0.001}"

static llm_stub_t *qdrant;

static void
setup(void)
{
    health_set_up();
    qdrant = llm_stub_new();
}

static void
teardown(void)
{
    health_tear_down();
    llm_stub_destroy(&qdrant);
}

static void
begin(const struct llm_stub_step *steps, size_t count)
{
    char assignment[200];

    llm_stub_script(qdrant, steps, count);
    snprintf(assignment, sizeof(assignment), "health.qdrant_url=%s/", llm_stub_url(qdrant));
    health_set(assignment);
    health_begin(NULL);
}

START_TEST(without_an_address_it_is_not_configured)
{
    health_begin(NULL);
    health_await(COMPONENT_QDRANT, HEALTH_UNKNOWN, "not configured");
    ck_assert_uint_eq(llm_stub_requests(qdrant), 0);
}
END_TEST

START_TEST(a_green_collection_is_ok)
{
    static const struct llm_stub_step good = {.act = STUB_BODY, .body = ANSWER("green")};
    char *request;

    health_set("health.qdrant_collection=a b");
    begin(&good, 1);
    health_await(COMPONENT_QDRANT, HEALTH_OK, NULL);
    ck_assert_int_eq(json_integer_value(health_member(COMPONENT_QDRANT, "vectors_count")),
                     1234);
    ck_assert_int_eq(json_integer_value(health_member(COMPONENT_QDRANT, "segments_count")), 4);
    ck_assert_int_eq(HEALTH_GAUGE(QDRANT_VECTORS, "a b"), 1234);
    request = llm_stub_request(qdrant, 0);
    ck_assert_ptr_eq(strstr(request, "GET /collections/a%20b HTTP/1.1"), request);
    free(request);
}
END_TEST

static const struct {
    struct llm_stub_step step;
    health_status_t status;
    const char *error;
} rows[] = {
    {{.act = STUB_BODY, .body = ANSWER("yellow")}, HEALTH_DEGRADED, "the collection is yellow"},
    {{.act = STUB_BODY, .body = ANSWER("red")}, HEALTH_ERROR, "the collection is red"},
    {{.act = STUB_BODY, .status = 404, .body = "{}"}, HEALTH_ERROR, "it answers 404"},
    {{.act = STUB_BODY, .body = "<html>"}, HEALTH_ERROR, "its answer is not Qdrant's"},
    {{.act = STUB_BODY, .body = "{\"result\":[]}"}, HEALTH_ERROR, "its answer is not Qdrant's"},
    {{.act = STUB_HUGE}, HEALTH_ERROR, "it cannot be asked"},
    {{.act = STUB_RESET}, HEALTH_ERROR, "it cannot be asked"},
    {{.act = STUB_HANG}, HEALTH_ERROR, "it cannot be asked"},
};

START_TEST(whatever_else_it_says_is_told)
{
    begin(&rows[_i].step, 1);
    health_await(COMPONENT_QDRANT, rows[_i].status, rows[_i].error);
}
END_TEST

START_TEST(nobody_there_is_an_error_that_is_remembered_when_it_is_back)
{
    static const struct llm_stub_step steps[] = {{.act = STUB_BODY, .status = 500},
                                                 {.act = STUB_BODY, .body = ANSWER("green")}};

    begin(steps, 2);
    health_await(COMPONENT_QDRANT, HEALTH_ERROR, "it answers 500");
    health_await(COMPONENT_QDRANT, HEALTH_OK, NULL);
    ck_assert_ptr_nonnull(
        strstr(json_string_value(health_member(COMPONENT_QDRANT, "last_error")), "500"));
    ck_assert(json_is_string(health_member(COMPONENT_QDRANT, "last_error_at")));
    llm_stub_refuse(qdrant);
    health_await(COMPONENT_QDRANT, HEALTH_ERROR, "it cannot be asked");
}
END_TEST

TCase *
health_qdrant_cases(void)
{
    TCase *tcase = case_new("qdrant", setup, teardown);

    suite_tests(tcase, without_an_address_it_is_not_configured, a_green_collection_is_ok);
    suite_rows(tcase, whatever_else_it_says_is_told, rows);
    suite_tests(tcase, nobody_there_is_an_error_that_is_remembered_when_it_is_back);
    return tcase;
}
