/* The command line as people meet it: the built program is run, its words and codes are read.
 */
#include <check.h>
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/support/command.h"
#include "tests/support/suite.h"

#define SP500 "tests/data/sp500_daily.csv"

static struct command *last;

/* Runs tunemill with the words up to NULL. */
static const struct command *
tunemill(const char *first, ...)
{
    const char *argv[40] = {TUNEMILL, first};
    size_t count = 2;
    va_list words;

    va_start(words, first);
    while (first && count < 39 && (argv[count] = va_arg(words, const char *)))
        count++;
    va_end(words);
    command_destroy(&last);
    last = command_run(argv);
    ck_assert_ptr_nonnull(last);
    return last;
}

static void
forget(void)
{
    command_destroy(&last);
}

static void
assert_says(const struct command *command, int code, const char *words)
{
    ck_assert_msg(command->code == code && strstr(command->err, words), "code %d: %s",
                  command->code, command->err);
}

START_TEST(without_a_command_the_commands_are_listed)
{
    assert_says(tunemill(NULL), 2, "usage: tunemill COMMAND");
}
END_TEST

START_TEST(a_misspelt_command_is_answered_with_the_right_one)
{
    assert_says(tunemill("submti", NULL), 2, "did you mean submit?");
    assert_says(tunemill("zzzzzzzz", NULL), 2, "there is no command \"zzzzzzzz\"");
}
END_TEST

static const char *const commands[] = {"up",       "submit", "watch",   "tunes",
                                       "backtest", "data",   "migrate", "broker",
                                       "tune",     "http",   "keys",    "doctor"};

START_TEST(every_command_has_help)
{
    char words[64];
    const struct command *command = tunemill(commands[_i], "--help", NULL);

    snprintf(words, sizeof words, "usage: tunemill %s", commands[_i]);
    ck_assert_int_eq(command->code, 0);
    ck_assert_ptr_nonnull(strstr(command->out, words));
    ck_assert_ptr_nonnull(strstr(command->out, "--config"));
}
END_TEST

START_TEST(the_version_is_told)
{
    ck_assert_int_eq(strncmp(tunemill("--version", NULL)->out, "tunemill ", 9), 0);
    ck_assert_int_eq(last->code, 0);
}
END_TEST

START_TEST(a_misspelt_option_is_answered_with_the_right_one)
{
    assert_says(tunemill("submit", SP500, "--stratgy", "x", NULL), 2,
                "did you mean --strategy?");
    assert_says(tunemill("submit", SP500, "-x", NULL), 2, "no option -x");
    assert_says(tunemill("submit", SP500, "--strategy", NULL), 2, "needs a value");
}
END_TEST

/* Whole command lines, one wrong value in each. */
static const struct {
    const char *words[6], *says;
} values[] = {
    {{"tunes", "--limit", "0"}, "--limit: \"0\" is not a whole number from 1 to 1000"},
    {{"dead", "--limit", "many"}, "--limit: \"many\" is not a whole number from 1 to 100000"},
    {{"events", "tail", "--last", "-1"}, "--last: \"-1\" is not a whole number from 0"},
    {{"bench", "queue", "--jobs", "1"}, "--jobs: \"1\" is not a whole number from 512"},
    {{"bench", "queue", "--payload", "8.5"}, "--payload: \"8.5\" is not a whole number from 8"},
    {{"retention", "prune", "job-runs", "--batch-size", "1"},
     "--batch-size: \"1\" is not a whole number from 100 to 100000"},
    {{"backtest", SP500, "--fill", "clsoe"}, "--fill: \"clsoe\" is not one of: close open"},
    {{"backtest", SP500, "--cash", "0"}, "--cash: \"0\" is not a number from 1 to 1e+15"},
    {{"http", "--ready-fd", "x"}, "--ready-fd: \"x\" is not a whole number from 0 to 65535"},
    {{"submit", SP500, "--trials", "0"}, "--trials: \"0\" is not a whole number from 1"},
    {{"submit", SP500, "--comission-bps", "0"}, "did you mean --commission-bps?"},
    {{"submit", SP500, "--search", "gird"},
     "--search: \"gird\" is not one of: grid random tpe"},
};

START_TEST(a_wrong_value_of_an_option_is_told_with_what_is_allowed)
{
    const char *const *words = values[_i].words;

    assert_says(tunemill(words[0], words[1], words[2], words[3], words[4], words[5], NULL), 2,
                values[_i].says);
}
END_TEST

START_TEST(missing_and_surplus_arguments_are_named)
{
    assert_says(tunemill("submit", NULL), 2, "FILE.csv is missing");
    assert_says(tunemill("tunes", "now", NULL), 2, "what is \"now\"?");
    assert_says(tunemill("backtest", SP500, NULL), 2, "--strategy is missing");
}
END_TEST

START_TEST(a_wrong_setting_is_named)
{
    assert_says(tunemill("tunes", "--set", "tune.workers=many", NULL), 2, "tune.workers");
    assert_says(tunemill("tunes", "--set", "tune.wrokers=1", NULL), 2, "tune.wrokers");
    assert_says(tunemill("tunes", "--config", "/nonexistent.cfg", NULL), 2, "/nonexistent.cfg");
}
END_TEST

START_TEST(a_file_that_is_not_there_is_named)
{
    assert_says(tunemill("backtest", "nowhere.csv", "--strategy", "bb_reversal", NULL), 1,
                "cannot open nowhere.csv: No such file");
    assert_says(tunemill("submit", "nowhere.csv", "--strategy", "bb_reversal", NULL), 1,
                "cannot open nowhere.csv: No such file");
    assert_says(tunemill("backtest", "tests", "--strategy", "bb_reversal", NULL), 1,
                "cannot read tests: Is a directory");
}
END_TEST

START_TEST(a_misspelt_strategy_is_answered_with_the_right_one)
{
    assert_says(tunemill("backtest", SP500, "--strategy", "bb_reversla", NULL), 2,
                "did you mean bb_reversal?");
    assert_says(tunemill("submit", SP500, "--strategy", "qqqq", NULL), 2, "there are:");
    assert_says(tunemill("backtest", SP500, "--strategy", "./none.json", NULL), 2,
                "./none.json");
}
END_TEST

START_TEST(wrong_parameters_are_named_with_what_there_is)
{
    assert_says(
        tunemill("backtest", SP500, "--strategy", "bb_reversal", "--param", "perod=20", NULL),
        2, "it has");
    assert_says(
        tunemill("backtest", SP500, "--strategy", "bb_reversal", "--param", "period", NULL), 2,
        "should look like");
    assert_says(
        tunemill("backtest", SP500, "--strategy", "bb_reversal", "--param", "period=x", NULL),
        2, "is not a number");
    assert_says(
        tunemill("backtest", SP500, "--strategy", "bb_reversal", "--param", "period=-5", NULL),
        2, "period");
    assert_says(tunemill("backtest", SP500, "--strategy", "bb_reversal", "--cash", "nan", NULL),
                2, "--cash");
    assert_says(
        tunemill("backtest", SP500, "--strategy", "bb_reversal", "--fill", "never", NULL), 2,
        "\"never\" is not one of: close open");
}
END_TEST

START_TEST(a_space_that_is_none_is_refused_with_an_example)
{
    assert_says(
        tunemill("submit", SP500, "--strategy", "bb_reversal", "--space", "period=1:2", NULL),
        2, "period=10:50:5");
    assert_says(
        tunemill("submit", SP500, "--strategy", "bb_reversal", "--trials", "lots", NULL), 2,
        "--trials");
    assert_says(
        tunemill("submit", SP500, "--strategy", "bb_reversal", "--workspace", "x", NULL), 2,
        "--workspace");
}
END_TEST

START_TEST(a_file_that_is_no_price_data_is_refused_with_its_reason)
{
    assert_says(tunemill("backtest", "CMakeLists.txt", "--strategy", "bb_reversal", NULL), 1,
                "CMakeLists.txt: ");
}
END_TEST

/* One row of the published table for SP500, bollinger, made by another program. */
static const struct {
    const char *name;
    double value;
} row[] = {
    {"return_pct", 63.32706058622142},
    {"max_drawdown_pct", -35.92502985379179},
    {"sharpe", 0.16203415730301854},
    {"win_rate", 0.7226277372262774},
    {"trades", 274},
    {"profit_factor", 1.2952713036503705},
    {"buy_hold_return_pct", 96.19561218394382},
    {"avg_trade_pct", 0.1792874461948868},
    {"max_trade_duration", 936},
};

START_TEST(a_backtest_gives_the_figures_that_quants_know)
{
    json_t *answer;

    tunemill("backtest", SP500, "--strategy", "bollinger", "--param", "period=10", "--param",
             "k=1.0", "--cash", "1000000", "--commission-bps", "5", "--fill", "open",
             "--end-of-data", "open", "--json", NULL);
    ck_assert_msg(last->code == 0, "%s", last->err);
    answer = json_loads(last->out, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_ptr_nonnull(answer);
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        double got = json_number_value(json_object_get(answer, row[i].name));

        ck_assert_msg(fabs(got - row[i].value) <= 1e-9 * fabs(row[i].value),
                      "%s: %.17g, not %.17g", row[i].name, got, row[i].value);
    }
    ck_assert(json_is_integer(json_object_get(answer, "trades")));
    json_decref(answer);
}
END_TEST

START_TEST(an_undefined_figure_is_null)
{
    json_t *answer;

    tunemill("backtest", SP500, "--strategy", "bb_reversal", "--param", "period=20", "--param",
             "k=5", "--json", NULL);
    ck_assert_msg(last->code == 0, "%s", last->err);
    answer = json_loads(last->out, 0, NULL);
    ck_assert_int_eq(json_integer_value(json_object_get(answer, "trades")), 0);
    ck_assert(json_is_null(json_object_get(answer, "sharpe")));
    json_decref(answer);
}
END_TEST

/* The last trade's profit and those before it make the equity at the end. */
START_TEST(a_backtest_lists_its_trades_when_asked)
{
    double equity = 10000;
    size_t index;
    json_t *answer, *trades, *trade;

    tunemill("backtest", SP500, "--strategy", "bb_reversal", "--trades", "--json", NULL);
    ck_assert_msg(last->code == 0, "%s", last->err);
    answer = json_loads(last->out, JSON_REJECT_DUPLICATES, NULL);
    trades = json_object_get(answer, "trade_list");
    ck_assert_uint_gt(json_array_size(trades), 10);
    ck_assert_int_eq((json_int_t)json_array_size(trades),
                     json_integer_value(json_object_get(answer, "trades")));
    json_array_foreach(trades, index, trade) equity +=
        json_number_value(json_object_get(trade, "pnl"));
    ck_assert_double_eq_tol(equity, json_number_value(json_object_get(answer, "equity_final")),
                            1e-6);
    json_decref(answer);
    tunemill("backtest", SP500, "--strategy", "bb_reversal", "--trades", NULL);
    ck_assert_ptr_nonnull(strstr(last->out, "return % reason"));
}
END_TEST

START_TEST(a_backtest_warns_of_what_its_figures_do_not_say)
{
    tunemill("backtest", SP500, "--strategy", "bb_reversal", "--cash", "1", NULL);
    ck_assert_int_eq(last->code, 0);
    ck_assert_ptr_nonnull(strstr(last->err, "warning: "));
    ck_assert_ptr_nonnull(strstr(last->err, "entries were left out: one unit cost"));
}
END_TEST

START_TEST(for_people_a_backtest_is_a_table)
{
    tunemill("backtest", SP500, "--strategy", "bb_reversal", NULL);
    ck_assert_msg(last->code == 0, "%s", last->err);
    ck_assert_ptr_nonnull(strstr(last->out, "max_drawdown_pct"));
    ck_assert_ptr_nonnull(strstr(last->out, "bars                   5105"));
}
END_TEST

START_TEST(a_file_is_shown_as_it_is_understood)
{
    const struct command *shown = tunemill("data", SP500, "--json", NULL);
    json_t *report = json_loads(shown->out, 0, NULL);

    ck_assert_int_eq(shown->code, 0);
    ck_assert_ptr_nonnull(report);
    ck_assert_str_eq(json_string_value(json_object_get(report, "timeframe")), "1d");
    ck_assert_int_eq(json_integer_value(json_object_get(report, "bars")), 5105);
    json_decref(report);
    shown = tunemill("data", SP500, NULL);
    ck_assert_ptr_nonnull(strstr(shown->out, "first bar    2000-01-03"));
    assert_says(tunemill("data", SP500, "--timezone", "Nowhere", NULL), 1,
                "\"Nowhere\" is no time zone");
    assert_says(tunemill("data", SP500, "--symbol", "AAA", NULL), 1, "no column of symbols");
    assert_says(tunemill("data", "tests/skips.txt", NULL), 1, "no header names");
}
END_TEST

START_TEST(where_no_broker_answers_that_is_said_with_what_to_do)
{
    const time_t started = time(NULL);

    assert_says(tunemill("submit", SP500, "--strategy", "bb_reversal", "--data-dir",
                         "/nonexistent", "--brokers", "ipc:///tmp/no-such-broker", NULL),
                1, "no broker answers at ipc:///tmp/no-such-broker");
    assert_says(tunemill("watch", "00000000-0000-0000-0000-000000000001", "--data-dir",
                         "/nonexistent", "--brokers", "tcp://127.0.0.1:1,ipc:///tmp/none",
                         NULL),
                1, "no broker answers at tcp://127.0.0.1:1,ipc:///tmp/none");
    ck_assert_int_lt(time(NULL) - started, 10); /* the patience of one of them */
}
END_TEST

START_TEST(without_a_running_system_that_is_said)
{
    assert_says(tunemill("tunes", "--data-dir", "/nonexistent", NULL), 1,
                "no database is known");
    assert_says(tunemill("watch", "not-an-id", NULL), 2, "it is a UUID");
    assert_says(tunemill("migrate", "--set", "system.data_dir=/nonexistent", NULL), 2,
                "set DATABASE_URL");
    assert_says(tunemill("watch", "00000000-0000-0000-0000-000000000000", "--brokers",
                         "nonsense", NULL),
                2, "nonsense");
}
END_TEST

START_TEST(nothing_is_served_in_production_without_an_admin_token)
{
    static const char wanted[] = "http.admin_token: must be set (ADMIN_TOKEN) in profile "
                                 "production";

    assert_says(tunemill("up", "--set", "system.profile=production", NULL), 2, wanted);
    assert_says(tunemill("http", "--set", "system.profile=production", NULL), 1, wanted);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("cli");
    TCase *tcase = suite_case(suite, "cli", NULL, forget);

    unsetenv("DATABASE_URL");
    unsetenv("ADMIN_TOKEN");
    suite_tests(tcase, without_a_command_the_commands_are_listed,
                a_misspelt_command_is_answered_with_the_right_one);
    suite_rows(tcase, every_command_has_help, commands);
    suite_rows(tcase, a_wrong_value_of_an_option_is_told_with_what_is_allowed, values);
    suite_tests(
        tcase, a_file_is_shown_as_it_is_understood, the_version_is_told,
        a_misspelt_option_is_answered_with_the_right_one,
        missing_and_surplus_arguments_are_named, a_wrong_setting_is_named,
        a_file_that_is_not_there_is_named, a_misspelt_strategy_is_answered_with_the_right_one,
        wrong_parameters_are_named_with_what_there_is,
        a_space_that_is_none_is_refused_with_an_example,
        a_file_that_is_no_price_data_is_refused_with_its_reason,
        a_backtest_gives_the_figures_that_quants_know, an_undefined_figure_is_null,
        a_backtest_lists_its_trades_when_asked, a_backtest_warns_of_what_its_figures_do_not_say,
        for_people_a_backtest_is_a_table, where_no_broker_answers_that_is_said_with_what_to_do,
        without_a_running_system_that_is_said,
        nothing_is_served_in_production_without_an_admin_token);
    return suite_run(suite);
}
