/* What chooses a tune's winner: how its file is read, the part, the gates, the seed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/support/suite.h"
#include "tests/unit/engine/engine_help.h"
#include "tests/unit/tune/tune_job_help.h"

/* The best of the in-sample part is the winner, whatever the rest says of it; asked for the
 * other way, the answer warns. */
static const struct {
    const char *select_on, *evaluated_on, *chooses;
} parts[] = {
    {"", "primary", "score_is"}, {"is", "primary", "score_is"}, {"oos", "oos", "score_oos"}};

START_TEST(a_split_is_judged_by_the_part_that_chooses)
{
    const char *const fields[] = {"oos_ratio",         "0.3", "seed", "3", "select_on",
                                  parts[_i].select_on, NULL};
    char sql[400];

    tune_world_dataset(&world, "tests/data/SYND.csv");
    tune_world_job(&world, "bb_reversal", fields);
    tune_world_run(&world);
    ck_assert_msg(world.end.err == TM_OK, "%s", world.end.detail);
    tune_world_expect(&world, "SELECT gates->>'evaluated_on' FROM backtest_tunes",
                      parts[_i].evaluated_on);
    snprintf(sql, sizeof(sql),
             "SELECT count(*) FILTER (WHERE cardinality(metrics_oos) = 20),"
             " bool_and(%s IS NOT DISTINCT FROM score),"
             " bool_and(overfit_gap = score_is - score_oos), count(overfit_gap) > 3,"
             " max(%s) FILTER (WHERE status = 'completed') = max(score) FILTER (WHERE rank = 1)"
             " FROM backtest_tune_runs",
             parts[_i].chooses, parts[_i].chooses);
    tune_world_expect(&world, sql, "50|t|t|t|t");
    tune_world_expect(&world,
                      "SELECT warnings::text LIKE '%out of sample any more%',"
                      " overfit->>'verdict' IN ('overfit', 'unproven', 'holds'),"
                      " json_array_length(overfit->'why') > 0 FROM backtest_tunes",
                      strcmp(parts[_i].select_on, "oos") == 0 ? "t|t|t" : "f|t|t");
}
END_TEST

/* What a request asks for holds against the server's; a gate that is null lets all pass. */
START_TEST(the_gates_of_the_request_hold)
{
    const char *const fields[] = {"gates",      "{\"max_drawdown_pct\":null,\"min_trades\":1}",
                                  "min_trades", "1",
                                  "n_trials",   "20",
                                  NULL};

    world.settings->tune_gate_min_trades = 100000;
    world.settings->tune_gate_max_drawdown_pct = 0;
    tune_world_dataset(&world, "tests/data/SYND.csv");
    tune_world_job(&world, "bb_reversal", fields);
    tune_world_run(&world);
    ck_assert_msg(world.end.err == TM_OK, "%s", world.end.detail);
    tune_world_expect(&world,
                      "SELECT gates->>'max_drawdown_pct' IS NULL, gates->>'min_trades',"
                      " count_completed > 10 FROM backtest_tunes",
                      "t|1|t");
}
END_TEST

/* Drawn when the tune is accepted: every attempt has the same, and the answer says which. */
START_TEST(a_seed_is_drawn_once_where_none_is_given)
{
    const char *const fields[] = {"n_trials", "5", NULL};
    char *first, *second;

    tune_world_dataset(&world, "tests/data/SYND.csv");
    tune_world_job(&world, "bb_reversal", fields);
    tune_world_run(&world);
    ck_assert_msg(world.end.err == TM_OK, "%s", world.end.detail);
    first = tune_world_query(&world, "SELECT request->>'seed' FROM backtest_tunes");
    tune_world_job(&world, "bb_reversal", fields);
    second = tune_world_query(&world, "SELECT request->>'seed' FROM backtest_tunes"
                                      " ORDER BY created_at DESC LIMIT 1");
    ck_assert_str_ne(first, "");
    ck_assert_str_ne(first, second);
    free(first);
    free(second);
}
END_TEST

/* 12 points, 50 trials: each is tried once, and what was drawn again is told. */
static const char *const searches[] = {"random", "tpe"};

START_TEST(a_search_ends_with_the_last_point_of_its_space)
{
    const char *const fields[] = {
        "search_type", searches[_i],
        "param_space", "{\"period\":[10,20,30],\"k\":{\"min\":0.5,\"max\":2,\"step\":0.5}}",
        "seed",        "3",
        NULL};

    tune_world_dataset(&world, "tests/data/SYND.csv");
    tune_world_job(&world, "bb_reversal", fields);
    tune_world_run(&world);
    ck_assert_msg(world.end.err == TM_OK, "%s", world.end.detail);
    tune_world_expect(
        &world,
        "SELECT n_trials, trials_completed, overfit->'distinct_trials',"
        " (overfit->>'duplicates')::int > 0,"
        " warnings::text LIKE '%the space has 12 points: all of them are tried, and"
        " no more; 50 trials were asked for%',"
        " warnings::text LIKE '%' || (overfit->>'duplicates')"
        "   || ' draws came to a point that had been tried%'"
        " FROM backtest_tunes",
        "12|12|12|t|t|t");
    tune_world_expect(&world, "SELECT count(*), count(DISTINCT params) FROM backtest_tune_runs",
                      "12|12");
    tune_world_expect(&world,
                      "SELECT tune_response(t, 10)->'counts'->>'duplicates'"
                      " = (t.overfit->>'duplicates') FROM backtest_tunes t",
                      "t");
}
END_TEST

START_TEST(a_grid_is_of_the_points_that_keep_to_its_constraints)
{
    const char *const fields[] = {"search_type", "grid",
                                  "param_space", "{\"fast\":[10,20,30],\"slow\":[10,20,30]}",
                                  "constraints", "[\"fast < slow\"]",
                                  NULL};

    tune_world_dataset(&world, "tests/data/SYND.csv");
    tune_world_job(&world, "sma_cross", fields);
    tune_world_run(&world);
    ck_assert_msg(world.end.err == TM_OK, "%s", world.end.detail);
    tune_world_expect(&world, "SELECT n_trials, request->'constraints'->>0 FROM backtest_tunes",
                      "3|fast < slow");
    tune_world_expect(&world,
                      "SELECT array_agg(params ORDER BY trial_index) FROM backtest_tune_runs",
                      "{{10,20},{10,30},{20,30}}");
}
END_TEST

START_TEST(a_constraint_that_is_none_is_refused)
{
    const char *const fields[] = {"constraints", "[\"fsat < slow\"]", NULL};

    tune_world_dataset(&world, "tests/data/SYND.csv");
    tune_world_job(&world, "sma_cross", fields);
    tune_world_run(&world);
    ck_assert_int_eq(world.end.err, TM_INVALID_CONSTRAINT);
    ck_assert_msg(strstr(world.end.detail, "\"fsat < slow\": position 1") != NULL, "%s",
                  world.end.detail);
    expect_nothing_written();
}
END_TEST

/* A producer that sends neither the strategy nor n_trials leaves the count to the worker. */
static void
add_grid_of_25(void)
{
    const char *const fields[] = {"strategy_entity_id", "8fd7589a-97c6-49bf-a65e-357fb063fe33",
                                  "search_type", "grid", NULL};
    json_t *spec = tune_world_strategy("bb_reversal");
    char *text = json_dumps(spec, 0), sql[4000];

    snprintf(sql, sizeof(sql),
             "INSERT INTO strategies (id, name, spec) VALUES ('%s', 'bb', '%s')", fields[1],
             text);
    tune_world_expect(&world, sql, "");
    tune_world_dataset(&world, "tests/data/SYND.csv");
    tune_world_job(&world, NULL, fields);
    free(text);
    json_decref(spec);
}

START_TEST(a_worker_counts_the_grid_that_nobody_has_counted)
{
    add_grid_of_25();
    tune_world_expect(&world, "SELECT n_trials FROM backtest_tunes", "0");
    tune_world_run(&world);
    ck_assert_msg(world.end.err == TM_OK, "%s", world.end.detail);
    tune_world_expect(&world, "SELECT n_trials, trials_completed FROM backtest_tunes", "25|25");
}
END_TEST

START_TEST(a_worker_refuses_the_grid_that_is_too_large)
{
    add_grid_of_25();
    world.settings->tune_max_trials = 24;
    tune_world_run(&world);
    ck_assert_int_eq(world.end.err, TM_GRID_TOO_LARGE);
    ck_assert_msg(strstr(world.end.detail,
                         "the grid has 25 points, more than the 24 trials that"
                         " this server allows") != NULL,
                  "%s", world.end.detail);
    expect_nothing_written();
}
END_TEST

/* ---- what is warned of ------------------------------------------------------------------- */

static void
run_cross(const char *slow, const char *cash)
{
    char space[80];
    const char *const fields[] = {"search_type",  "grid",    "param_space",
                                  space,          "date_to", "2019-10-27",
                                  "initial_cash", cash,      NULL};

    snprintf(space, sizeof(space), "{\"fast\":[10],\"slow\":%s}", slow);
    tune_world_dataset(&world, "tests/data/SYND.csv");
    tune_world_job(&world, "sma_cross", fields);
    tune_world_run(&world);
}

/* 300 bars */
START_TEST(trials_that_cannot_warm_up_are_warned_of)
{
    run_cross("[20,400]", "10000");
    ck_assert_msg(world.end.err == TM_OK, "%s", world.end.detail);
    tune_world_expect(&world,
                      "SELECT dataset->>'bars', warnings::text LIKE '%1 of the 2 trials have an"
                      " indicator without a value before the last bar%' FROM backtest_tunes",
                      "300|t");
    tune_world_expect(
        &world,
        "SELECT count_skipped, (SELECT sum((r->>'count')::int)"
        "   FROM json_array_elements(rejections) r),"
        " EXISTS (SELECT FROM json_array_elements(rejections) r"
        "   WHERE r->>'reason' = 'warm_up' AND r->>'text' = '1 trial has an indicator"
        " without a value before the last bar') FROM backtest_tunes",
        "1|1|t");
    tune_world_expect(&world, "SELECT reason FROM backtest_tune_runs WHERE trial_index = 1",
                      "warm_up (an indicator has no value before the last bar)");
}
END_TEST

START_TEST(a_tune_of_which_no_trial_can_warm_up_is_refused)
{
    run_cross("[300,400]", "10000");
    ck_assert_int_eq(world.end.err, TM_INSUFFICIENT_DATA);
    ck_assert(!world.end.retryable);
    ck_assert_msg(strstr(world.end.detail, "all 2 trials have an indicator without a value"
                                           " before the last of the 300 bars") != NULL,
                  "%s", world.end.detail);
    expect_nothing_written();
}
END_TEST

/* SYND is above 100 now and then. */
START_TEST(a_unit_dearer_than_the_cash_is_warned_of)
{
    run_cross("[20,30]", "100");
    ck_assert_msg(world.end.err == TM_OK, "%s", world.end.detail);
    tune_world_expect(&world,
                      "SELECT warnings::text LIKE '% of the 2 trials left out entries because"
                      " one unit cost more than the cash: let fractions be bought (sizing"
                      " fractional)%' FROM backtest_tunes",
                      "t");
}
END_TEST

/* ---- how orders are carried out ---------------------------------------------------------- */

static const struct {
    const char *fill, *end_of_data, *sizing;
    struct backtest_options wanted;
} orders[] = {
    {"", "", "", {.fill_on_close = true, .close_at_end = true}},
    {"open", "", "", {.fill_on_close = false, .close_at_end = true}},
    {"", "open", "", {.fill_on_close = true, .close_at_end = false}},
    {"", "", "fractional", {.fill_on_close = true, .close_at_end = true, .fractional = true}},
    {"open", "open", "fractional", {.fractional = true}},
};

START_TEST(orders_are_carried_out_as_they_are_asked_for)
{
    const char *const fields[] = {"search_type", "grid",
                                  "param_space", "{\"fast\":[10],\"slow\":[20]}",
                                  "fill",        orders[_i].fill,
                                  "end_of_data", orders[_i].end_of_data,
                                  "sizing",      orders[_i].sizing,
                                  NULL};
    struct backtest_options options = orders[_i].wanted;
    strategy_t *strategy = help_strategy("sma_cross");
    bars_t *bars = help_bars("tests/data/SYND.csv");
    char wanted[120];
    struct metrics metrics;

    options.cash = 10000;
    options.commission_bps = 10;
    backtest_t *backtest = help_backtest(bars, strategy, &options);
    ck_assert_int_eq(backtest_run(backtest, (const double[]){10, 20}, &metrics, NULL), TM_OK);
    tune_world_dataset(&world, "tests/data/SYND.csv");
    tune_world_job(&world, "sma_cross", fields);
    tune_world_run(&world);
    ck_assert_msg(world.end.err == TM_OK, "%s", world.end.detail);
    snprintf(wanted, sizeof(wanted), "%.6f|%.0f|%s|%s|%s", metrics.equity_final, metrics.trades,
             orders[_i].fill[0] ? orders[_i].fill : "close",
             orders[_i].end_of_data[0] ? orders[_i].end_of_data : "close",
             orders[_i].sizing[0] ? orders[_i].sizing : "whole");
    tune_world_expect(
        &world,
        "SELECT round((metrics_is[array_position(metric_names, 'equity_final')])::numeric, 6),"
        " metrics_is[array_position(metric_names, 'trades')], request->>'fill',"
        " request->>'end_of_data', request->>'sizing'"
        " FROM backtest_tunes t JOIN backtest_tune_runs r ON r.tune_id = t.id",
        wanted);
    backtest_destroy(&backtest);
    strategy_destroy(&strategy);
    bars_destroy(&bars);
}
END_TEST

/* ---- dates ------------------------------------------------------------------------------- */

/* Daily bars of Tokyo from 2022-01-03 on, every day of the week, at its midnight. */
static char *
tokyo_csv(size_t *ret_size)
{
    char *csv = NULL;
    FILE *out = open_memstream(&csv, ret_size);
    const int64_t monday_s = INT64_C(1641135600); /* 2022-01-02T15:00Z */

    ck_assert_ptr_nonnull(out);
    fputs("date,open,high,low,close,volume\n", out);
    for (int i = 0; i < 300; i++) {
        const time_t local_s = (time_t)(monday_s + 32400 + INT64_C(86400) * i);
        const double close = 100 + 10 * (i / 7 % 2) + i % 7;
        struct tm local;
        char day[11];

        gmtime_r(&local_s, &local);
        strftime(day, sizeof(day), "%Y-%m-%d", &local);
        fprintf(out, "%s 00:00:00+09:00,%.2f,%.2f,%.2f,%.2f,1\n", day, close, close, close,
                close);
    }
    fclose(out);
    return csv;
}

static const struct {
    const char *from, *to, *first, *last, *bars;
} tokyo_dates[] = {
    {"2022-02-01", "2022-03-31", "2022-02-01T00:00:00.000+09:00",
     "2022-03-31T00:00:00.000+09:00", "59"},
    {"2022-02-01T00:00", "2022-03-31T00:00", "2022-02-01T00:00:00.000+09:00",
     "2022-03-31T00:00:00.000+09:00", "59"},
    {"2022-02-01T00:01", "2022-03-30T23:59", "2022-02-02T00:00:00.000+09:00",
     "2022-03-30T00:00:00.000+09:00", "57"},
    {"2022-01-31T15:00:00Z", "2022-03-31T00:00:00+09:00", "2022-02-01T00:00:00.000+09:00",
     "2022-03-31T00:00:00.000+09:00", "59"},
};

START_TEST(dates_are_days_of_the_exchange_and_so_is_what_is_shown)
{
    const char *const fields[] = {
        "n_trials",         "1", "date_from", tokyo_dates[_i].from, "date_to",
        tokyo_dates[_i].to, NULL};
    char wanted[120];
    size_t size = 0;
    char *csv = tokyo_csv(&size);

    tune_world_data(&world, csv, size);
    free(csv);
    tune_world_job(&world, "bb_reversal", fields);
    tune_world_run(&world);
    ck_assert_msg(world.end.err == TM_OK, "%s", world.end.detail);
    snprintf(wanted, sizeof(wanted), "%s|%s|%s", tokyo_dates[_i].first, tokyo_dates[_i].last,
             tokyo_dates[_i].bars);
    tune_world_expect(&world,
                      "SELECT dataset->>'first', dataset->>'last', dataset->>'bars'"
                      " FROM backtest_tunes",
                      wanted);
}
END_TEST

TCase *
tune_job_choices(void)
{
    TCase *tcase = case_new("choices", NULL, NULL);

    suite_rows(tcase, a_split_is_judged_by_the_part_that_chooses, parts);
    suite_rows(tcase, dates_are_days_of_the_exchange_and_so_is_what_is_shown, tokyo_dates);
    suite_rows(tcase, orders_are_carried_out_as_they_are_asked_for, orders);
    suite_tests(tcase, trials_that_cannot_warm_up_are_warned_of,
                a_tune_of_which_no_trial_can_warm_up_is_refused,
                a_unit_dearer_than_the_cash_is_warned_of);
    suite_rows(tcase, a_search_ends_with_the_last_point_of_its_space, searches);
    suite_tests(tcase, the_gates_of_the_request_hold, a_seed_is_drawn_once_where_none_is_given,
                a_grid_is_of_the_points_that_keep_to_its_constraints,
                a_constraint_that_is_none_is_refused,
                a_worker_counts_the_grid_that_nobody_has_counted,
                a_worker_refuses_the_grid_that_is_too_large);
    return tcase;
}
