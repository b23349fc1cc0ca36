/* How many trials a grid is, and how many are too many; a strategy without params. */
#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"
#include "tests/unit/tune/tune_request_help.h"

static tm_err_t
finish(void)
{
    set_dataset(1);
    ck_assert_int_eq(set_strategy(SPEC), TM_OK);
    return tune_request_finish(request, &fault);
}

/* Of SPEC, whose own ranges are 5 points each. */
static const struct {
    const char *space; /* NULL: the strategy's own */
    long long points;
} grids[] = {
    {NULL, 25},
    {"{\"period\":[5,10,20],\"k\":{\"min\":1,\"max\":3}}", 15},
    {"{\"k\":{\"min\":0.1,\"max\":0.7,\"step\":0.1}}", 7},
    {"{\"period\":{\"min\":5,\"max\":7},\"k\":[1]}", 3},
    {"{\"period\":{\"min\":2,\"max\":200,\"step\":1},\"k\":{\"min\":0,\"max\":10,\"step\":0.01}"
     "}",
     199199},
};

START_TEST(a_grid_without_n_trials_is_all_of_its_points)
{
    ck_assert_int_eq(set("search_type", "grid"), TM_OK);
    if (grids[_i].space)
        ck_assert_int_eq(set("param_space", grids[_i].space), TM_OK);
    ck_assert_msg(finish() == TM_OK, "%s", fault.text);
    char *text = tune_request_body(request);
    json_t *body = json_loads(text, 0, NULL);

    ck_assert_int_eq(json_integer_value(json_object_get(body, "n_trials")), grids[_i].points);
    json_decref(body);
    free(text);
}
END_TEST

START_TEST(a_grid_of_more_points_than_n_trials_is_refused_with_the_count)
{
    ck_assert_int_eq(set("search_type", "grid"), TM_OK);
    ck_assert_int_eq(set("n_trials", "24"), TM_OK);
    ck_assert_int_eq(finish(), TM_GRID_TOO_LARGE);
    ck_assert_str_eq(fault.field, "n_trials");
    ck_assert_str_eq(fault.text,
                     "the grid has 25 points, more than the 24 trials asked for: "
                     "leave n_trials out to try them all, or make the grid smaller");
    ck_assert_int_eq(set("n_trials", "25"), TM_OK);
    ck_assert_int_eq(finish(), TM_OK);
    ck_assert_int_eq(set("n_trials", "26"), TM_OK);
    ck_assert_int_eq(finish(), TM_OK);
}
END_TEST

START_TEST(a_grid_of_more_points_than_the_server_allows_is_refused_with_the_count)
{
    settings->tune_max_trials = 24;
    ck_assert_int_eq(set("search_type", "grid"), TM_OK);
    ck_assert_int_eq(finish(), TM_GRID_TOO_LARGE);
    ck_assert_str_eq(fault.field, "param_space");
    ck_assert_ptr_nonnull(strstr(fault.text, "25 points, more than the 24 trials that this"));
    settings->tune_max_trials = 25;
    ck_assert_int_eq(finish(), TM_OK);
}
END_TEST

START_TEST(a_grid_beyond_counting_is_too_large)
{
    const char spec[] = "{\"id\":\"" STRATEGY "\",\"name\":\"s\",\"params\":{"
                        "\"a\":{\"type\":\"int\",\"min\":1,\"max\":1000000},"
                        "\"b\":{\"type\":\"int\",\"min\":1,\"max\":1000000},"
                        "\"c\":{\"type\":\"int\",\"min\":1,\"max\":1000000},"
                        "\"d\":{\"type\":\"int\",\"min\":1,\"max\":1000000}}}";
    const char space[] = "{\"a\":{\"min\":1,\"max\":1000000,\"step\":1},"
                         "\"b\":{\"min\":1,\"max\":1000000,\"step\":1},"
                         "\"c\":{\"min\":1,\"max\":1000000,\"step\":1},"
                         "\"d\":{\"min\":1,\"max\":1000000,\"step\":1}}";

    set_dataset(1);
    ck_assert_int_eq(set("search_type", "grid"), TM_OK);
    ck_assert_int_eq(set("param_space", space), TM_OK);
    ck_assert_int_eq(set_strategy(spec), TM_OK);
    ck_assert_int_eq(tune_request_finish(request, &fault), TM_GRID_TOO_LARGE);
    ck_assert_ptr_nonnull(strstr(fault.text, "the grid has more than "));
}
END_TEST

/* What a range comes to is known when it is asked for, in every search. */
START_TEST(a_range_that_cannot_be_laid_out_is_refused)
{
    ck_assert_int_eq(set("param_space", "{\"k\":{\"min\":1,\"max\":2,\"step\":0.0000001}}"),
                     TM_OK);
    ck_assert_int_eq(finish(), TM_INVALID_PARAM_SPACE);
    ck_assert_ptr_nonnull(strstr(fault.text, "k: step 1e-07 makes more than 1000000 points"));
}
END_TEST

/* ---- nothing to vary --------------------------------------------------------------------- */

START_TEST(a_strategy_without_params_cannot_be_tuned)
{
    ck_assert_int_eq(set_strategy("{\"name\":\"s\",\"params\":{}}"), TM_NO_TUNABLE_PARAMS);
    ck_assert_int_eq(set_strategy("{\"name\":\"s\"}"), TM_NO_TUNABLE_PARAMS);
}
END_TEST

START_TEST(a_strategy_without_params_can_be_tested)
{
    tune_request_destroy(&request);
    request = tune_request_new_backtest(settings);
    ck_assert_int_eq(set_strategy("{\"id\":\"" STRATEGY "\",\"name\":\"s\"}"), TM_OK);
    set_dataset(1);
    ck_assert_int_eq(tune_request_finish(request, &fault), TM_OK);
}
END_TEST

TCase *
tune_request_grids(void)
{
    TCase *all = case_new("grids", NULL, NULL);

    suite_rows(all, a_grid_without_n_trials_is_all_of_its_points, grids);
    suite_tests(all, a_grid_of_more_points_than_n_trials_is_refused_with_the_count,
                a_grid_of_more_points_than_the_server_allows_is_refused_with_the_count,
                a_grid_beyond_counting_is_too_large, a_range_that_cannot_be_laid_out_is_refused,
                a_strategy_without_params_cannot_be_tuned,
                a_strategy_without_params_can_be_tested);
    return all;
}
