/* A trial computed again, against what its tune wrote: without a broker, on a real database. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/tune/engine/engine.h"
#include "actors/tune/replay.h"
#include "actors/tune/replay_report.h"
#include "tests/support/tune_world.h"

static struct tune_world world;
static replay_t *replay;
static char detail[TUNE_DETAIL_BYTES];

static void
setup(void)
{
    tune_world_init(&world);
    replay = replay_new(world.settings, world.meters);
}

static void
teardown(void)
{
    replay_destroy(&replay);
    tune_world_fini(&world);
}

static void
run_tune(const char *file, const char *const *fields)
{
    tune_world_dataset(&world, file);
    tune_world_job(&world, "bb_reversal", fields);
    tune_world_run(&world);
    ck_assert_msg(world.end.err == TM_OK, "%s", world.end.detail);
}

static tm_err_t
ask(uint32_t trial, uint32_t points, json_t **ret)
{
    struct backtest_call call = {.workspace = world.job.workspace,
                                 .tune = world.job.id,
                                 .trial = trial,
                                 .points = points};
    char *question = backtest_call_text(&call), *text = NULL;
    tm_err_t err = replay_answer(replay, tm_str(question), &text, detail);

    if (!err) {
        ck_assert_uint_le(strlen(text), (size_t)world.settings->broker_max_body_kb * 1024);
        *ret = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        ck_assert_msg(*ret != NULL, "%s", text);
    }
    free(text);
    free(question);
    return err;
}

static json_t *
answer_of(uint32_t trial, uint32_t points)
{
    json_t *answer = NULL;

    ck_assert_msg(ask(trial, points, &answer) == TM_OK, "%s", detail);
    return answer;
}

static const json_t *
member(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    ck_assert_msg(value != NULL, "there is no %s", name);
    return value;
}

static const char *
text(const json_t *object, const char *name)
{
    return json_string_value(member(object, name));
}

static double
number(const json_t *object, const char *name)
{
    const json_t *value = member(object, name);

    ck_assert_msg(json_is_number(value), "%s is no number", name);
    return json_number_value(value);
}

static bool
warns(const json_t *answer, const char *part)
{
    const json_t *warning;
    size_t index;

    json_array_foreach(member(answer, "warnings"), index, warning)
    {
        if (strstr(json_string_value(warning), part))
            return true;
    }
    return false;
}

static json_t *
query_json(const char *sql)
{
    char *row = tune_world_query(&world, sql);
    json_t *json = json_loads(row, 0, NULL);

    ck_assert_msg(json != NULL, "%s", row);
    free(row);
    return json;
}

/* ---- the figures ------------------------------------------------------------------------ */

/* Every figure of the summary is the stored one, to the last bit. */
static void
expect_summary(const json_t *answer)
{
    char sql[600];
    const char *name;
    json_t *value, *stored;

    snprintf(sql, sizeof(sql),
             "SELECT tune_summary(t.metric_names, coalesce(r.metrics_oos, r.metrics_is))"
             "  FROM backtest_tunes t JOIN backtest_tune_runs r ON r.tune_id = t.id"
             " WHERE t.id = $ID AND r.trial_index = %d",
             (int)number(answer, "trial_index"));
    stored = query_json(sql);
    ck_assert_uint_eq(json_object_size(stored), 8);
    ck_assert_uint_eq(json_object_size(member(answer, "summary")), 8);
    json_object_foreach(stored, name, value)
    {
        const json_t *got = member(member(answer, "summary"), name);

        if (json_is_null(value))
            ck_assert_msg(json_is_null(got), "%s", name);
        else
            ck_assert_msg(json_number_value(got) == json_number_value(value),
                          "%s: %.17g, not %.17g", name, json_number_value(got),
                          json_number_value(value));
    }
    json_decref(stored);
}

/* The curve and the trades say what the summary says. */
static void
expect_consistent(const json_t *answer)
{
    const json_t *curve = member(answer, "equity_curve"),
                 *drawdown = member(answer, "drawdown");
    const json_t *metrics =
        member(answer,
               strcmp(text(answer, "evaluated_on"), "oos") == 0 ? "metrics_oos" : "metrics_is");
    const json_t *split = member(answer, "split_at"), *trade;
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
    const char *const fields[] = {"search_type",
                                  search,
                                  "n_trials",
                                  "12",
                                  "seed",
                                  "5",
                                  "param_space",
                                  "{\"period\":[5,10,20],\"k\":{\"min\":0.5,"
                                  "\"max\":2,\"step\":0.5}}",
                                  "oos_ratio",
                                  oos_ratio,
                                  NULL};

    run_tune("tests/data/SYND.csv", fields);
    for (uint32_t i = 0; i < trials; i++) {
        json_t *answer = answer_of(i, BACKTEST_POINTS);

        expect_summary(answer);
        expect_consistent(answer);
        ck_assert_str_eq(text(answer, "evaluated_on"), oos_ratio[0] ? "oos" : "primary");
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
    const char *const fields[] = {"n_trials", "1", "oos_ratio", "0.25", NULL};
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
    const char *const fields[] = {"min_trades", "1", NULL};
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

/* ---- much of it ------------------------------------------------------------------------- */

/* So many hourly bars, up and down, whose bands are crossed all the time. */
static void
make_long(size_t count)
{
    char *data = NULL;
    size_t size;
    FILE *out = open_memstream(&data, &size);

    fprintf(out, "date,open,high,low,close,volume\n");
    for (size_t i = 0; i < count; i++) {
        double close = 100 + 10 * sin((double)i / 7) + 5 * sin((double)i / 3001);
        fprintf(out, "%zu,%.4f,%.4f,%.4f,%.4f,1\n", 1500000000 + i * 3600, close, close + 1,
                close - 1, close);
    }
    fclose(out);
    tune_world_data(&world, data, size);
    free(data);
}

static void
tune_long(size_t count)
{
    const char *const fields[] = {
        "search_type",    "grid", "param_space", "{\"period\":[5],\"k\":[0.5]}",
        "commission_bps", "0",    NULL};

    make_long(count);
    tune_world_job(&world, "bb_reversal", fields);
    tune_world_run(&world);
    ck_assert_msg(world.end.err == TM_OK, "%s", world.end.detail);
}

START_TEST(a_long_curve_is_thinned_and_keeps_its_extremes)
{
    static const uint32_t limits[] = {10, 11, 12, 13, 100, 1999, 2000, 20000};
    json_t *whole, *answer;
    double low = 1e9, high = 0, deep = 0;

    tune_long(30000);
    whole = answer_of(0, BACKTEST_POINTS_MAX);
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        double lowest = 1e9, highest = 0, deepest = 0;
        const json_t *point, *curve;
        const char *before = "";
        size_t index;

        answer = answer_of(0, limits[i]);
        curve = member(answer, "equity_curve");
        ck_assert_uint_le(json_array_size(curve), limits[i]);
        ck_assert_uint_gt(json_array_size(curve), 4);
        ck_assert(warns(answer, "the equity curve has 30000 points"));
        json_array_foreach(curve, index, point)
        {
            ck_assert_str_gt(text(point, "t"), before);
            before = text(point, "t");
            lowest = fmin(lowest, number(point, "equity"));
            highest = fmax(highest, number(point, "equity"));
            deepest = fmin(
                deepest, json_number_value(json_array_get(member(answer, "drawdown"), index)));
        }
        ck_assert(i == 0 || (lowest == low && highest == high && deepest == deep));
        low = lowest;
        high = highest;
        deep = deepest;
        expect_summary(answer);
        ck_assert_str_eq(text(json_array_get(curve, 0), "t"), "2017-07-14T02:40:00.000Z");
        ck_assert_str_eq(before, text(member(answer, "dataset"), "last"));
        json_decref(answer);
    }
    json_decref(whole);
}
END_TEST

START_TEST(many_trades_are_cut_to_the_last_ones)
{
    json_t *answer;
    const json_t *trades;

    world.settings->broker_max_body_kb = 4096;
    tune_long(300000);
    answer = answer_of(0, BACKTEST_POINTS);
    trades = member(answer, "trades");
    ck_assert_uint_eq(json_array_size(trades), REPLAY_TRADES_MAX);
    ck_assert(number(answer, "trade_count") > REPLAY_TRADES_MAX);
    ck_assert_double_eq(number(answer, "trade_count"),
                        number(member(answer, "summary"), "trades"));
    ck_assert(warns(answer, "the last 5000 are shown"));
    ck_assert_str_gt(text(json_array_get(trades, 0), "entry_time"), "2020");
    json_decref(answer);
}
END_TEST

START_TEST(an_answer_fits_into_a_body_however_small)
{
    static const int64_t limits[] = {1024, 300, 64, 8};
    size_t points = SIZE_MAX, trades = SIZE_MAX;
    json_t *answer;

    tune_long(100000);
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        world.settings->broker_max_body_kb = limits[i];
        answer = answer_of(0, BACKTEST_POINTS_MAX); /* which looks at the size */
        ck_assert_uint_lt(json_array_size(member(answer, "equity_curve")), points);
        ck_assert_uint_lt(json_array_size(member(answer, "trades")), trades);
        points = json_array_size(member(answer, "equity_curve"));
        trades = json_array_size(member(answer, "trades"));
        ck_assert(warns(answer, "are shown, with the extremes"));
        expect_summary(answer);
        json_decref(answer);
    }
    world.settings->broker_max_body_kb = 1;
    ck_assert_int_eq(ask(0, 10, &answer), TM_TOO_LARGE);
}
END_TEST

/* ---- what has changed since ------------------------------------------------------------- */

START_TEST(a_strategy_that_was_edited_since_does_not_matter)
{
    json_t *answer;

    run_tune("tests/data/SYND.csv", NULL);
    free(tune_world_query(&world, "UPDATE strategies SET spec = '{}'"));
    answer = answer_of(0, BACKTEST_POINTS);
    expect_summary(answer);
    ck_assert_uint_eq(json_array_size(member(answer, "warnings")), 0);
    json_decref(answer);
}
END_TEST

START_TEST(without_the_kept_strategy_the_present_one_is_taken_with_a_warning)
{
    char *sql, *spec;
    json_t *json = tune_world_strategy("bb_reversal"), *answer = NULL;

    run_tune("tests/data/SYND.csv", NULL);
    free(tune_world_query(&world, "UPDATE backtest_tunes SET strategy = NULL"));
    free(tune_world_query(&world, "DELETE FROM strategies"));
    ck_assert_int_eq(ask(0, BACKTEST_POINTS, &answer), TM_STRATEGY_NOT_FOUND);
    json_object_set_new(json, "exit_long", json_string("close > mid * 1.05"));
    spec = json_dumps(json, JSON_COMPACT);
    ck_assert_int_gt(asprintf(&sql,
                              "INSERT INTO strategies (id, name, spec) SELECT"
                              " (request ->> 'strategy_entity_id')::uuid, 'bb', '%s'"
                              " FROM backtest_tunes",
                              spec),
                     0);
    free(pg_fixture_query(world.url, sql));
    answer = answer_of(0, BACKTEST_POINTS);
    ck_assert(warns(answer, "the strategy is taken as it is now"));
    ck_assert(warns(answer, "the figures are not those of the tune"));
    json_decref(answer);
    json_decref(json);
    free(spec);
    free(sql);
}
END_TEST

START_TEST(figures_that_differ_are_told_of)
{
    json_t *answer;

    run_tune("tests/data/SYND.csv", NULL);
    free(tune_world_query(&world, "UPDATE backtest_tune_runs SET metrics_is[4] ="
                                  " metrics_is[4] + 1e-15 WHERE trial_index = 0"));
    answer = answer_of(0, BACKTEST_POINTS);
    ck_assert(warns(answer, "the figures are not those of the tune"));
    json_decref(answer);
}
END_TEST

START_TEST(data_that_is_gone_is_named)
{
    json_t *answer = NULL;

    run_tune("tests/data/SYND.csv", NULL);
    free(tune_world_query(&world, "DELETE FROM dataset_pieces"));
    ck_assert_int_eq(ask(0, BACKTEST_POINTS, &answer), TM_DATASET_MISMATCH);
    ck_assert_ptr_nonnull(strstr(detail, "upload it again"));
}
END_TEST

START_TEST(what_is_not_there_is_not_found)
{
    struct backtest_call call = {.points = 10};
    char *question, *answer_text = NULL;
    json_t *answer = NULL;

    run_tune("tests/data/SYND.csv", NULL);
    ck_assert_int_eq(ask(50, BACKTEST_POINTS, &answer), TM_RUN_NOT_FOUND);
    ck_assert_int_eq(ask(INT32_MAX, BACKTEST_POINTS, &answer), TM_RUN_NOT_FOUND);
    call.workspace = tm_uuid_new(); /* another's */
    call.tune = world.job.id;
    question = backtest_call_text(&call);
    ck_assert_int_eq(replay_answer(replay, tm_str(question), &answer_text, detail),
                     TM_RUN_NOT_FOUND);
    free(question);
}
END_TEST

START_TEST(a_database_that_is_away_is_a_reason_to_try_again)
{
    json_t *answer = NULL;

    run_tune("tests/data/SYND.csv", NULL);
    pg_fixture_kill(tune_fixture);
    ck_assert_int_eq(ask(0, BACKTEST_POINTS, &answer), TM_STORE_DOWN);
    pg_fixture_start(tune_fixture);
    answer = answer_of(0, BACKTEST_POINTS);
    expect_summary(answer);
    json_decref(answer);
}
END_TEST

/* ---- questions -------------------------------------------------------------------------- */

#define W "00000000-0000-0000-0000-000000000001"

START_TEST(a_question_that_is_none_is_refused_with_words)
{
    static const char *const wrong[] = {
        "",
        "null",
        "[]",
        "{}",
        "{\"workspace_id\":\"" W "\"}",
        "{\"workspace_id\":1,\"tune_id\":\"" W "\",\"trial_index\":0,\"points\":10}",
        "{\"workspace_id\":\"" W "\",\"tune_id\":\"x\",\"trial_index\":0,\"points\":10}",
        "{\"workspace_id\":\"" W "\",\"tune_id\":\"" W "\",\"trial_index\":-1,\"points\":10}",
        "{\"workspace_id\":\"" W "\",\"tune_id\":\"" W "\",\"trial_index\":0.5,\"points\":10}",
        "{\"workspace_id\":\"" W "\",\"tune_id\":\"" W
        "\",\"trial_index\":2147483648,\"points\":10}",
        "{\"workspace_id\":\"" W "\",\"tune_id\":\"" W "\",\"trial_index\":0,\"points\":9}",
        "{\"workspace_id\":\"" W "\",\"tune_id\":\"" W "\",\"trial_index\":0,\"points\":20001}",
        "{\"workspace_id\":\"" W "\",\"tune_id\":\"" W "\",\"trial_index\":0}",
        "[[[[[[[[[[[[[[[[",
    };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char *answer_text = NULL;

        ck_assert_msg(replay_answer(replay, tm_str(wrong[i]), &answer_text, detail) ==
                          TM_BAD_REQUEST,
                      "%s", wrong[i]);
        ck_assert_msg(detail[0] != '\0', "%s", wrong[i]);
    }
}
END_TEST

START_TEST(a_question_is_read_as_it_was_written)
{
    struct backtest_call call = {.workspace = tm_uuid_new(),
                                 .tune = tm_uuid_new(),
                                 .trial = INT32_MAX,
                                 .points = BACKTEST_POINTS_MAX},
                         read = {.trial = 0};
    char *question = backtest_call_text(&call);
    const char *what = NULL;

    ck_assert_int_eq(backtest_call_parse(question, strlen(question), &read, &what), TM_OK);
    ck_assert(tm_uuid_is(&read.workspace, &call.workspace) &&
              tm_uuid_is(&read.tune, &call.tune));
    ck_assert_uint_eq(read.trial, call.trial);
    ck_assert_uint_eq(read.points, call.points);
    free(question);
}
END_TEST

static TCase *
figures(void)
{
    TCase *tcase = tcase_create("figures");

    tcase_add_test(tcase, every_trial_of_a_grid_is_computed_again_bit_for_bit);
    tcase_add_test(tcase, every_trial_at_random_is_computed_again_bit_for_bit);
    tcase_add_test(tcase, every_trial_of_a_split_grid_is_computed_again_bit_for_bit);
    tcase_add_test(tcase, every_trial_of_a_split_at_random_is_computed_again_bit_for_bit);
    tcase_add_test(tcase, the_params_are_those_of_the_row_whatever_the_search);
    tcase_add_test(tcase, the_params_of_a_split_tune_are_those_of_the_row_too);
    tcase_add_test(tcase, a_split_says_where_out_of_sample_begins);
    tcase_add_test(tcase, dates_and_costs_of_the_tune_hold);
    tcase_add_test(tcase, an_answer_has_what_the_contract_names);
    tcase_add_test(tcase, a_skipped_trial_is_shown_with_its_reason);
    tcase_add_test(tcase, a_failed_trial_has_a_reason_and_no_curve);
    tcase_add_test(tcase, a_long_curve_is_thinned_and_keeps_its_extremes);
    tcase_add_test(tcase, many_trades_are_cut_to_the_last_ones);
    tcase_add_test(tcase, an_answer_fits_into_a_body_however_small);
    return tcase;
}

static TCase *
changes(void)
{
    TCase *tcase = tcase_create("changes");

    tcase_add_test(tcase, a_strategy_that_was_edited_since_does_not_matter);
    tcase_add_test(tcase, without_the_kept_strategy_the_present_one_is_taken_with_a_warning);
    tcase_add_test(tcase, figures_that_differ_are_told_of);
    tcase_add_test(tcase, data_that_is_gone_is_named);
    tcase_add_test(tcase, what_is_not_there_is_not_found);
    tcase_add_test(tcase, a_database_that_is_away_is_a_reason_to_try_again);
    tcase_add_test(tcase, a_question_that_is_none_is_refused_with_words);
    tcase_add_test(tcase, a_question_is_read_as_it_was_written);
    return tcase;
}

int
main(void)
{
    Suite *suite = suite_create("replay");
    TCase *tcases[] = {figures(), changes()};
    SRunner *runner;
    int failed;

    tune_fixture = pg_fixture_new();
    if (!tune_fixture)
        return PG_FIXTURE_SKIP;
    for (size_t i = 0; i < sizeof(tcases) / sizeof(tcases[0]); i++) {
        tcase_add_checked_fixture(tcases[i], setup, teardown);
        tcase_set_timeout(tcases[i], 120);
        suite_add_tcase(suite, tcases[i]);
    }
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    pg_fixture_destroy(&tune_fixture);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
