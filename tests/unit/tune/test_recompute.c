/* A trial computed again, against what its tune wrote: without a broker, on a real database. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/tune/recompute_help.h"
#include "tests/support/pg_suite.h"

/* ---- the figures ------------------------------------------------------------------------ */

/* The curve and the trades say what the summary says. */
#define SPACE "{\"period\":[5,10,20],\"k\":{\"min\":0.5,\"max\":2,\"step\":0.5}}"

static void
expect_consistent(const json_t *answer)
{
    const json_t *curve = member(answer, "equity_curve"),
                 *drawdown = member(answer, "drawdown");
    const json_t *split = member(answer, "split_at"), *trade;
    const json_t *metrics = member(
        answer, json_is_null(split) ? "metrics_is" : "metrics_oos"); /* the last window's */
    size_t count = json_array_size(curve), index;
    size_t first = json_is_null(split) ? 0 : (size_t)number(split, "point");
    double deepest = 0, judged = 0;

    ck_assert_uint_eq(count, json_array_size(drawdown));
    for (size_t i = first; i < count; i++)
        deepest = fmin(deepest, json_number_value(json_array_get(drawdown, i)));
    ck_assert_double_eq_tol(deepest, number(metrics, "max_drawdown_pct"), 1e-9);
    ck_assert_double_eq_tol(number(json_array_get(curve, count - 1), "equity"),
                            number(metrics, "equity_final"), 1e-6);
    ck_assert_double_eq_tol(number(json_array_get(curve, first), "equity"), 10000, 1e-6);
    json_array_foreach(member(answer, "trades"), index, trade)
    {
        ck_assert(number(trade, "duration_bars") > 0);
        ck_assert_str_ge(text(trade, "exit_time"), text(trade, "entry_time"));
        judged +=
            json_is_null(split) || strcmp(text(trade, "entry_time"), text(split, "t")) >= 0;
    }
    ck_assert_double_eq(judged, number(metrics, "trades"));
    ck_assert_double_eq(number(answer, "trade_count"),
                        (double)json_array_size(member(answer, "trades")));
}

static void
expect_trials_again(const char *search, const char *oos_ratio, uint32_t trials)
{
    const char *const fields[] = {"search_type", search, "n_trials",  "12",      "seed", "5",
                                  "param_space", SPACE,  "oos_ratio", oos_ratio, NULL};

    run_tune("tests/data/SYND.csv", fields);
    for (uint32_t i = 0; i < trials; i++) {
        json_t *answer = answer_of(i, BACKTEST_POINTS);

        expect_summary(answer);
        expect_consistent(answer);
        ck_assert_str_eq(text(answer, "evaluated_on"), "primary");
        ck_assert_uint_eq(json_array_size(member(answer, "equity_curve")), 1200);
        ck_assert_uint_eq(json_array_size(member(answer, "warnings")), 0);
        json_decref(answer);
    }
}

START_TEST(every_trial_of_a_grid_is_computed_again_bit_for_bit)
{
    expect_trials_again("grid", "", 12);
}
END_TEST

START_TEST(every_trial_at_random_is_computed_again_bit_for_bit)
{
    expect_trials_again("random", "", 12);
}
END_TEST

START_TEST(every_trial_of_a_split_grid_is_computed_again_bit_for_bit)
{
    expect_trials_again("grid", "0.3", 12);
}
END_TEST

START_TEST(every_trial_of_a_split_at_random_is_computed_again_bit_for_bit)
{
    expect_trials_again("random", "0.3", 12);
}
END_TEST

/* A search that learns makes trial i from those before it: its index says nothing of its
 * params. Here they are in another order than any search makes them. */
static void
expect_rows_again(const char *oos_ratio)
{
    const char *const fields[] = {"n_trials", "8", "seed", "5", "oos_ratio", oos_ratio, NULL};

    run_tune("tests/data/SYND.csv", fields);
    free(tune_world_query(&world,
                          "UPDATE backtest_tune_runs SET trial_index = -1 - trial_index"));
    free(tune_world_query(&world,
                          "UPDATE backtest_tune_runs SET trial_index = 8 + trial_index"));
    free(tune_world_query(&world, "UPDATE backtest_tunes SET search_type = 'tpe', request ="
                                  " jsonb_set(request, '{search_type}', '\"tpe\"')"));
    for (uint32_t i = 0; i < 8; i++) {
        json_t *answer = answer_of(i, BACKTEST_POINTS);

        expect_summary(answer);
        expect_consistent(answer);
        ck_assert_uint_eq(json_array_size(member(answer, "warnings")), 0);
        json_decref(answer);
    }
}

START_TEST(the_params_are_those_of_the_row_whatever_the_search)
{
    expect_rows_again("");
}
END_TEST

START_TEST(the_params_of_a_split_tune_are_those_of_the_row_too)
{
    expect_rows_again("0.4");
}
END_TEST

START_TEST(a_split_says_where_out_of_sample_begins)
{
    const char *const fields[] = {"n_trials",  "1",   "oos_ratio", "0.25",
                                  "select_on", "oos", NULL};
    json_t *answer;
    const json_t *split;

    run_tune("tests/data/SYND.csv", fields);
    answer = answer_of(0, 100);
    split = member(answer, "split_at");
    ck_assert_double_eq(number(split, "index"), 900);
    ck_assert_str_eq(text(split, "t"), text(json_array_get(member(answer, "equity_curve"),
                                                           (size_t)number(split, "point")),
                                            "t"));
    ck_assert_str_eq(text(answer, "evaluated_on"), "oos");
    ck_assert(json_is_object(member(answer, "metrics_oos")));
    json_decref(answer);
}
END_TEST

START_TEST(dates_and_costs_of_the_tune_hold)
{
    const char *const fields[] = {"n_trials",
                                  "3",
                                  "date_from",
                                  "2019-06-01",
                                  "date_to",
                                  "2020-12-31",
                                  "commission_bps",
                                  "25",
                                  "slippage_bps",
                                  "5",
                                  "initial_cash",
                                  "50000",
                                  NULL};
    json_t *answer;

    run_tune("tests/data/SYND.csv", fields);
    answer = answer_of(2, BACKTEST_POINTS);
    expect_summary(answer);
    ck_assert_double_eq(number(json_array_get(member(answer, "equity_curve"), 0), "equity"),
                        50000);
    ck_assert_str_ge(text(member(answer, "dataset"), "first"), "2019-06-01");
    ck_assert_str_le(text(member(answer, "dataset"), "last"), "2020-12-31T99");
    json_decref(answer);
}
END_TEST

/* ---- what the answer holds -------------------------------------------------------------- */

START_TEST(an_answer_has_what_the_contract_names)
{
    static const char *const members[] = {
        "run_id",       "tune_id",  "trial_index", "status",        "params",
        "summary",      "drawdown", "trades",      "equity_curve",  "warnings",
        "evaluated_on", "split_at", "metrics_is",  "metrics_oos",   "skip_reason",
        "rank",         "score",    "trade_count", "strategy_name", "failed_reason"};
    static const char *const of_trade[] = {"entry_time",  "exit_time",  "side",
                                           "entry_price", "exit_price", "size",
                                           "pnl",         "return_pct", "duration_bars"};
    json_t *answer;
    tm_uuid_t run;
    char run_text[TM_UUID_TEXT];

    run_tune("tests/data/SYND.csv", NULL);
    answer = answer_of(7, BACKTEST_POINTS);
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        member(answer, members[i]);
    for (size_t i = 0; i < sizeof(of_trade) / sizeof(of_trade[0]); i++)
        member(json_array_get(member(answer, "trades"), 0), of_trade[i]);
    run = tune_run_id(&world.job.id, 7);
    ck_assert_str_eq(text(answer, "run_id"), tm_uuid_text(&run, run_text));
    ck_assert_str_eq(text(answer, "tune_id"), world.id);
    ck_assert_str_eq(text(answer, "strategy_name"), "bb_reversal");
    ck_assert_uint_eq(json_object_size(member(answer, "params")), 2);
    json_decref(answer);
}
END_TEST

START_TEST(a_skipped_trial_is_shown_with_its_reason)
{
    const char *const fields[] = {"min_trades", "1", "seed", "1", NULL};
    json_t *answer;

    world.settings->tune_gate_min_trades = 100000;
    run_tune("tests/data/SYND.csv", fields);
    answer = answer_of(0, BACKTEST_POINTS);
    ck_assert_str_eq(text(answer, "status"), "skipped");
    ck_assert_ptr_nonnull(strstr(text(answer, "skip_reason"), "gate:min_trades"));
    ck_assert_uint_eq(json_array_size(member(answer, "equity_curve")), 1200);
    expect_summary(answer);
    json_decref(answer);
}
END_TEST

START_TEST(a_failed_trial_has_a_reason_and_no_curve)
{
    json_t *answer;

    run_tune("tests/data/SYND.csv", NULL);
    free(tune_world_query(&world, "UPDATE backtest_tune_runs SET status = 'failed', reason ="
                                  " 'why', metrics_is = NULL WHERE trial_index = 3"));
    answer = answer_of(3, BACKTEST_POINTS);
    ck_assert_str_eq(text(answer, "status"), "failed");
    ck_assert_str_eq(text(answer, "failed_reason"), "why");
    ck_assert(json_is_null(member(answer, "summary")));
    ck_assert(json_is_null(member(answer, "evaluated_on")));
    ck_assert_uint_eq(json_array_size(member(answer, "equity_curve")), 0);
    ck_assert_uint_eq(json_array_size(member(answer, "trades")), 0);
    json_decref(answer);
}
END_TEST

static TCase *
figures(void)
{
    TCase *tcase = case_new("figures", NULL, NULL);

    suite_tests(tcase, every_trial_of_a_grid_is_computed_again_bit_for_bit,
                every_trial_at_random_is_computed_again_bit_for_bit,
                every_trial_of_a_split_grid_is_computed_again_bit_for_bit,
                every_trial_of_a_split_at_random_is_computed_again_bit_for_bit,
                the_params_are_those_of_the_row_whatever_the_search,
                the_params_of_a_split_tune_are_those_of_the_row_too,
                a_split_says_where_out_of_sample_begins, dates_and_costs_of_the_tune_hold,
                an_answer_has_what_the_contract_names, a_skipped_trial_is_shown_with_its_reason,
                a_failed_trial_has_a_reason_and_no_curve);
    return tcase;
}

int
main(void)
{
    Suite *suite = suite_create("replay");
    TCase *tcases[] = {figures(), replay_more()};

    for (size_t i = 0; i < sizeof(tcases) / sizeof(tcases[0]); i++) {
        tcase_add_checked_fixture(tcases[i], replay_set_up, replay_tear_down);
        suite_add_tcase(suite, tcases[i]);
    }
    return pg_suite_run(suite, &tune_fixture);
}
