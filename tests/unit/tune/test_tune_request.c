/* A request's fields as they are set: what is taken, what is refused, and with which words. */
#include "tests/unit/tune/tune_request_help.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"

static json_t *
finished_body(void)
{
    char *text;
    json_t *body;

    set_dataset(1);
    ck_assert_int_eq(set_strategy(SPEC), TM_OK);
    ck_assert_msg(tune_request_finish(request, &fault) == TM_OK, "%s %s", fault.field,
                  fault.text);
    text = tune_request_body(request);
    body = json_loads(text, 0, NULL);
    ck_assert_ptr_nonnull(body);
    free(text);
    return body;
}

static double
number_in(const json_t *body, const char *name)
{
    return json_number_value(json_object_get(body, name));
}

static const char *
text_in(const json_t *body, const char *name)
{
    const char *text = json_string_value(json_object_get(body, name));

    return text ? text : "(absent)";
}

START_TEST(a_bare_request_is_filled_with_the_defaults)
{
    json_t *body = finished_body();

    ck_assert_str_eq(text_in(body, "strategy_entity_id"), STRATEGY);
    ck_assert_str_eq(text_in(body, "search_type"), "random");
    ck_assert_str_eq(text_in(body, "objective_metric"), "sharpe");
    ck_assert_str_eq(text_in(body, "objective_type"), "sharpe");
    ck_assert_str_eq(text_in(body, "filename"), "prices.csv");
    ck_assert_double_eq(number_in(body, "n_trials"), 50);
    ck_assert_double_eq(number_in(body, "initial_cash"), 10000);
    ck_assert_double_eq(number_in(body, "commission_bps"), 10);
    ck_assert_double_eq(number_in(body, "slippage_bps"), 0);
    ck_assert_double_eq(number_in(body, "min_trades"), 5);
    ck_assert_double_eq(number_in(json_object_get(body, "objective_params"), "dd_lambda"),
                        0.02);
    ck_assert_ptr_null(json_object_get(body, "oos_ratio"));
    ck_assert_ptr_null(json_object_get(body, "param_space"));
    ck_assert_ptr_null(json_object_get(body, "date_from"));
    ck_assert(json_is_object(json_object_get(body, "strategy")));
    json_decref(body);
}
END_TEST

START_TEST(the_objectives_type_follows_its_metric)
{
    json_t *body;

    ck_assert_int_eq(set("objective_metric", "calmar"), TM_OK);
    body = finished_body();
    ck_assert_str_eq(text_in(body, "objective_type"), "calmar");
    json_decref(body);
}
END_TEST

START_TEST(the_defaults_and_limits_of_settings_count)
{
    json_t *body;

    settings->tune_max_trials = 70;
    settings->tune_default_trials = 60;
    ck_assert_int_eq(set("n_trials", "71"), TM_VALIDATION_FAILED);
    ck_assert_str_eq(fault.text, "\"71\" is not a whole number from 1 to 70");
    body = finished_body();
    ck_assert_double_eq(number_in(body, "n_trials"), 60);
    json_decref(body);
}
END_TEST

/* Good values, each with what the body then holds, as JSON. */
static const struct {
    const char *name, *value, *json;
} good[] = {
    {"strategy_entity_id", "8FD7589A-97c6-49bf-a65e-357fb063fe33", "\"" STRATEGY "\""},
    {"search_type", "grid", "\"grid\""},
    {"search_type", "tpe", "\"tpe\""},
    {"n_trials", "1", "1"},
    {"n_trials", "1000000", "1000000"},
    {"seed", "-12", "-12"},
    {"seed", "9007199254740991", "9007199254740991"},
    {"initial_cash", "100", "100.0"},
    {"initial_cash", "2.5e4", "25000.0"},
    {"commission_bps", "0", "0.0"},
    {"commission_bps", "1000", "1000.0"},
    {"slippage_bps", "0.5", "0.5"},
    {"min_trades", "1", "1"},
    {"objective_metric", "return", "\"return\""},
    {"objective_type", "return_dd_penalty", "\"return_dd_penalty\""},
    {"objective_params", "{\"dd_lambda\":0}", "{\"dd_lambda\":0}"},
    {"oos_ratio", "0.01", "0.01"},
    {"oos_ratio", "0.5", "0.5"},
    {"constraints", "[\"k < period\"]", "[\"k < period\"]"},
    {"date_from", "2024-02-29", "\"2024-02-29\""},
    {"date_to", "2000-02-29", "\"2000-02-29\""},
    {"date_to", "2000-02-29T10:00+09:00", "\"2000-02-29T10:00+09:00\""},
    {"param_space", "{\"k\":[1]}", "{\"k\":[1]}"},
    {"param_space", "{\"k\":{\"min\":1,\"max\":1}}", "{\"k\":{\"min\":1,\"max\":1}}"},
    {"param_space", " { \"period\" : [ 2, 200 ] } ", "{\"period\":[2,200]}"},
    {"workspace_id", "anything", "null"},
};

START_TEST(a_good_value_is_taken)
{
    json_t *body, *want = json_loads(good[_i].json, JSON_DECODE_ANY, NULL);
    const json_t *got;

    ck_assert_msg(set(good[_i].name, good[_i].value) == TM_OK, "%s", fault.text);
    body = finished_body();
    got = json_object_get(body, good[_i].name);
    ck_assert_msg(json_is_null(want) ? got == NULL : json_equal(got, want) == 1, "%s=%s",
                  good[_i].name, good[_i].value);
    json_decref(want);
    json_decref(body);
}
END_TEST

/* Values that are refused as soon as they are set. */
static const struct {
    const char *name, *value;
    tm_err_t err;
    const char *text; /* part of it */
} bad[] = {
    {"strategy_entity_id", "8fd7589a", TM_VALIDATION_FAILED, "UUID"},
    {"search_type", "GRID", TM_INVALID_SEARCH_TYPE, "grid random tpe"},
    {"search_type", "gri", TM_INVALID_SEARCH_TYPE, "grid random tpe"},
    {"search_type", "grid random", TM_INVALID_SEARCH_TYPE, "grid random tpe"},
    {"n_trials", "0", TM_VALIDATION_FAILED, "from 1 to 1000000"},
    {"n_trials", "1000001", TM_VALIDATION_FAILED, "from 1 to 1000000"},
    {"n_trials", "-1", TM_VALIDATION_FAILED, "whole number from"},
    {"n_trials", "50.0", TM_VALIDATION_FAILED, "whole number"},
    {"n_trials", "5e1", TM_VALIDATION_FAILED, "whole number"},
    {"n_trials", "50x", TM_VALIDATION_FAILED, "whole number"},
    {"n_trials", " 50", TM_VALIDATION_FAILED, "whole number"},
    {"n_trials", "0x10", TM_VALIDATION_FAILED, "whole number"},
    {"n_trials", "99999999999999999999999999999999999999", TM_VALIDATION_FAILED,
     "whole number from"},
    {"seed", "9007199254740992", TM_VALIDATION_FAILED, "whole number from"},
    {"seed", "-", TM_VALIDATION_FAILED, "whole number"},
    {"initial_cash", "99.99", TM_VALIDATION_FAILED, "from 100 to"},
    {"initial_cash", "nan", TM_VALIDATION_FAILED, "not a number"},
    {"initial_cash", "inf", TM_VALIDATION_FAILED, "not a number"},
    {"initial_cash", "1e999", TM_VALIDATION_FAILED, "not a number"},
    {"initial_cash", "0x64p2", TM_VALIDATION_FAILED, "not a number"},
    {"initial_cash", "1,000", TM_VALIDATION_FAILED, "not a number"},
    {"commission_bps", "-0.1", TM_VALIDATION_FAILED, "from 0 to 1000"},
    {"commission_bps", "1000.1", TM_VALIDATION_FAILED, "from 0 to 1000"},
    {"slippage_bps", "1001", TM_VALIDATION_FAILED, "from 0 to 1000"},
    {"min_trades", "0", TM_VALIDATION_FAILED, "from 1 to"},
    {"objective_metric", "sortino", TM_INVALID_OBJECTIVE, "sharpe return calmar"},
    {"objective_type", "calmar_dd_penalty", TM_INVALID_OBJECTIVE_TYPE, "return_dd_penalty"},
    {"objective_params", "0.02", TM_INVALID_OBJECTIVE_PARAMS, "JSON"},
    {"objective_params", "[0.02]", TM_INVALID_OBJECTIVE_PARAMS, "object"},
    {"objective_params", "{\"dd_lambda\":}", TM_INVALID_OBJECTIVE_PARAMS, "line 1"},
    {"oos_ratio", "0.009", TM_VALIDATION_FAILED, "from 0.01 to 0.5"},
    {"oos_ratio", "0.51", TM_VALIDATION_FAILED, "from 0.01 to 0.5"},
    {"constraints", "fast < slow", TM_INVALID_CONSTRAINT, "a list"},
    {"constraints", "{\"a\":1}", TM_INVALID_CONSTRAINT, "a list"},
    {"constraints", "[[\"a\"]]", TM_INVALID_CONSTRAINT, "a list"},
    {"date_from", "2023-02-29", TM_INVALID_DATE_FORMAT, "YYYY-MM-DD"},
    {"date_from", "1900-02-29", TM_INVALID_DATE_FORMAT, "YYYY-MM-DD"},
    {"date_from", "2023-04-31", TM_INVALID_DATE_FORMAT, "YYYY-MM-DD"},
    {"date_from", "2023-13-01", TM_INVALID_DATE_FORMAT, "YYYY-MM-DD"},
    {"date_from", "2023-00-10", TM_INVALID_DATE_FORMAT, "YYYY-MM-DD"},
    {"date_from", "2023-01-00", TM_INVALID_DATE_FORMAT, "YYYY-MM-DD"},
    {"date_from", "2023-1-01", TM_INVALID_DATE_FORMAT, "YYYY-MM-DD"},
    {"date_from", "01-01-2023", TM_INVALID_DATE_FORMAT, "YYYY-MM-DD"},
    {"date_to", "2023-01-01T25:00:00", TM_INVALID_DATE_FORMAT, "YYYY-MM-DD"},
    {"date_to", "2023--1-01", TM_INVALID_DATE_FORMAT, "YYYY-MM-DD"},
    {"param_space", "{\"k\":[1],\"k\":[2]}", TM_INVALID_PARAM_SPACE, "duplicate"},
    {"param_space", "{\"k\":[1]} x", TM_INVALID_PARAM_SPACE, "JSON"},
    {"param_space", "{\"k\":[NaN]}", TM_INVALID_PARAM_SPACE, "JSON"},
    {"param_space", "{\"k\":[1e999]}", TM_INVALID_PARAM_SPACE, "JSON"},
    {"param_space", "{\"k\":[[[[[[[[1]]]]]]]]}", TM_INVALID_PARAM_SPACE, "nested"},
    {"comission_bps", "0", TM_UNKNOWN_FIELD, "did you mean commission_bps?"},
    {"comission_bps", "", TM_UNKNOWN_FIELD, "did you mean commission_bps?"},
    {"N_TRIALS", "5", TM_UNKNOWN_FIELD, "did you mean n_trials?"},
    {"colour", "red", TM_UNKNOWN_FIELD, "is not known here"},
    {"params", "{}", TM_UNKNOWN_FIELD, "is not known here"}, /* of a back-test */
};

START_TEST(a_bad_value_is_refused_with_its_code_and_what_is_allowed)
{
    ck_assert_msg(set(bad[_i].name, bad[_i].value) == bad[_i].err, "%s=%s: %s", bad[_i].name,
                  bad[_i].value, tm_err_name(fault.err));
    ck_assert_int_eq(fault.err, bad[_i].err);
    ck_assert_str_eq(fault.field, bad[_i].name);
    ck_assert_msg(strstr(fault.text, bad[_i].text) != NULL, "%s=%s: %s", bad[_i].name,
                  bad[_i].value, fault.text);
}
END_TEST

/* Spaces that parse, and that the strategy's params do not allow. */
static const struct {
    const char *space, *text;
} spaces[] = {
    {"{}", "names no parameter"},
    {"{\"window\":[1]}", "window: the strategy has no such parameter"},
    {"{\"perod\":[10]}", "perod: the strategy has no such parameter; did you mean period?"},
    {"{\"k\":[]}", "k: a list has from 1 to"},
    {"{\"k\":[1,\"2\"]}", "value 2: \"2\" is not a number"},
    {"{\"k\":[true]}", "value 1: true is not a number"},
    {"{\"k\":[10.5]}", "value 1: 10.5 is not a number from 0 to 10"},
    {"{\"period\":[10,10.5]}", "value 2: 10.5 is not a whole number"},
    {"{\"period\":[1]}", "from 2 to 200"},
    {"{\"k\":2}", "neither a list"},
    {"{\"k\":null}", "neither a list"},
    {"{\"k\":{\"min\":1}}", "max: is missing"},
    {"{\"k\":{\"max\":1}}", "min: is missing"},
    {"{\"k\":{\"min\":2,\"max\":1}}", "min is above max"},
    {"{\"k\":{\"min\":-1,\"max\":1}}", "min: -1 is not a number from 0"},
    {"{\"k\":{\"min\":1,\"max\":2,\"step\":0}}", "step"},
    {"{\"k\":{\"min\":1,\"max\":2,\"step\":\"x\"}}", "step"},
    {"{\"k\":{\"min\":1,\"max\":2,\"type\":\"log\"}}", "type"},
    {"{\"k\":{\"min\":1,\"max\":2,\"steps\":3}}",
     "steps: is not known here; did you mean step?"},
};

START_TEST(a_space_that_the_strategy_does_not_allow_is_refused)
{
    ck_assert_int_eq(set("param_space", spaces[_i].space), TM_OK);
    ck_assert_int_eq(set_strategy(SPEC), TM_INVALID_PARAM_SPACE);
    ck_assert_str_eq(fault.field, "param_space");
    ck_assert_msg(strstr(fault.text, spaces[_i].text) != NULL, "%s: %s", spaces[_i].space,
                  fault.text);
}
END_TEST

START_TEST(a_space_set_after_the_strategy_is_checked_too)
{
    ck_assert_int_eq(set_strategy(SPEC), TM_OK);
    ck_assert_int_eq(set("param_space", "{\"window\":[1]}"), TM_OK);
    set_dataset(1);
    ck_assert_int_eq(tune_request_finish(request, &fault), TM_INVALID_PARAM_SPACE);
}
END_TEST

START_TEST(a_space_that_is_too_large_is_refused)
{
    size_t size = 70000;
    char *text = malloc(size + 1);

    memset(text, ' ', size);
    memcpy(text, "{\"k\":[1]}", 9);
    text[size] = '\0';
    ck_assert_int_eq(set("param_space", text), TM_INVALID_PARAM_SPACE);
    ck_assert_str_eq(fault.text, "is longer than 65536 bytes");
    memset(text, '[', size);
    ck_assert_int_eq(tune_request_set(request, "param_space", text, 60000, &fault),
                     TM_INVALID_PARAM_SPACE);
    free(text);
}
END_TEST

START_TEST(a_list_of_too_many_values_is_refused)
{
    char *text = malloc(10000), *at = text + sprintf(text, "{\"k\":[1");

    for (int i = 0; i < 1000; i++)
        at += sprintf(at, ",%d", i % 9);
    strcpy(at, "]}");
    ck_assert_int_eq(set("param_space", text), TM_OK);
    ck_assert_int_eq(set_strategy(SPEC), TM_INVALID_PARAM_SPACE);
    free(text);
}
END_TEST

START_TEST(too_many_names_in_a_space_are_refused)
{
    char text[2000] = "{", *at = text + 1;

    for (int i = 0; i < 33; i++)
        at += sprintf(at, "%s\"n%d\":[1]", i ? "," : "", i);
    strcpy(at, "}");
    ck_assert_int_eq(set("param_space", text), TM_INVALID_PARAM_SPACE);
    ck_assert_ptr_nonnull(strstr(fault.text, "32"));
}
END_TEST

START_TEST(a_name_that_is_cut_in_a_character_leaves_readable_text)
{
    char space[200] = "{\"";

    for (int i = 0; i < 40; i++)
        strcat(space, "\xc3\xa4");
    strcat(space, "\":[1]}"); /* 80 bytes of name; 60 are shown, and one letter is two bytes */
    space[2] = 'x';
    memmove(space + 3, space + 4, strlen(space + 4) + 1);
    ck_assert_int_eq(set("param_space", space), TM_OK);
    ck_assert_int_eq(set_strategy(SPEC), TM_INVALID_PARAM_SPACE);
    json_t *text = json_string(fault.text); /* NULL unless UTF-8 */
    ck_assert_ptr_nonnull(text);
    json_decref(text);
}
END_TEST

START_TEST(a_strategy_that_is_no_object_is_invalid)
{
    ck_assert_int_eq(set_strategy("[1]"), TM_INVALID_STRATEGY);
    ck_assert_int_eq(set_strategy("7"), TM_INVALID_STRATEGY);
}
END_TEST

START_TEST(a_strategys_own_id_must_be_a_uuid)
{
    ck_assert_int_eq(set_strategy("{\"id\":\"x'; --\",\"params\":{\"k\":{}}}"),
                     TM_VALIDATION_FAILED);
    ck_assert_str_eq(fault.field, "strategy_entity_id");
}
END_TEST

START_TEST(an_objective_param_that_is_unknown_or_no_number_is_refused)
{
    static const char *const wrong[] = {"{\"lambda\":1}", "{\"dd_lambda\":\"1\"}",
                                        "{\"dd_lambda\":-1}", "{\"dd_lambda\":1001}"};

    set_dataset(1);
    ck_assert_int_eq(set_strategy(SPEC), TM_OK);
    for (size_t i = 0; i < 4; i++) {
        ck_assert_int_eq(set("objective_params", wrong[i]), TM_OK);
        ck_assert_int_eq(tune_request_finish(request, &fault), TM_INVALID_OBJECTIVE_PARAMS);
        ck_assert_str_eq(fault.field, "objective_params");
    }
}
END_TEST

START_TEST(what_is_required_is_named)
{
    ck_assert_int_eq(tune_request_finish(request, &fault), TM_VALIDATION_FAILED);
    ck_assert_str_eq(fault.field, "strategy_entity_id");
    ck_assert_int_eq(set("strategy_entity_id", STRATEGY), TM_OK);
    ck_assert_int_eq(tune_request_finish(request, &fault), TM_VALIDATION_FAILED);
    ck_assert_str_eq(fault.field, "file");
}
END_TEST

START_TEST(dates_must_be_in_order)
{
    set_dataset(1);
    ck_assert_int_eq(set_strategy(SPEC), TM_OK);
    ck_assert_int_eq(set("date_from", "2020-01-02"), TM_OK);
    ck_assert_int_eq(set("date_to", "2020-01-01"), TM_OK);
    ck_assert_int_eq(tune_request_finish(request, &fault), TM_VALIDATION_FAILED);
    ck_assert_str_eq(fault.field, "date_from");
    ck_assert_int_eq(set("date_to", "2020-01-02"), TM_OK);
    ck_assert_int_eq(tune_request_finish(request, &fault), TM_OK);
    ck_assert_int_eq(set("date_from", "2020-01-02T10:00+09:00"), TM_OK);
    ck_assert_int_eq(set("date_to", "2020-01-02T00:30Z"), TM_OK);
    ck_assert_int_eq(tune_request_finish(request, &fault), TM_VALIDATION_FAILED);
    ck_assert_int_eq(set("date_to", "2020-01-02T01:00Z"), TM_OK);
    ck_assert_int_eq(tune_request_finish(request, &fault), TM_OK);
}
END_TEST

START_TEST(a_field_left_empty_is_as_if_not_sent)
{
    json_t *body;

    ck_assert_int_eq(set("oos_ratio", "0.2"), TM_OK);
    ck_assert_int_eq(set("oos_ratio", ""), TM_OK);
    ck_assert_int_eq(set("n_trials", ""), TM_OK);
    body = finished_body();
    ck_assert_ptr_null(json_object_get(body, "oos_ratio"));
    ck_assert_double_eq(number_in(body, "n_trials"), 50);
    json_decref(body);
}
END_TEST

START_TEST(a_back_test_takes_its_own_fields_only)
{
    static const char *const others[] = {"n_trials", "search_type", "param_space", "min_trades",
                                         "objective_params"};

    tune_request_destroy(&request);
    request = tune_request_new_backtest(settings);
    ck_assert_int_eq(set("commission_bps", "1"), TM_OK);
    ck_assert_int_eq(set("params", "{}"), TM_OK);
    for (size_t i = 0; i < 5; i++)
        ck_assert_int_eq(set(others[i], "1"), TM_UNKNOWN_FIELD);
    ck_assert_int_eq(set("parms", "{}"), TM_UNKNOWN_FIELD);
    ck_assert_str_eq(fault.text, "is not known here; did you mean params?");
}
END_TEST

START_TEST(an_objective_param_is_named_with_the_nearest)
{
    set_dataset(1);
    ck_assert_int_eq(set_strategy(SPEC), TM_OK);
    ck_assert_int_eq(set("objective_params", "{\"dd_lamda\":1}"), TM_OK);
    ck_assert_int_eq(tune_request_finish(request, &fault), TM_INVALID_OBJECTIVE_PARAMS);
    ck_assert_str_eq(fault.text, "dd_lamda: is not known here; did you mean dd_lambda?");
}
END_TEST

START_TEST(an_error_need_not_be_asked_for)
{
    ck_assert_int_eq(tune_request_set(request, "n_trials", "x", 1, NULL), TM_VALIDATION_FAILED);
    ck_assert_int_eq(tune_request_finish(request, NULL), TM_VALIDATION_FAILED);
}
END_TEST

START_TEST(a_value_need_not_be_terminated)
{
    char *exact = malloc(2); /* what lies behind it is nobody's */
    json_t *body;

    memcpy(exact, "12", 2);
    ck_assert_int_eq(tune_request_set(request, "n_trials", exact, 2, &fault), TM_OK);
    free(exact);
    ck_assert_int_eq(tune_request_set(request, "date_from", "2020-01-015", 10, &fault), TM_OK);
    ck_assert_int_eq(tune_request_set(request, "n_trials", "12\0004", 4, &fault),
                     TM_VALIDATION_FAILED);
    body = finished_body();
    ck_assert_double_eq(number_in(body, "n_trials"), 12);
    json_decref(body);
}
END_TEST

START_TEST(the_body_keeps_the_strategys_order)
{
    char *text;

    set_dataset(1);
    ck_assert_int_eq(set_strategy(SPEC), TM_OK);
    ck_assert_int_eq(tune_request_finish(request, &fault), TM_OK);
    text = tune_request_body(request);
    ck_assert_ptr_nonnull(strstr(text, "\"params\":{\"period\":"));
    free(text);
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))

static TCase *
fields_case(void)
{
    TCase *fields = case_new("fields", NULL, NULL);

    suite_tests(fields, a_bare_request_is_filled_with_the_defaults,
                the_objectives_type_follows_its_metric,
                the_defaults_and_limits_of_settings_count);
    suite_rows(fields, a_good_value_is_taken, good);
    suite_rows(fields, a_bad_value_is_refused_with_its_code_and_what_is_allowed, bad);
    suite_rows(fields, a_space_that_the_strategy_does_not_allow_is_refused, spaces);
    suite_tests(fields, a_space_set_after_the_strategy_is_checked_too,
                a_space_that_is_too_large_is_refused, a_list_of_too_many_values_is_refused,
                too_many_names_in_a_space_are_refused,
                a_name_that_is_cut_in_a_character_leaves_readable_text,
                a_strategy_that_is_no_object_is_invalid, a_strategys_own_id_must_be_a_uuid,
                an_objective_param_that_is_unknown_or_no_number_is_refused,
                what_is_required_is_named, dates_must_be_in_order,
                a_field_left_empty_is_as_if_not_sent, a_back_test_takes_its_own_fields_only,
                an_objective_param_is_named_with_the_nearest, an_error_need_not_be_asked_for,
                a_value_need_not_be_terminated, the_body_keeps_the_strategys_order);
    return fields;
}

int
main(void)
{
    Suite *suite = suite_create("tune_request");
    TCase *cases[] = {fields_case(), tune_request_grids(), tune_request_hashes(),
                      tune_request_bodies()};

    for (int i = 0; i < COUNT(cases); i++) {
        tcase_add_checked_fixture(cases[i], tune_request_set_up, tune_request_tear_down);
        suite_add_tcase(suite, cases[i]);
    }
    return suite_run(suite);
}
