/* A request's body, read as a tune does. */
#include "tests/unit/tune/tune_request_help.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"

START_TEST(the_spec_is_what_was_asked_for)
{
    const char *const fields[] = {"fill",
                                  "open",
                                  "sizing",
                                  "fractional",
                                  "n_trials",
                                  "77",
                                  "seed",
                                  "-5",
                                  "param_space",
                                  "{\"k\":[1,2]}",
                                  "objective_type",
                                  "return_dd_penalty",
                                  "objective_params",
                                  "{\"dd_lambda\":0.5}",
                                  "oos_ratio",
                                  "0.25",
                                  "date_from",
                                  "1970-01-02",
                                  "date_to",
                                  "1970-01-03",
                                  NULL};
    uint8_t hash[32];
    struct tune_spec spec;
    char *body;

    hash_of(fields, 9, SPEC, hash);
    body = tune_request_body(request);
    ck_assert_int_eq(tune_spec_parse(body, strlen(body), NULL, &spec, &fault), TM_OK);
    ck_assert_str_eq(spec.strategy_entity_id, STRATEGY);
    ck_assert_str_eq(spec.search_type, "random");
    ck_assert_str_eq(spec.objective_type, "return_dd_penalty");
    ck_assert_uint_eq(spec.n_trials, 77);
    ck_assert_str_eq(spec.fill, "open");
    ck_assert_str_eq(spec.end_of_data, "close");
    ck_assert_str_eq(spec.sizing, "fractional");
    ck_assert_uint_eq(spec.seed, (uint64_t)-5);
    ck_assert_double_eq(spec.dd_lambda, 0.5);
    ck_assert_double_eq(spec.oos_ratio, 0.25);
    ck_assert_int_eq(spec.date_from_ms, 86400000);
    ck_assert_int_eq(spec.date_to_ms, INT64_C(3) * 86400000 - 1);
    ck_assert_uint_eq(spec.dataset_sha256[0], 9);
    ck_assert_uint_eq(spec.dataset_size, 1000);
    ck_assert(json_is_object(spec.param_space));
    ck_assert(json_is_object(spec.strategy));
    tune_spec_fini(&spec);
    free(body);
}
END_TEST

START_TEST(what_is_absent_is_open)
{
    const char *const none[] = {NULL};
    uint8_t hash[32];
    struct tune_spec spec;
    char *body;

    hash_of(none, 9, SPEC, hash);
    body = tune_request_body(request);
    ck_assert_int_eq(tune_spec_parse(body, strlen(body), NULL, &spec, &fault), TM_OK);
    ck_assert(isnan(spec.oos_ratio));
    ck_assert(spec.date_from_ms == INT64_MIN && spec.date_to_ms == INT64_MAX);
    ck_assert_ptr_null(spec.param_space);
    ck_assert_double_eq(spec.initial_cash, 10000);
    tune_spec_fini(&spec);
    free(body);
}
END_TEST

START_TEST(the_limits_of_the_process_that_runs_it_hold)
{
    const char *const fields[] = {"n_trials", "101", NULL};
    uint8_t hash[32];
    struct tune_spec spec;
    char *body;

    hash_of(fields, 9, SPEC, hash);
    body = tune_request_body(request);
    settings->tune_max_trials = 100;
    ck_assert_int_eq(tune_spec_parse(body, strlen(body), settings, &spec, &fault),
                     TM_VALIDATION_FAILED);
    ck_assert_str_eq(fault.field, "n_trials");
    ck_assert_str_eq(fault.text, "101 is not a whole number from 1 to 100");
    tune_spec_fini(&spec);
    free(body);
}
END_TEST

#define SHA "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ENOUGH                                                                                 \
    "\"strategy_entity_id\":\"" STRATEGY "\",\"dataset_sha256\":\"" SHA "\",\"dataset_size\":" \
    "9"

static const struct {
    const char *body;
    tm_err_t err;
    const char *field;
} bodies[] = {
    {"{" ENOUGH "}", TM_OK, ""},
    {"{" ENOUGH ",\"n_trials\":null,\"later_field\":[1]}", TM_OK, ""},
    {"", TM_BAD_REQUEST, ""},
    {"null", TM_BAD_REQUEST, ""},
    {"[]", TM_BAD_REQUEST, ""},
    {"{" ENOUGH, TM_BAD_REQUEST, ""},
    {"{}", TM_BAD_REQUEST, "dataset_sha256"},
    {"{\"dataset_sha256\":\"" SHA "\"}", TM_BAD_REQUEST, "dataset_size"},
    {"{\"dataset_sha256\":\"" SHA "\",\"dataset_size\":-1}", TM_BAD_REQUEST, "dataset_size"},
    {"{\"dataset_sha256\":\"" SHA "00\",\"dataset_size\":1}", TM_BAD_REQUEST, "dataset_sha256"},
    {"{\"dataset_sha256\":\"" SHA "\",\"dataset_size\":1}", TM_VALIDATION_FAILED,
     "strategy_entity_id"},
    {"{" ENOUGH ",\"n_trials\":0}", TM_VALIDATION_FAILED, "n_trials"},
    {"{" ENOUGH ",\"n_trials\":1.5}", TM_VALIDATION_FAILED, "n_trials"},
    {"{" ENOUGH ",\"n_trials\":true}", TM_VALIDATION_FAILED, "n_trials"},
    {"{" ENOUGH ",\"n_trials\":[]}", TM_VALIDATION_FAILED, "n_trials"},
    {"{" ENOUGH ",\"param_space\":[1]}", TM_INVALID_PARAM_SPACE, "param_space"},
    {"{" ENOUGH ",\"param_space\":{\"k\":[]}}", TM_INVALID_PARAM_SPACE, "param_space"},
    {"{" ENOUGH ",\"date_from\":\"x\"}", TM_INVALID_DATE_FORMAT, "date_from"},
    {"{" ENOUGH ",\"strategy\":7}", TM_INVALID_STRATEGY, "strategy"},
    {"{" ENOUGH ",\"strategy\":{\"params\":{}}}", TM_OK,
     ""}, /* what was accepted, as a back-test */
    {"{" ENOUGH ",\"fill\":\"high\"}", TM_VALIDATION_FAILED, "fill"},
    {"{" ENOUGH ",\"search_type\":\"tpe\"}", TM_OK, ""},
    {"{" ENOUGH ",\"initial_cash\":5000}", TM_OK, ""},
    {"{" ENOUGH ",\"initial_cash\":\"5000\"}", TM_VALIDATION_FAILED, "initial_cash"},
    {"{" ENOUGH ",\"n_trials\":100000001}", TM_VALIDATION_FAILED, "n_trials"},
    {"{" ENOUGH ",\"objective_params\":{\"lambda\":1}}", TM_INVALID_OBJECTIVE_PARAMS,
     "objective_params"},
};

START_TEST(a_body_is_checked_as_a_form_is)
{
    const char *body = bodies[_i].body;
    struct tune_spec spec;
    tm_err_t err = tune_spec_parse(body, strlen(body), NULL, &spec, &fault);

    ck_assert_msg(err == bodies[_i].err, "%s: %s %s", body, tm_err_name(err), fault.text);
    if (err)
        ck_assert_str_eq(fault.field, bodies[_i].field);
    tune_spec_fini(&spec);
}
END_TEST

START_TEST(a_tune_of_a_strategy_without_params_is_refused_by_who_runs_it)
{
    const char *body = "{" ENOUGH ",\"strategy\":{\"params\":{}}}";
    struct tune_spec spec;

    ck_assert_int_eq(tune_spec_parse(body, strlen(body), settings, &spec, &fault),
                     TM_NO_TUNABLE_PARAMS);
    ck_assert_str_eq(fault.field, "strategy_entity_id");
    tune_spec_fini(&spec);
}
END_TEST

START_TEST(a_body_nested_without_end_is_refused)
{
    size_t size = 100000;
    char *body = malloc(size);
    struct tune_spec spec;

    memset(body, '[', size);
    ck_assert_int_eq(tune_spec_parse(body, size, NULL, &spec, &fault), TM_BAD_REQUEST);
    tune_spec_fini(&spec);
    free(body);
}
END_TEST

TCase *
tune_request_bodies(void)
{
    TCase *tcase = case_new("body", NULL, NULL);

    suite_tests(tcase, the_spec_is_what_was_asked_for, what_is_absent_is_open,
                the_limits_of_the_process_that_runs_it_hold);
    suite_rows(tcase, a_body_is_checked_as_a_form_is, bodies);
    suite_tests(tcase, a_tune_of_a_strategy_without_params_is_refused_by_who_runs_it,
                a_body_nested_without_end_is_refused);
    return tcase;
}
