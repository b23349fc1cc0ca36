/* The leaderboard as JSON and as CSV, and numbers to the last digit. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/reads_world.h"
#include "tests/support/suite.h"
#include "tests/unit/http/http_reads.h"

#define BOARD "/backtests/leaderboard"
#define SMA   "11111111-0000-4000-8000-000000000001"

static struct reads_world world;

static void
setup(void)
{
    reads_world_init(&world, NULL, "development");
}

static void
teardown(void)
{
    reads_world_fini(&world);
}

/* ---- the order -------------------------------------------------------------------------- */

/* What reads_run_row made the item's run_id from: 1000 * tune + trial. */
static unsigned
run_number(const json_t *item)
{
    const char *run = json_string_value(json_object_get(item, "run_id"));

    ck_assert_uint_eq(strlen(run), 36);
    return (unsigned)strtoul(run + 24, NULL, 10);
}

/* "tune.trial ..." of a leaderboard's items, whose ranks go on from `first`. */
static void
expect_places(const char *path, json_int_t first, json_int_t total, const char *want)
{
    json_t *board = reads_json(&world, path);
    const json_t *item;
    char got[400] = "";
    size_t index;

    json_array_foreach(json_object_get(board, "items"), index, item)
    {
        unsigned made_from = run_number(item);

        snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%u.%u", index ? " " : "",
                 made_from / 1000, made_from % 1000);
        ck_assert_int_eq(json_integer_value(json_object_get(item, "rank")),
                         first + (json_int_t)index);
    }
    ck_assert_msg(strcmp(got, want) == 0, "%s: %s, not %s", path, got, want);
    ck_assert_int_eq(json_integer_value(json_object_get(board, "total")), total);
    json_decref(board);
}

static void
add_board(void)
{
    reads_tune_row(&world, 1, "completed",
                   "strategy_entity_id = '" SMA "', oos_ratio = 0.25, count_completed = 2");
    reads_tune_row(&world, 2, "completed", "objective_type = 'calmar', count_completed = 4");
    reads_tune_row(&world, 3, "running", "");
    reads_run_row(&world, 1, 0, "2", "objective_score = 1");
    reads_run_row(&world, 1, 1, "1", "objective_score = 3");
    reads_run_row(&world, 1, 2, NULL, "objective_score = 9, status = 'skipped'");
    reads_run_row(&world, 2, 0, "1", "objective_score = 2");
    reads_run_row(&world, 2, 1, "2", "objective_score = 1");
    reads_run_row(&world, 2, 2, "3", "objective_score = -1");
    reads_run_row(&world, 2, 3, "4", "objective_score = 'NaN'");
    reads_run_row(&world, 2, 4, "5", "objective_score = 'Infinity'");
    reads_run_row(&world, 2, 5, "6", "");
    reads_run_row(&world, 2, 6, "7", "objective_score = 1");
    reads_run_row(&world, 3, 0, "1", "objective_score = 0.5");
}

START_TEST(all_tunes_trials_are_ranked_together)
{
    add_board();
    expect_places(BOARD, 1, 7, "1.1 2.0 1.0 2.1 2.6 3.0 2.2");
    expect_places(BOARD "?limit=2", 1, 7, "1.1 2.0");
    expect_places(BOARD "?limit=2&offset=2", 3, 7, "1.0 2.1");
    expect_places(BOARD "?limit=2&offset=7", 8, 7, "");
    expect_places(BOARD "?limit=2&offset=6", 7, 7, "2.2");
    expect_places(BOARD "?objective_type=calmar", 1, 4, "2.0 2.1 2.6 2.2");
    expect_places(BOARD "?oos_enabled=true", 1, 2, "1.1 1.0");
    expect_places(BOARD "?oos_enabled=false&limit=3", 1, 5, "2.0 2.1 2.6");
    expect_places(BOARD "?strategy_entity_id=" SMA, 1, 2, "1.1 1.0");
    expect_places(BOARD "?status=running", 1, 1, "3.0");
    expect_places(BOARD "?valid_only=true", 1, 6, "1.1 2.0 1.0 2.1 2.6 2.2");
    expect_places(BOARD "?status=failed", 1, 0, "");
}
END_TEST

/* What they had found is no less true, but they did not look everywhere. */
START_TEST(canceled_tunes_are_on_the_board_only_if_asked_for)
{
    add_board();
    reads_run(&world, "UPDATE backtest_tunes SET status = 'canceled' WHERE strategy_entity_id"
                      " = '" SMA "'");
    expect_places(BOARD, 1, 5, "2.0 2.1 2.6 3.0 2.2");
    expect_places(BOARD "?include_canceled=false", 1, 5, "2.0 2.1 2.6 3.0 2.2");
    expect_places(BOARD "?include_canceled=true", 1, 7, "1.1 2.0 1.0 2.1 2.6 3.0 2.2");
    expect_places(BOARD "?status=canceled", 1, 2, "1.1 1.0");
}
END_TEST

/* ---- JSON and CSV ----------------------------------------------------------------------- */

static void
add_place(const char *name)
{
    reads_tune_row(
        &world, 1, "completed",
        "strategy_entity_id = '" SMA "', oos_ratio = 0.25, count_completed = 1,"
        " gates = '{\"evaluated_on\":\"oos\"}',"
        " param_names = '{period,\"a,b\"}', metric_names = '{sharpe,trades,win_rate}'");
    reads_run(&world, "UPDATE backtest_tunes SET strategy_name = %s", name);
    reads_run_row(&world, 1, 7, "1",
                  "params = '{20,-1.5}', score = 0.1, score_is = 1e-7, score_oos = -2.5e300,"
                  " objective_score = 1e21, metrics_is = '{1,2,3}',"
                  " metrics_oos = '{-0.30000000000000004,14,NaN}'");
}

START_TEST(a_place_is_shown_whole)
{
    json_t *board;

    add_place("'sma'");
    board = reads_json(&world, BOARD);
    reads_expect(board,
                 "{'items':[{'rank':1,'tune_id':'00000000-0000-7000-8000-000000000001',"
                 "'run_id':'00000000-0000-7000-8000-000000001007',"
                 "'strategy_entity_id':'" SMA "','strategy_name':'sma',"
                 "'objective_type':'sharpe','objective_score':1e21,'score':0.1,"
                 "'score_is':1e-7,'score_oos':-2.5e300,'overfit_gap':null,"
                 "'params':{'period':20,'a,b':-1.5},"
                 "'summary':{'return_pct':null,'max_drawdown_pct':null,"
                 "'sharpe':-0.30000000000000004,'win_rate':null,'trades':14,"
                 "'buy_hold_return_pct':null,'avg_trade_pct':null,'profit_factor':null},"
                 "'created_at':'2024-01-01T00:00:01.000Z'}],'total':1,'limit':20,'offset':0}");
    json_decref(board);
}
END_TEST

#define CSV_HEADER                                                                         \
    "rank,tune_id,run_id,strategy_entity_id,strategy_name,objective_type,objective_score," \
    "score,score_is,score_oos,overfit_gap,return_pct,max_drawdown_pct,sharpe,win_rate,"    \
    "trades,buy_hold_return_pct,avg_trade_pct,profit_factor,params,created_at\r\n"
#define CSV_ROW(name)                                                                  \
    "1,00000000-0000-7000-8000-000000000001,00000000-0000-7000-8000-000000001007," SMA \
    "," name ",sharpe,1e+21,0.1,1e-07,-2.5e+300,,,,-0.30000000000000004,,14,,,,"       \
    "\"{\"\"period\"\":20,\"\"a,b\"\":-1.5}\",2024-01-01T00:00:01.000Z\r\n"

static void
expect_csv(const char *path, const char *const *headers, const char *want)
{
    struct reads_answer answer;

    reads_ask(&world, "GET", path, headers, &answer);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_str_eq(answer.body, want);
    ck_assert(reads_answer_has(&answer, "Content-Type: text/csv; charset=utf-8"));
    ck_assert(reads_answer_has(
        &answer, "Content-Disposition: attachment; filename=\"leaderboard.csv\""));
    ck_assert(reads_answer_has(&answer, "X-Content-Type-Options: nosniff"));
    reads_answer_fini(&answer);
}

START_TEST(csv_quotes_what_it_must)
{
    static const char *const names[][2] = {
        {"'sma'", "sma"},
        {"NULL", ""},
        {"''", ""},
        {"'a,b'", "\"a,b\""},
        {"'say \"hi\"'", "\"say \"\"hi\"\"\""},
        {"E'two\\nlines'", "\"two\nlines\""},
        {"E'two\\r\\nlines'", "\"two\r\nlines\""},
        {"'größe €'", "größe €"},
        {"'=HYPERLINK(\"x\")'", "\"'=HYPERLINK(\"\"x\"\")\""},
        {"'-2+3'", "\"'-2+3\""},
        {"'@sum'", "\"'@sum\""},
        {"E'\\t=1'", "\"'\t=1\""},
    };

    add_place("'sma'");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char want[2000];

        reads_run(&world, "UPDATE backtest_tunes SET strategy_name = %s", names[i][0]);
        snprintf(want, sizeof(want), CSV_HEADER CSV_ROW("%s"), names[i][1]);
        expect_csv(BOARD "?format=csv", NULL, want);
    }
}
END_TEST

START_TEST(csv_of_nothing_is_its_header)
{
    expect_csv(BOARD "?format=csv", NULL, CSV_HEADER);
    add_place("'sma'");
    expect_csv(BOARD "?format=csv&offset=1", NULL, CSV_HEADER);
    expect_csv(BOARD "?format=csv&status=queued", NULL, CSV_HEADER);
}
END_TEST

/* A page of the list has 20; who downloads wants what there is. */
START_TEST(csv_has_every_row_if_no_limit_is_given)
{
    static const char *const paths[] = {BOARD "?format=csv", BOARD "?format=csv&limit=200",
                                        BOARD "?format=csv&limit=7"};
    static const size_t want[] = {250, 200, 7};

    add_place("'sma'");
    reads_run(&world, "INSERT INTO backtest_tune_runs SELECT (jsonb_populate_record(r,"
                      " jsonb_build_object('trial_index', 1000 + n, 'run_id',"
                      " gen_random_uuid()))).* FROM backtest_tune_runs r,"
                      " generate_series(1, 249) n");
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct reads_answer answer;
        size_t lines = 0;

        reads_ask(&world, "GET", paths[i], NULL, &answer);
        ck_assert_int_eq(answer.status, 200);
        for (const char *at = answer.body; (at = strstr(at, "\r\n")); at += 2)
            lines++;
        ck_assert_uint_eq(lines, want[i] + 1);
        reads_answer_fini(&answer);
    }
}
END_TEST

START_TEST(the_format_is_what_the_query_says)
{
    static const char *const csv[] = {"Accept: text/csv", NULL};
    static const char *const json[] = {"Accept: application/json", NULL};
    struct reads_answer answer;

    add_place("'sma'");
    expect_csv(BOARD "?format=csv", json, CSV_HEADER CSV_ROW("sma"));
    for (size_t i = 0; i < 2; i++) {
        reads_ask(&world, "GET", i ? BOARD "?format=json" : BOARD, csv, &answer);
        ck_assert(reads_answer_has(&answer, "Content-Type: application/json"));
        ck_assert_ptr_nonnull(answer.json);
        reads_answer_fini(&answer);
    }
    reads_expect_problem(&world, BOARD "?format=csv&limit=0", 422, "VALIDATION_FAILED",
                         "query.limit");
}
END_TEST

/* ---- numbers ---------------------------------------------------------------------------- */

enum { NUMBERS = 200 };

/* Those that are hard to print, then any that are finite. */
static double
number(unsigned i)
{
    static const double hard[] = {
        0,      0.1,    1.0 / 3, 2.0 / 3,  5e-324, 2.2250738585072014e-308,
        1e15,   1e16,   1e22,    1e23,     -1e-5,  1.7976931348623157e308,
        0x1p53, 0x1p63, 1e-4,    123456.7, 0.3,    -9007199254740993.0};
    uint64_t bits = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
    double value;

    if (i < sizeof(hard) / sizeof(hard[0]))
        return hard[i];
    bits = (bits ^ (bits >> 29)) * UINT64_C(0xbf58476d1ce4e5b9);
    memcpy(&value, &bits, sizeof(value));
    return isfinite(value) ? value : (double)i + 0.1;
}

static void
expect_number(const json_t *got, double want, const char *what, unsigned i)
{
    double value = json_number_value(got);
    uint64_t bits, wanted;

    memcpy(&bits, &value, sizeof(bits));
    memcpy(&wanted, &want, sizeof(wanted));
    ck_assert_msg(json_is_number(got) && bits == wanted, "%s of %u: %.17g, not %.17g", what, i,
                  value, want);
}

static void
add_numbers(void)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    reads_tune_row(&world, 1, "completed",
                   "param_names = '{p}', metric_names = '{sharpe,x}',"
                   " gates = '{\"evaluated_on\":\"oos\"}'");
    reads_run(&world, "UPDATE backtest_tunes SET best_score = '%.17g', oos_ratio = '%.17g'",
              number(20), number(21));
    fputs("INSERT INTO backtest_tune_runs (tune_id, trial_index, run_id, status, rank, params,"
          " score, score_is, score_oos, objective_score, overfit_gap, metrics_is, metrics_oos)"
          " VALUES ",
          out);
    for (unsigned i = 0; i < NUMBERS; i++)
        fprintf(out,
                "%s('" READS_ID "', %u, '" READS_ID "', 'completed', %u, '{%.17g}', '%.17g',"
                " '%.17g', '%.17g', '%.17g', '%.17g', '{%.17g,%.17g}', '{%.17g,%.17g}')",
                i ? ", " : "", 1, i, 1000 + i, i + 1, number(i), number(i + 1), number(i + 2),
                number(i + 3), number(i), number(i + 5), number(i + 6), number(i + 7),
                number(i + 8), number(i + 9));
    fclose(out);
    reads_run(&world, "%s", text);
    free(text);
}

static const json_t *
in(const json_t *item, const char *object, const char *member)
{
    return json_object_get(json_object_get(item, object), member);
}

START_TEST(numbers_come_to_the_last_digit)
{
    const json_t *item;
    json_t *list;
    size_t at;

    add_numbers();
    list = reads_json(&world, "/backtests/tunes/00000000-0000-7000-8000-000000000001");
    expect_number(json_object_get(list, "best_score"), number(20), "best_score", 0);
    expect_number(json_object_get(list, "oos_ratio"), number(21), "oos_ratio", 0);
    json_decref(list);
    list = reads_json(&world,
                      "/backtests/tunes/00000000-0000-7000-8000-000000000001/runs?limit=200");
    ck_assert_uint_eq(json_array_size(json_object_get(list, "items")), NUMBERS);
    json_array_foreach(json_object_get(list, "items"), at, item)
    {
        unsigned i = (unsigned)at;

        expect_number(in(item, "params", "p"), number(i), "params", i);
        expect_number(json_object_get(item, "score"), number(i + 1), "score", i);
        expect_number(json_object_get(item, "score_is"), number(i + 2), "score_is", i);
        expect_number(json_object_get(item, "score_oos"), number(i + 3), "score_oos", i);
        expect_number(json_object_get(item, "objective_score"), number(i), "objective", i);
        expect_number(json_object_get(item, "overfit_gap"), number(i + 5), "gap", i);
        expect_number(in(item, "metrics_is", "sharpe"), number(i + 6), "sharpe", i);
        expect_number(in(item, "metrics_is", "x"), number(i + 7), "x", i);
        expect_number(in(item, "metrics_oos", "sharpe"), number(i + 8), "sharpe", i);
        expect_number(in(item, "metrics_oos", "x"), number(i + 9), "x", i);
    }
    json_decref(list);
}
END_TEST

/* The n-th cell of a row without quotes; -1: the row ends before. */
static double
cell(const char *row, unsigned n)
{
    while (n--) {
        row += strcspn(row, ",\r");
        if (*row++ != ',')
            return -1;
    }
    return strtod(row, NULL);
}

START_TEST(csv_has_the_numbers_of_json)
{
    struct reads_answer csv;
    const json_t *item;
    const char *row;
    json_t *board;
    size_t at;

    add_numbers();
    board = reads_json(&world, BOARD "?limit=200");
    reads_get(&world, BOARD "?limit=200&format=csv", &csv);
    row = csv.body;
    ck_assert_uint_eq(json_array_size(json_object_get(board, "items")), NUMBERS);
    json_array_foreach(json_object_get(board, "items"), at, item)
    {
        unsigned i = run_number(item) % 1000;

        row = strstr(row, "\r\n") + 2;
        expect_number(json_object_get(item, "objective_score"), number(i), "objective", i);
        expect_number(json_object_get(item, "objective_score"), cell(row, 6), "CSV's", i);
        expect_number(json_object_get(item, "score"), cell(row, 7), "CSV's score", i);
        expect_number(json_object_get(item, "score_is"), cell(row, 8), "CSV's score_is", i);
        expect_number(json_object_get(item, "score_oos"), cell(row, 9), "CSV's score_oos", i);
        expect_number(json_object_get(item, "overfit_gap"), cell(row, 10), "CSV's gap", i);
        expect_number(in(item, "summary", "sharpe"), cell(row, 13), "CSV's sharpe", i);
        expect_number(in(item, "summary", "sharpe"), number(i + 8), "sharpe", i);
    }
    ck_assert_str_eq(strstr(row, "\r\n"), "\r\n");
    json_decref(board);
    reads_answer_fini(&csv);
}
END_TEST

void
http_leaderboard_add(void)
{
    TCase *board = http_reads_case("leaderboard");

    tcase_add_checked_fixture(board, setup, teardown);
    suite_tests(board, canceled_tunes_are_on_the_board_only_if_asked_for,
                all_tunes_trials_are_ranked_together, a_place_is_shown_whole,
                csv_quotes_what_it_must, csv_of_nothing_is_its_header,
                csv_has_every_row_if_no_limit_is_given, the_format_is_what_the_query_says,
                numbers_come_to_the_last_digit, csv_has_the_numbers_of_json);
}
