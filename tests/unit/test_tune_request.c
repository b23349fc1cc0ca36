#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/tune_field.h"
#include "actors/kit/tune_request.h"

#define STRATEGY "8fd7589a-97c6-49bf-a65e-357fb063fe33"
#define SPEC                                                                \
    "{\"id\":\"" STRATEGY                                                   \
    "\",\"name\":\"s\",\"params\":{\"period\":{\"type\":\"int\",\"min\":2," \
    "\"max\":200},\"k\":{\"type\":\"float\",\"min\":0,\"max\":10}}}"

static settings_t *settings;
static tune_request_t *request;
static struct tune_request_error error;

static void
setup(void)
{
    settings = settings_new();
    request = tune_request_new(settings);
    memset(&error, 0, sizeof(error));
}

static void
teardown(void)
{
    tune_request_destroy(&request);
    settings_destroy(&settings);
}

static tm_err_t
set(const char *name, const char *value)
{
    return tune_request_set(request, name, value, strlen(value), &error);
}

static tm_err_t
set_strategy(const char *text)
{
    json_t *spec = json_loads(text, JSON_DECODE_ANY, NULL);
    tm_err_t err = tune_request_set_strategy(request, &spec, &error);

    ck_assert_ptr_null(spec);
    return err;
}

static void
set_dataset(uint8_t first)
{
    const uint8_t sha256[32] = {first};

    tune_request_set_dataset(request, sha256, 1000, "prices.csv");
}

static json_t *
finished_body(void)
{
    char *text;
    json_t *body;

    set_dataset(1);
    ck_assert_int_eq(set_strategy(SPEC), TM_OK);
    ck_assert_msg(tune_request_finish(request, &error) == TM_OK, "%s %s", error.field,
                  error.text);
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
    ck_assert_str_eq(error.text, "must be between 1 and 70");
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
    {"date_from", "2024-02-29", "\"2024-02-29\""},
    {"date_to", "2000-02-29", "\"2000-02-29\""},
    {"param_space", "{\"k\":[1]}", "{\"k\":[1]}"},
    {"param_space", "{\"k\":{\"min\":1,\"max\":1}}", "{\"k\":{\"min\":1,\"max\":1}}"},
    {"param_space", " { \"period\" : [ 2, 200 ] } ", "{\"period\":[2,200]}"},
    {"workspace_id", "anything", "null"},
    {"no_such_field", "anything", "null"},
};

START_TEST(a_good_value_is_taken)
{
    json_t *body, *want = json_loads(good[_i].json, JSON_DECODE_ANY, NULL);
    const json_t *got;

    ck_assert_msg(set(good[_i].name, good[_i].value) == TM_OK, "%s", error.text);
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
    {"n_trials", "0", TM_VALIDATION_FAILED, "between 1 and 1000000"},
    {"n_trials", "1000001", TM_VALIDATION_FAILED, "between 1 and 1000000"},
    {"n_trials", "-1", TM_VALIDATION_FAILED, "between"},
    {"n_trials", "50.0", TM_VALIDATION_FAILED, "whole number"},
    {"n_trials", "5e1", TM_VALIDATION_FAILED, "whole number"},
    {"n_trials", "50x", TM_VALIDATION_FAILED, "whole number"},
    {"n_trials", " 50", TM_VALIDATION_FAILED, "whole number"},
    {"n_trials", "0x10", TM_VALIDATION_FAILED, "whole number"},
    {"n_trials", "99999999999999999999999999999999999999", TM_VALIDATION_FAILED, "between"},
    {"seed", "9007199254740992", TM_VALIDATION_FAILED, "between"},
    {"seed", "-", TM_VALIDATION_FAILED, "whole number"},
    {"initial_cash", "99.99", TM_VALIDATION_FAILED, "between 100"},
    {"initial_cash", "nan", TM_VALIDATION_FAILED, "not a number"},
    {"initial_cash", "inf", TM_VALIDATION_FAILED, "not a number"},
    {"initial_cash", "1e999", TM_VALIDATION_FAILED, "not a number"},
    {"initial_cash", "0x64p2", TM_VALIDATION_FAILED, "not a number"},
    {"initial_cash", "1,000", TM_VALIDATION_FAILED, "not a number"},
    {"commission_bps", "-0.1", TM_VALIDATION_FAILED, "between 0 and 1000"},
    {"commission_bps", "1000.1", TM_VALIDATION_FAILED, "between 0 and 1000"},
    {"slippage_bps", "1001", TM_VALIDATION_FAILED, "between 0 and 1000"},
    {"min_trades", "0", TM_VALIDATION_FAILED, "between 1"},
    {"objective_metric", "sortino", TM_INVALID_OBJECTIVE, "sharpe return calmar"},
    {"objective_type", "calmar_dd_penalty", TM_INVALID_OBJECTIVE_TYPE, "return_dd_penalty"},
    {"objective_params", "0.02", TM_INVALID_OBJECTIVE_PARAMS, "JSON"},
    {"objective_params", "[0.02]", TM_INVALID_OBJECTIVE_PARAMS, "object"},
    {"objective_params", "{\"dd_lambda\":}", TM_INVALID_OBJECTIVE_PARAMS, "line 1"},
    {"oos_ratio", "0.009", TM_VALIDATION_FAILED, "between 0.01 and 0.5"},
    {"oos_ratio", "0.51", TM_VALIDATION_FAILED, "between 0.01 and 0.5"},
    {"date_from", "2023-02-29", TM_INVALID_DATE_FORMAT, "YYYY-MM-DD"},
    {"date_from", "1900-02-29", TM_INVALID_DATE_FORMAT, "YYYY-MM-DD"},
    {"date_from", "2023-04-31", TM_INVALID_DATE_FORMAT, "YYYY-MM-DD"},
    {"date_from", "2023-13-01", TM_INVALID_DATE_FORMAT, "YYYY-MM-DD"},
    {"date_from", "2023-00-10", TM_INVALID_DATE_FORMAT, "YYYY-MM-DD"},
    {"date_from", "2023-01-00", TM_INVALID_DATE_FORMAT, "YYYY-MM-DD"},
    {"date_from", "2023-1-01", TM_INVALID_DATE_FORMAT, "YYYY-MM-DD"},
    {"date_from", "01-01-2023", TM_INVALID_DATE_FORMAT, "YYYY-MM-DD"},
    {"date_to", "2023-01-01T00:00:00", TM_INVALID_DATE_FORMAT, "YYYY-MM-DD"},
    {"date_to", "2023--1-01", TM_INVALID_DATE_FORMAT, "YYYY-MM-DD"},
    {"param_space", "{\"k\":[1],\"k\":[2]}", TM_INVALID_PARAM_SPACE, "duplicate"},
    {"param_space", "{\"k\":[1]} x", TM_INVALID_PARAM_SPACE, "JSON"},
    {"param_space", "{\"k\":[NaN]}", TM_INVALID_PARAM_SPACE, "JSON"},
    {"param_space", "{\"k\":[1e999]}", TM_INVALID_PARAM_SPACE, "JSON"},
    {"param_space", "{\"k\":[[[[[[[[1]]]]]]]]}", TM_INVALID_PARAM_SPACE, "nested"},
};

START_TEST(a_bad_value_is_refused_with_its_code_and_what_is_allowed)
{
    ck_assert_msg(set(bad[_i].name, bad[_i].value) == bad[_i].err, "%s=%s: %s", bad[_i].name,
                  bad[_i].value, tm_err_name(error.err));
    ck_assert_int_eq(error.err, bad[_i].err);
    ck_assert_str_eq(error.field, bad[_i].name);
    ck_assert_msg(strstr(error.text, bad[_i].text) != NULL, "%s=%s: %s", bad[_i].name,
                  bad[_i].value, error.text);
}
END_TEST

/* Spaces that parse, and that the strategy's params do not allow. */
static const struct {
    const char *space, *text;
} spaces[] = {
    {"{}", "names no parameter"},
    {"{\"window\":[1]}", "window: the strategy has no such parameter"},
    {"{\"k\":[]}", "k: a list has 1 to"},
    {"{\"k\":[1,\"2\"]}", "value 2 is not a number"},
    {"{\"k\":[true]}", "value 1 is not a number"},
    {"{\"k\":[10.5]}", "value 1 must be between 0 and 10"},
    {"{\"period\":[10,10.5]}", "value 2 must be a whole number"},
    {"{\"period\":[1]}", "between 2 and 200"},
    {"{\"k\":2}", "neither a list"},
    {"{\"k\":null}", "neither a list"},
    {"{\"k\":{\"min\":1}}", "max is not a number"},
    {"{\"k\":{\"max\":1}}", "min is not a number"},
    {"{\"k\":{\"min\":2,\"max\":1}}", "min is above max"},
    {"{\"k\":{\"min\":-1,\"max\":1}}", "min must be between"},
    {"{\"k\":{\"min\":1,\"max\":2,\"step\":0}}", "step"},
    {"{\"k\":{\"min\":1,\"max\":2,\"step\":\"x\"}}", "step"},
    {"{\"k\":{\"min\":1,\"max\":2,\"type\":\"log\"}}", "type"},
    {"{\"k\":{\"min\":1,\"max\":2,\"steps\":3}}", "not \"steps\""},
};

START_TEST(a_space_that_the_strategy_does_not_allow_is_refused)
{
    ck_assert_int_eq(set("param_space", spaces[_i].space), TM_OK);
    ck_assert_int_eq(set_strategy(SPEC), TM_INVALID_PARAM_SPACE);
    ck_assert_str_eq(error.field, "param_space");
    ck_assert_msg(strstr(error.text, spaces[_i].text) != NULL, "%s: %s", spaces[_i].space,
                  error.text);
}
END_TEST

START_TEST(a_space_set_after_the_strategy_is_checked_too)
{
    ck_assert_int_eq(set_strategy(SPEC), TM_OK);
    ck_assert_int_eq(set("param_space", "{\"window\":[1]}"), TM_OK);
    set_dataset(1);
    ck_assert_int_eq(tune_request_finish(request, &error), TM_INVALID_PARAM_SPACE);
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
    ck_assert_str_eq(error.text, "is longer than 65536 bytes");
    memset(text, '[', size);
    ck_assert_int_eq(tune_request_set(request, "param_space", text, 60000, &error),
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
    ck_assert_ptr_nonnull(strstr(error.text, "32"));
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
    json_t *text = json_string(error.text); /* NULL unless UTF-8 */
    ck_assert_ptr_nonnull(text);
    json_decref(text);
}
END_TEST

START_TEST(a_strategy_without_params_cannot_be_tuned)
{
    ck_assert_int_eq(set_strategy("{\"name\":\"s\",\"params\":{}}"), TM_NO_TUNABLE_PARAMS);
    ck_assert_int_eq(set_strategy("{\"name\":\"s\"}"), TM_NO_TUNABLE_PARAMS);
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
    ck_assert_str_eq(error.field, "strategy_entity_id");
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
        ck_assert_int_eq(tune_request_finish(request, &error), TM_INVALID_OBJECTIVE_PARAMS);
        ck_assert_str_eq(error.field, "objective_params");
    }
}
END_TEST

START_TEST(what_is_required_is_named)
{
    ck_assert_int_eq(tune_request_finish(request, &error), TM_VALIDATION_FAILED);
    ck_assert_str_eq(error.field, "strategy_entity_id");
    ck_assert_int_eq(set("strategy_entity_id", STRATEGY), TM_OK);
    ck_assert_int_eq(tune_request_finish(request, &error), TM_VALIDATION_FAILED);
    ck_assert_str_eq(error.field, "file");
}
END_TEST

START_TEST(dates_must_be_in_order)
{
    set_dataset(1);
    ck_assert_int_eq(set_strategy(SPEC), TM_OK);
    ck_assert_int_eq(set("date_from", "2020-01-02"), TM_OK);
    ck_assert_int_eq(set("date_to", "2020-01-01"), TM_OK);
    ck_assert_int_eq(tune_request_finish(request, &error), TM_VALIDATION_FAILED);
    ck_assert_str_eq(error.field, "date_from");
    ck_assert_int_eq(set("date_to", "2020-01-02"), TM_OK);
    ck_assert_int_eq(tune_request_finish(request, &error), TM_OK);
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
    ck_assert_int_eq(tune_request_set(request, "n_trials", exact, 2, &error), TM_OK);
    free(exact);
    ck_assert_int_eq(tune_request_set(request, "date_from", "2020-01-015", 10, &error), TM_OK);
    ck_assert_int_eq(tune_request_set(request, "n_trials", "12\0004", 4, &error),
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
    ck_assert_int_eq(tune_request_finish(request, &error), TM_OK);
    text = tune_request_body(request);
    ck_assert_ptr_nonnull(strstr(text, "\"params\":{\"period\":"));
    free(text);
}
END_TEST

/* ---- the hash --------------------------------------------------------------------------- */

/* The hash of a request with these fields, name, value, ..., NULL. */
static void
hash_of(const char *const *fields, uint8_t dataset, const char *spec, uint8_t out[32])
{
    tune_request_destroy(&request);
    request = tune_request_new(settings);
    for (size_t i = 0; fields[i]; i += 2)
        ck_assert_msg(set(fields[i], fields[i + 1]) == TM_OK, "%s: %s", fields[i], error.text);
    set_dataset(dataset);
    ck_assert_int_eq(set_strategy(spec), TM_OK);
    ck_assert_msg(tune_request_finish(request, &error) == TM_OK, "%s %s", error.field,
                  error.text);
    tune_request_hash(request, out);
}

START_TEST(requests_that_mean_the_same_have_one_hash)
{
    const char *const first[] = {"param_space",
                                 "{\"period\":[10,20],\"k\":{\"min\":1.0,\"max\":3}}",
                                 "n_trials",
                                 "50",
                                 "initial_cash",
                                 "10000",
                                 "oos_ratio",
                                 "0.3",
                                 NULL};
    const char *const second[] = {"oos_ratio",
                                  "3e-1",
                                  "commission_bps",
                                  "10.00000000001",
                                  "param_space",
                                  " {\"k\" : {\"max\":3.0, \"min\":1}, \"period\":[10.0,20]}",
                                  "initial_cash",
                                  "1e4",
                                  "objective_params",
                                  "{\"dd_lambda\":2e-2}",
                                  "objective_type",
                                  "sharpe",
                                  "workspace_id",
                                  "w",
                                  NULL};
    uint8_t a[32], b[32];

    hash_of(first, 1, SPEC, a);
    hash_of(second, 1, SPEC, b);
    ck_assert_mem_eq(a, b, 32);
}
END_TEST

START_TEST(neither_the_files_name_nor_the_strategys_text_is_hashed)
{
    const char *const none[] = {NULL};
    const uint8_t sha256[32] = {1};
    uint8_t a[32], b[32];

    hash_of(none, 1, SPEC, a);
    hash_of(none, 1,
            "{\"id\":\"" STRATEGY
            "\",\"name\":\"edited\",\"params\":{\"k\":{\"type\":\"float\"}}}",
            b);
    ck_assert_mem_eq(a, b, 32);
    tune_request_set_dataset(request, sha256, 1000, "another.csv");
    tune_request_hash(request, b);
    ck_assert_mem_eq(a, b, 32);
}
END_TEST

/* One other value for every field that shapes the outcome. */
static const char *const others[][2] = {
    {"strategy_entity_id", "00000000-0000-0000-0000-000000000009"},
    {"search_type", "grid"},
    {"n_trials", "51"},
    {"seed", "1"},
    {"param_space", "{\"k\":[1,2]}"},
    {"initial_cash", "10000.001"},
    {"commission_bps", "10.000001"},
    {"slippage_bps", "0.00001"},
    {"min_trades", "6"},
    {"objective_metric", "return"},
    {"objective_type", "sharpe_dd_penalty"},
    {"objective_params", "{\"dd_lambda\":0.03}"},
    {"oos_ratio", "0.2"},
    {"date_from", "2020-01-01"},
    {"date_to", "2030-01-01"},
};

START_TEST(every_field_that_shapes_the_outcome_changes_the_hash)
{
    const char *const none[] = {NULL}, *const one[] = {others[_i][0], others[_i][1], NULL};
    uint8_t a[32], b[32];

    hash_of(none, 1, SPEC, a);
    hash_of(one, 1, SPEC, b);
    ck_assert_msg(memcmp(a, b, 32) != 0, "%s", others[_i][0]);
}
END_TEST

START_TEST(no_field_of_the_table_was_forgotten_above)
{
    const tune_field_t *field;

    for (size_t i = 0; (field = tune_field_at(i)); i++) {
        bool is_there = false;
        for (size_t j = 0; j < sizeof(others) / sizeof(others[0]); j++)
            is_there = is_there || strcmp(others[j][0], field->name) == 0;
        ck_assert_msg(is_there, "%s", field->name);
        ck_assert_msg(field->doc[0] != '\0', "%s has no words", field->name);
    }
}
END_TEST

START_TEST(another_file_is_another_request)
{
    const char *const none[] = {NULL};
    uint8_t a[32], b[32];

    hash_of(none, 1, SPEC, a);
    hash_of(none, 2, SPEC, b);
    ck_assert(memcmp(a, b, 32) != 0);
}
END_TEST

/* ---- reading a body --------------------------------------------------------------------- */

START_TEST(the_spec_is_what_was_asked_for)
{
    const char *const fields[] = {"n_trials",
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
    ck_assert_int_eq(tune_spec_parse(body, strlen(body), &spec, &error), TM_OK);
    ck_assert_str_eq(spec.strategy_entity_id, STRATEGY);
    ck_assert_str_eq(spec.search_type, "random");
    ck_assert_str_eq(spec.objective_type, "return_dd_penalty");
    ck_assert_uint_eq(spec.n_trials, 77);
    ck_assert_uint_eq(spec.seed, (uint64_t)-5);
    ck_assert(spec.has_seed);
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
    ck_assert_int_eq(tune_spec_parse(body, strlen(body), &spec, &error), TM_OK);
    ck_assert(isnan(spec.oos_ratio));
    ck_assert(spec.date_from_ms == INT64_MIN && spec.date_to_ms == INT64_MAX);
    ck_assert_ptr_null(spec.param_space);
    ck_assert_double_eq(spec.initial_cash, 10000);
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
    {"{" ENOUGH ",\"strategy\":{\"params\":{}}}", TM_NO_TUNABLE_PARAMS, "strategy_entity_id"},
    {"{" ENOUGH ",\"search_type\":\"tpe\"}", TM_OK, ""},
};

START_TEST(a_body_is_checked_as_a_form_is)
{
    const char *body = bodies[_i].body;
    struct tune_spec spec;
    tm_err_t err = tune_spec_parse(body, strlen(body), &spec, &error);

    ck_assert_msg(err == bodies[_i].err, "%s: %s %s", body, tm_err_name(err), error.text);
    if (err)
        ck_assert_str_eq(error.field, bodies[_i].field);
    tune_spec_fini(&spec);
}
END_TEST

START_TEST(a_body_nested_without_end_is_refused)
{
    size_t size = 100000;
    char *body = malloc(size);
    struct tune_spec spec;

    memset(body, '[', size);
    ck_assert_int_eq(tune_spec_parse(body, size, &spec, &error), TM_BAD_REQUEST);
    tune_spec_fini(&spec);
    free(body);
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))

static void
add_fields(TCase *fields)
{
    tcase_add_test(fields, a_bare_request_is_filled_with_the_defaults);
    tcase_add_test(fields, the_objectives_type_follows_its_metric);
    tcase_add_test(fields, the_defaults_and_limits_of_settings_count);
    tcase_add_loop_test(fields, a_good_value_is_taken, 0, COUNT(good));
    tcase_add_loop_test(fields, a_bad_value_is_refused_with_its_code_and_what_is_allowed, 0,
                        COUNT(bad));
    tcase_add_loop_test(fields, a_space_that_the_strategy_does_not_allow_is_refused, 0,
                        COUNT(spaces));
    tcase_add_test(fields, a_space_set_after_the_strategy_is_checked_too);
    tcase_add_test(fields, a_space_that_is_too_large_is_refused);
    tcase_add_test(fields, a_list_of_too_many_values_is_refused);
    tcase_add_test(fields, too_many_names_in_a_space_are_refused);
    tcase_add_test(fields, a_name_that_is_cut_in_a_character_leaves_readable_text);
    tcase_add_test(fields, a_strategy_without_params_cannot_be_tuned);
    tcase_add_test(fields, a_strategy_that_is_no_object_is_invalid);
    tcase_add_test(fields, a_strategys_own_id_must_be_a_uuid);
    tcase_add_test(fields, an_objective_param_that_is_unknown_or_no_number_is_refused);
    tcase_add_test(fields, what_is_required_is_named);
    tcase_add_test(fields, dates_must_be_in_order);
    tcase_add_test(fields, a_field_left_empty_is_as_if_not_sent);
    tcase_add_test(fields, an_error_need_not_be_asked_for);
    tcase_add_test(fields, a_value_need_not_be_terminated);
    tcase_add_test(fields, the_body_keeps_the_strategys_order);
}

static void
add_hash_and_body(TCase *hash, TCase *body)
{
    tcase_add_test(hash, requests_that_mean_the_same_have_one_hash);
    tcase_add_test(hash, neither_the_files_name_nor_the_strategys_text_is_hashed);
    tcase_add_loop_test(hash, every_field_that_shapes_the_outcome_changes_the_hash, 0,
                        COUNT(others));
    tcase_add_test(hash, no_field_of_the_table_was_forgotten_above);
    tcase_add_test(hash, another_file_is_another_request);
    tcase_add_test(body, the_spec_is_what_was_asked_for);
    tcase_add_test(body, what_is_absent_is_open);
    tcase_add_loop_test(body, a_body_is_checked_as_a_form_is, 0, COUNT(bodies));
    tcase_add_test(body, a_body_nested_without_end_is_refused);
}

int
main(void)
{
    Suite *suite = suite_create("tune_request");
    TCase *cases[] = {tcase_create("fields"), tcase_create("hash"), tcase_create("body")};
    SRunner *runner;
    int failed;

    add_fields(cases[0]);
    add_hash_and_body(cases[1], cases[2]);
    for (size_t i = 0; i < 3; i++) {
        tcase_add_checked_fixture(cases[i], setup, teardown);
        suite_add_tcase(suite, cases[i]);
    }
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
