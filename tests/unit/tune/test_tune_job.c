/* One tune job against a real database, without a broker: what it writes, and what it refuses.
 */
#include "tests/unit/tune/tune_job_help.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/tune/engine/engine.h"
#include "actors/tune/store/tune_store.h"
#include "migrations/migrate.h"
#include "tests/support/meter.h"
#include "tests/support/pg_suite.h"

static const char *const grid[] = {
    "search_type", "grid",
    "param_space", "{\"period\":[10,20,30],\"k\":{\"min\":0.5,\"max\":2,\"step\":0.5}}",
    "n_trials",    "1000",
    NULL};
static void
expect_failed(tm_err_t err, const char *part)
{
    tune_world_run(&world);
    ck_assert_str_eq(tm_err_name(world.end.err), tm_err_name(err));
    ck_assert(!world.end.retryable);
    ck_assert_ptr_null(world.end.result);
    ck_assert_msg(strstr(world.end.detail, part) != NULL, "\"%s\" does not say \"%s\"",
                  world.end.detail, part);
    expect_nothing_written();
    tune_world_expect(&world, "SELECT count(*) FROM jobs WHERE id = $ID", "1");
}

/* By what was asked for: nobody else needs to look at it. */
static void
expect_rejected(tm_err_t err, const char *part)
{
    expect_failed(err, part);
    ck_assert(world.end.is_rejected);
    ck_assert_uint_eq(meter_of(world.meters, METRIC_TUNES, "rejected"), 1);
    ck_assert_uint_eq(meter_of(world.meters, METRIC_TUNES, "failed"), 0);
}

/* By what became of it here. */
static void
expect_failure(tm_err_t err, const char *part)
{
    expect_failed(err, part);
    ck_assert(!world.end.is_rejected);
    ck_assert_uint_eq(meter_of(world.meters, METRIC_TUNES, "failed"), 1);
    ck_assert_uint_eq(meter_of(world.meters, METRIC_TUNES, "rejected"), 0);
}

/* ---- what a tune writes ----------------------------------------------------------------- */

START_TEST(a_tune_ends_its_job_and_writes_every_trial)
{
    tune_world_dataset(&world, "tests/data/SYND.csv");
    tune_world_job(&world, "bb_reversal", grid);
    tune_world_run(&world);
    ck_assert_msg(world.end.err == TM_OK, "%s", world.end.detail);
    tune_world_expect(&world, "SELECT count(*) FROM jobs", "0");
    tune_world_expect(&world, "SELECT outcome, attempt FROM job_runs WHERE id = $ID", "done|1");
    tune_world_expect(&world,
                      "SELECT status, attempt, n_trials, trials_completed, param_names,"
                      " cardinality(metric_names) FROM backtest_tunes WHERE id = $ID",
                      "completed|1|12|12|{period,k}|20");
    tune_world_expect(
        &world,
        "SELECT count(*), count(DISTINCT run_id), min(trial_index), max(trial_index)"
        " FROM backtest_tune_runs WHERE tune_id = $ID",
        "12|12|0|11");
}
END_TEST

START_TEST(counts_and_ranks_agree_with_the_rows)
{
    tune_world_dataset(&world, "tests/data/SYND.csv");
    tune_world_job(&world, "bb_reversal", random50);
    tune_world_run(&world);
    ck_assert_msg(world.end.err == TM_OK, "%s", world.end.detail);
    tune_world_expect(&world,
                      "SELECT count_completed + count_skipped + count_failed = n_trials,"
                      " count_completed = (SELECT count(*) FROM backtest_tune_runs"
                      "   WHERE status = 'completed'),"
                      " count_skipped = (SELECT count(*) FROM backtest_tune_runs"
                      "   WHERE status = 'skipped') FROM backtest_tunes",
                      "t|t|t");
    tune_world_expect(
        &world,
        "SELECT bool_and(rank IS NOT DISTINCT FROM"
        "   CASE WHEN r <= 10 AND status = 'completed' THEN r END), count(rank) > 0"
        "  FROM (SELECT rank, status, row_number() OVER"
        "     (ORDER BY status, score DESC NULLS LAST, trial_index) AS r"
        "     FROM backtest_tune_runs) q",
        "t|t");
    tune_world_expect(&world,
                      "SELECT best_run_id = run_id, best_score = score FROM backtest_tunes,"
                      " backtest_tune_runs WHERE rank = 1",
                      "t|t");
    tune_world_expect(&world,
                      "SELECT count(*) FROM backtest_tune_runs WHERE status = 'skipped'"
                      " AND reason IS NULL OR status = 'completed' AND reason IS NOT NULL",
                      "0");
}
END_TEST

/* The metrics in the best trial's row, against a back-test of its own with nothing shared. */
START_TEST(the_best_equals_its_own_backtest)
{
    struct backtest_options options = BACKTEST_OPTIONS_DEFAULT;
    json_t *spec = tune_world_strategy("bb_reversal");
    strategy_t *strategy = NULL;
    backtest_t *backtest = NULL;
    const struct data_options reading = DATA_OPTIONS_DEFAULT;
    struct data_report report;
    struct metrics metrics;
    bars_t *bars = NULL;
    double params[STRATEGY_PARAMS_MAX];
    char *row;

    tune_world_dataset(&world, "tests/data/SYND.csv");
    tune_world_job(&world, "bb_reversal", random50);
    tune_world_run(&world);
    ck_assert_msg(world.end.err == TM_OK, "%s", world.end.detail);
    row = tune_world_query(
        &world, "SELECT (best_params->>'period')::float8, (best_params->>'k')::float8,"
                " metrics_is[1], metrics_is[2], metrics_is[3], best_score"
                " FROM backtest_tunes, backtest_tune_runs WHERE rank = 1");
    ck_assert_int_eq(data_read(world.csv, world.csv_size, &reading, &report, &bars), TM_OK);
    ck_assert_int_eq(strategy_from_json(spec, &strategy, NULL, 0), TM_OK);
    ck_assert_int_eq(backtest_new(bars, strategy, &options, &backtest), TM_OK);
    double got[6];
    char *at = row;
    for (size_t i = 0; i < 6; i++, at += *at == '|')
        got[i] = strtod(at, &at);
    ck_assert_msg(*at == '\0', "%s", row);
    memcpy(params, got, 2 * sizeof *got);
    ck_assert_int_eq(backtest_run(backtest, params, &metrics, NULL), TM_OK);
    ck_assert_double_eq(got[2], metrics.return_pct);
    ck_assert_double_eq(got[3], metrics.max_drawdown_pct);
    ck_assert_double_eq(got[4], metrics.sharpe);
    ck_assert_double_eq(got[5], metrics.sharpe);
    free(row);
    backtest_destroy(&backtest);
    strategy_destroy(&strategy);
    bars_destroy(&bars);
    json_decref(spec);
}
END_TEST

START_TEST(the_response_of_the_contract_can_be_made_from_the_row)
{
    tune_world_dataset(&world, "tests/data/SYND.csv");
    tune_world_job(&world, "bb_reversal", random50);
    tune_world_run(&world);
    ck_assert_msg(world.end.err == TM_OK, "%s", world.end.detail);
    tune_world_expect(
        &world,
        "SELECT r->>'status', r->'progress'->>'done', r->'gates'->>'evaluated_on',"
        " r->'dataset'->>'bars', r->'dataset'->>'timeframe', r->'dataset'->>'first',"
        " json_array_length(r->'leaderboard') > 0,"
        " (r->'overfit'->>'pbo')::float8 BETWEEN 0 AND 1,"
        " (r->'overfit'->>'deflated_sharpe')::float8 BETWEEN 0 AND 1,"
        " (r->'timing'->>'search_ms')::float8 > 0"
        " FROM (SELECT tune_response(t, 10) AS r FROM backtest_tunes t) q",
        "completed|50|primary|1200|1d|2019-01-01T00:00:00.000Z|t|t|t|t");
}
END_TEST

START_TEST(a_tune_without_a_valid_trial_is_completed_with_a_warning)
{
    world.settings->tune_gate_min_trades = 100000;
    tune_world_dataset(&world, "tests/data/SYND.csv");
    tune_world_job(&world, "bb_reversal", grid);
    tune_world_run(&world);
    ck_assert_msg(world.end.err == TM_OK, "%s", world.end.detail);
    tune_world_expect(
        &world,
        "SELECT status, count_skipped, best_run_id IS NULL, best_params IS NULL,"
        " best_score IS NULL, warnings::text LIKE '%none of the 12 trials is valid%'"
        " FROM backtest_tunes",
        "completed|12|t|t|t|t");
    tune_world_expect(&world, "SELECT count(rank) FROM backtest_tune_runs", "0");
}
END_TEST

START_TEST(tpe_stores_what_it_tried)
{
    const char *const fields[] = {"search_type", "tpe", "n_trials", "120", NULL};

    tune_world_dataset(&world, "tests/data/SYND.csv");
    tune_world_job(&world, "bb_reversal", fields);
    tune_world_run(&world);
    ck_assert_msg(world.end.err == TM_OK, "%s", world.end.detail);
    tune_world_expect(&world,
                      "SELECT search_type, status, trials_completed FROM backtest_tunes",
                      "tpe|completed|120");
    tune_world_expect(&world, "SELECT count(*), count(DISTINCT params) FROM backtest_tune_runs",
                      "120|120");
}
END_TEST

START_TEST(the_same_request_gives_the_same_rows)
{
    static const char *const sql =
        "SELECT md5(string_agg(concat(trial_index, status, rank, params, score, metrics_is, "
        "reason),"
        " ',' ORDER BY trial_index)) FROM backtest_tune_runs WHERE tune_id = $ID";
    char *first;

    tune_world_dataset(&world, "tests/data/SYND.csv");
    tune_world_job(&world, "bb_reversal", random50);
    tune_world_run(&world);
    first = tune_world_query(&world, sql);
    ck_assert_uint_eq(strlen(first), 32);
    tuner_destroy(&world.tuner);
    world.tuner = tuner_new(world.settings, world.meters);
    tune_world_job(&world, "bb_reversal", random50);
    tune_world_run(&world);
    tune_world_expect(&world, sql, first);
    free(first);
}
END_TEST

/* It would not if the database put the params into another order. */
START_TEST(the_same_strategy_from_its_table_gives_the_same_rows)
{
    static const char *const sql = "SELECT md5(string_agg(concat(trial_index, params, "
                                   "metrics_is), ',' ORDER BY trial_index))"
                                   " FROM backtest_tune_runs WHERE tune_id = $ID";
    const char *const fields[] = {"strategy_entity_id", "8fd7589a-97c6-49bf-a65e-357fb063fe33",
                                  "seed", "7", NULL};
    char *first, detail[300];
    int count;

    tune_world_dataset(&world, "tests/data/SYND.csv");
    tune_world_job(&world, "bb_reversal", random50);
    tune_world_run(&world);
    first = tune_world_query(&world, sql);
    ck_assert_msg(migrate_strategies(world.url, "config/strategies", detail, sizeof(detail),
                                     &count) == TM_OK,
                  "%s", detail);
    tune_world_job(&world, NULL, fields);
    tune_world_run(&world);
    ck_assert_msg(world.end.err == TM_OK, "%s", world.end.detail);
    tune_world_expect(&world, sql, first);
    free(first);
}
END_TEST

START_TEST(a_trials_id_is_the_tunes_with_the_index_in_it)
{
    tm_uuid_t tune = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0xff, 0, 0, 1}};
    tm_uuid_t first = tune_run_id(&tune, 0), later = tune_run_id(&tune, 0x00010203);

    ck_assert_int_eq(first.bytes[15], 0);
    ck_assert_mem_eq(first.bytes, tune.bytes, 15);
    ck_assert_int_eq(later.bytes[12], 0xff);
    ck_assert_int_eq(later.bytes[13], 1);
    ck_assert_int_eq(later.bytes[14], 2);
    ck_assert_int_eq(later.bytes[15], 4 ^ 1);
}
END_TEST

START_TEST(the_strategy_is_read_from_its_table_when_the_body_has_none)
{
    const char *const fields[] = {"strategy_entity_id", "8fd7589a-97c6-49bf-a65e-357fb063fe33",
                                  NULL};
    json_t *spec = tune_world_strategy("bb_reversal");
    char *text = json_dumps(spec, 0), sql[4000];

    snprintf(sql, sizeof(sql),
             "INSERT INTO strategies (id, name, spec) VALUES ('%s', 'bb', '%s')", fields[1],
             text);
    tune_world_expect(&world, sql, "");
    tune_world_dataset(&world, "tests/data/SYND.csv");
    tune_world_job(&world, NULL, fields);
    tune_world_run(&world);
    ck_assert_msg(world.end.err == TM_OK, "%s", world.end.detail);
    tune_world_expect(&world, "SELECT strategy_name FROM backtest_tunes", "bb_reversal");
    free(text);
    json_decref(spec);
}
END_TEST

START_TEST(a_second_tune_on_the_data_does_not_read_it_again)
{
    tune_world_dataset(&world, "tests/data/SYND.csv");
    tune_world_job(&world, "bb_reversal", random50);
    tune_world_run(&world);
    tune_world_expect(&world, "TRUNCATE dataset_pieces, datasets", "");
    tune_world_job(&world, "bb_reversal", grid);
    tune_world_run(&world);
    ck_assert_msg(world.end.err == TM_OK, "%s", world.end.detail);
}
END_TEST

START_TEST(progress_is_told_first_and_last)
{
    json_t *json;

    tune_world_dataset(&world, "tests/data/SYND.csv");
    tune_world_job(&world, "bb_reversal", random50);
    tune_world_run(&world);
    ck_assert_uint_ge(world.told, 2);
    ck_assert_uint_eq(world.last_done, 50);
    ck_assert_uint_eq(world.last_total, 50);
    json = json_loads(world.last_json, 0, NULL);
    ck_assert_int_eq(json_integer_value(json_object_get(json, "done")), 50);
    ck_assert_int_eq(json_integer_value(json_object_get(json, "total")), 50);
    ck_assert(json_number_value(json_object_get(json, "trials_per_second")) > 0);
    ck_assert_double_eq(json_number_value(json_object_get(json, "eta_seconds")), 0);
    ck_assert(json_is_number(json_object_get(json, "best_score")));
    ck_assert(json_is_integer(json_object_get(json_object_get(json, "best_params"), "period")));
    json_decref(json);
}
END_TEST

/* ---- jobs that fail --------------------------------------------------------------------- */

START_TEST(more_trials_than_this_process_allows_are_refused)
{
    const char *const fields[] = {"n_trials", "101", NULL};

    tune_world_dataset(&world, "tests/data/SYND.csv");
    tune_world_job(&world, "bb_reversal", fields);
    world.settings->tune_max_trials = 100;
    expect_rejected(TM_VALIDATION_FAILED, "n_trials: 101 is not a whole number from 1 to 100");
}
END_TEST

START_TEST(a_piece_that_was_changed_is_a_mismatch)
{
    tune_world_dataset(&world, "tests/data/SYND.csv");
    tune_world_expect(&world, "UPDATE dataset_pieces SET data = set_byte(data, 100, 57)", "");
    tune_world_job(&world, "bb_reversal", random50);
    expect_failure(TM_DATASET_MISMATCH, "changed");
}
END_TEST

START_TEST(a_piece_that_is_gone_is_a_mismatch)
{
    tune_world_dataset(&world, "tests/data/SYND.csv");
    tune_world_expect(&world, "DELETE FROM dataset_pieces", "");
    tune_world_job(&world, "bb_reversal", random50);
    expect_failure(TM_DATASET_MISMATCH, "piece 0");
}
END_TEST

START_TEST(a_piece_that_is_too_long_is_a_mismatch)
{
    tune_world_dataset(&world, "tests/data/SYND.csv");
    tune_world_expect(&world, "UPDATE dataset_pieces SET data = data || data", "");
    tune_world_job(&world, "bb_reversal", random50);
    expect_failure(TM_DATASET_MISMATCH, "add up");
}
END_TEST

START_TEST(a_dataset_that_was_never_stored_is_a_mismatch)
{
    world.csv_size = 100;
    tune_world_job(&world, "bb_reversal", random50);
    expect_failure(TM_DATASET_MISMATCH, "upload it again");
}
END_TEST

START_TEST(a_dataset_over_the_limit_is_not_loaded)
{
    tune_world_dataset(&world, "tests/data/SYND.csv");
    tune_world_expect(&world, "UPDATE datasets SET size = 1::bigint << 40", "");
    tune_world_job(&world, "bb_reversal", random50);
    expect_rejected(TM_FILE_TOO_LARGE, "allowed");
}
END_TEST

START_TEST(data_that_is_no_price_series_says_which_line)
{
    static const char csv[] = "date,open,high,low,close,volume\n2020-01-01,1,2,3,1,1\n";

    tune_world_data(&world, csv, sizeof(csv) - 1);
    tune_world_job(&world, "bb_reversal", random50);
    expect_rejected(TM_DATA_PARSE_FAILED, "2");
    tune_world_expect(&world,
                      "SELECT faults->0->>'line', faults->0->>'column', faults->0->>'value',"
                      " faults->0->>'msg' FROM backtest_tunes",
                      "2|high|2|high \"2\" is below the low, 3");
}
END_TEST

START_TEST(too_few_bars_between_the_dates_are_insufficient)
{
    const char *const fields[] = {"date_from", "2019-01-01", "date_to", "2019-01-09", NULL};

    tune_world_dataset(&world, "tests/data/SYND.csv");
    tune_world_job(&world, "bb_reversal", fields);
    expect_rejected(TM_INSUFFICIENT_DATA, "9 of the 1200 bars");
}
END_TEST

START_TEST(a_strategy_that_is_nowhere_is_not_found)
{
    const char *const fields[] = {"strategy_entity_id", "8fd7589a-97c6-49bf-a65e-357fb063fe33",
                                  NULL};

    tune_world_dataset(&world, "tests/data/SYND.csv");
    tune_world_job(&world, NULL, fields);
    expect_rejected(TM_STRATEGY_NOT_FOUND, "strategy");
}
END_TEST

START_TEST(a_strategy_that_does_not_compile_says_why)
{
    char *changed;
    const char *at;

    tune_world_dataset(&world, "tests/data/SYND.csv");
    tune_world_job(&world, "bb_reversal", random50);
    changed = strdup(world.body);
    at = strstr(changed, "close > mid");
    ck_assert_ptr_nonnull(at);
    memcpy(changed + (at - changed), "close > moo", 11);
    tune_world_job_body(&world, changed);
    free(changed);
    tune_world_expect(&world, "DELETE FROM jobs WHERE id <> $ID", "");
    expect_rejected(TM_INVALID_STRATEGY, "moo");
}
END_TEST

START_TEST(a_body_that_breaks_the_rules_names_the_field)
{
    char *changed, *at;

    tune_world_dataset(&world, "tests/data/SYND.csv");
    tune_world_job(&world, "bb_reversal", random50);
    changed = strdup(world.body);
    at = strstr(changed, "\"min_trades\":5");
    ck_assert_ptr_nonnull(at);
    memcpy(at, "\"min_trades\":0", 14);
    tune_world_job_body(&world, changed);
    free(changed);
    tune_world_expect(&world, "DELETE FROM jobs WHERE id <> $ID", "");
    expect_rejected(TM_VALIDATION_FAILED, "min_trades");
}
END_TEST

static TCase *
writes_case(void)
{
    TCase *tcase = case_new("writes", NULL, NULL);

    suite_tests(
        tcase, a_tune_ends_its_job_and_writes_every_trial, counts_and_ranks_agree_with_the_rows,
        the_best_equals_its_own_backtest, the_response_of_the_contract_can_be_made_from_the_row,
        a_tune_without_a_valid_trial_is_completed_with_a_warning, tpe_stores_what_it_tried,
        the_same_request_gives_the_same_rows,
        the_same_strategy_from_its_table_gives_the_same_rows,
        a_trials_id_is_the_tunes_with_the_index_in_it,
        the_strategy_is_read_from_its_table_when_the_body_has_none,
        a_second_tune_on_the_data_does_not_read_it_again, progress_is_told_first_and_last);
    return tcase;
}

static TCase *
fails_case(void)
{
    TCase *tcase = case_new("fails", NULL, NULL);

    suite_tests(
        tcase, more_trials_than_this_process_allows_are_refused,
        a_piece_that_was_changed_is_a_mismatch, a_piece_that_is_gone_is_a_mismatch,
        a_piece_that_is_too_long_is_a_mismatch, a_dataset_that_was_never_stored_is_a_mismatch,
        a_dataset_over_the_limit_is_not_loaded, data_that_is_no_price_series_says_which_line,
        too_few_bars_between_the_dates_are_insufficient,
        a_strategy_that_is_nowhere_is_not_found, a_strategy_that_does_not_compile_says_why,
        a_body_that_breaks_the_rules_names_the_field);
    return tcase;
}

int
main(void)
{
    Suite *suite = suite_create("tune_job");
    TCase *cases[] = {writes_case(), tune_job_choices(), tune_job_reading(),
                      fails_case(),  tune_job_fences(),  tune_job_faults()};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tcase_add_checked_fixture(cases[i], tune_job_set_up, tune_job_tear_down);
        suite_add_tcase(suite, cases[i]);
    }
    return pg_suite_run(suite, &tune_fixture);
}
