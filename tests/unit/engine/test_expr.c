#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/tune/engine/expr.h"
#include "tests/unit/engine/engine_help.h"
#include "tests/support/suite.h"

#define COUNT 300

static const struct strategy_param params[] = {
    {.name = "n", .is_int = true, .min = 1, .max = 9, .default_value = 3},
    {.name = "k", .min = 0, .max = 9, .default_value = 2},
};
static const double values[STRATEGY_PARAMS_MAX] = {3, 2};

struct subject {
    struct expr_scope scope;
    struct program program;
    bars_t *bars;
    struct frame frame;
    char detail[STRATEGY_DETAIL_BYTES];
};

static struct subject *
subject_new(void)
{
    struct subject *self = calloc(1, sizeof *self);

    ck_assert_ptr_nonnull(self);
    self->scope.params = params;
    self->scope.param_count = 2;
    self->bars = help_walk(COUNT);
    self->frame = (struct frame){.params = values,
                                 .series = {self->bars->open, self->bars->high, self->bars->low,
                                            self->bars->close, self->bars->volume}};
    return self;
}

static void
subject_destroy(struct subject **self_p)
{
    bars_destroy(&(*self_p)->bars);
    free(*self_p);
    *self_p = NULL;
}

static void
compile(struct subject *self, const char *text)
{
    ck_assert_msg(expr_compile(&self->scope, text, &self->program, self->detail,
                               sizeof self->detail) == TM_OK,
                  "%s: %s", text, self->detail);
}

static double
scalar(const char *text)
{
    struct subject *self = subject_new();

    compile(self, text);
    ck_assert(!self->program.is_series && !self->program.is_bool);
    const double value = program_scalar(&self->program, values);
    subject_destroy(&self);
    return value;
}

START_TEST(arithmetic_has_the_usual_precedence)
{
    ck_assert(scalar("1 + 2 * 3") == 7);
    ck_assert(scalar("(1 + 2) * 3") == 9);
    ck_assert(scalar("10 - 4 - 3") == 3);
    ck_assert(scalar("12 / 2 / 3") == 2);
    ck_assert(scalar("-n * k") == -6);
    ck_assert(scalar("2 - -1.5e0") == 3.5);
    ck_assert(scalar("max(abs(0 - 4), min(n, k))") == 4);
    ck_assert(scalar(" n*2+1 ") == 7);
}
END_TEST

START_TEST(conditions_are_the_same_bar_by_bar)
{
    struct subject *self = subject_new();
    uint64_t bits[COUNT / 64 + 1];
    const bars_t *b = self->bars;
    size_t seen = 0;

    compile(
        self,
        "close > open and not high - low >= 1.0 or close * k <= prev(close) + prev(close) - n");
    program_bits(&self->program, &self->frame, COUNT, bits);
    for (size_t i = 0; i < COUNT; i++) {
        const bool wanted =
            i >= 1 && ((b->close[i] > b->open[i] && !(b->high[i] - b->low[i] >= 1.0)) ||
                       b->close[i] * 2 <= b->close[i - 1] + b->close[i - 1] - 3);

        ck_assert_msg((bits[i / 64] >> i % 64 & 1) == wanted, "bar %zu", i);
        seen += wanted;
    }
    ck_assert_uint_gt(seen, 20);
    ck_assert_uint_lt(seen, COUNT - 20);
    subject_destroy(&self);
}
END_TEST

START_TEST(crossings_are_strict_on_both_bars)
{
    const double closes[] = {1, 2, 3, 2, 3, 2, 1, 2, 3, 1};
    bars_t *bars = help_closes(closes, 10);
    struct subject *self = subject_new();
    uint64_t bits[1];

    self->frame.series[SERIES_CLOSE] = bars->close;
    compile(self, "cross_above(close, k)");
    program_bits(&self->program, &self->frame, 10, bits);
    ck_assert_uint_eq(bits[0], 0); /* each time by way of 2 itself */
    compile(self, "cross_below(close, 1.5)");
    program_bits(&self->program, &self->frame, 10, bits);
    ck_assert_uint_eq(bits[0], 1U << 6 | 1U << 9);
    subject_destroy(&self);
    bars_destroy(&bars);
}
END_TEST

START_TEST(prev_looks_back_as_often_as_it_is_said)
{
    struct subject *self = subject_new();
    double out[COUNT];

    compile(self, "prev(prev(close - open)) + 0");
    ck_assert_uint_eq(self->program.max_lag, 2);
    program_numbers(&self->program, &self->frame, 2, COUNT - 2, out);
    for (size_t i = 2; i < COUNT; i++)
        ck_assert(out[i - 2] == self->bars->close[i - 2] - self->bars->open[i - 2]);
    subject_destroy(&self);
}
END_TEST

START_TEST(the_same_function_is_one_column)
{
    struct subject *self = subject_new();

    compile(self, "sma(close, n) > sma(close, n) - stdev(close , n ) and close < sma(close,n)");
    ck_assert_uint_eq(self->scope.column_count, 2);
    compile(self, "cross_above(sma(close, n), sma(close, n + 1))");
    ck_assert_uint_eq(self->scope.column_count, 3);
    ck_assert_uint_eq(self->scope.columns[0].params, 1);
    subject_destroy(&self);
}
END_TEST

START_TEST(mistakes_are_told_with_their_place)
{
    static const char *const cases[][2] = {
        {"", "position 1: the expression ends"},
        {"close <", "position 8: the expression ends"},
        {"close < foo", "position 9: unknown name `foo`"},
        {"clsoe < 1", "position 1: unknown name `clsoe`; did you mean `close`?"},
        {"close < hihg", "unknown name `hihg`; did you mean `high`?"},
        {"close > smaa(close, 3)", "unknown function `smaa`; did you mean `sma`?"},
        {"close < foo(1)", "unknown function `foo`"},
        {"close > open)", "position 13: the expression should end"},
        {"(close > open", "`)` expected"},
        {"close and open", "position 10: a condition is needed"},
        {"close + (close > open)", "a number is needed"},
        {"1 < 2 < 3", "position 7: the expression should end"},
        {"sma(close)", "`,` expected"},
        {"sma(close, close)", "must be a number or a param"},
        {"sma(3, 3)", "must be a series"},
        {"sma(close, n, n)", "`)` expected"},
        {"not close", "a condition is needed"},
        {"-(close > open)", "a number is needed"},
        {"abs(close > open)", "a number is needed"},
        {"close $ open", "should end"},
        {"1e999", "not a number"},
    };
    struct subject *self = subject_new();

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_assert_int_eq(expr_compile(&self->scope, cases[i][0], &self->program, self->detail,
                                      sizeof self->detail),
                         TM_INVALID_STRATEGY);
        ck_assert_msg(strstr(self->detail, cases[i][1]) != NULL, "%s: %s", cases[i][0],
                      self->detail);
    }
    subject_destroy(&self);
}
END_TEST

/* text repeated count times between head and tail must be refused. */
static void
refuses_bomb(const char *head, const char *piece, size_t count, const char *tail)
{
    struct subject *self = subject_new();
    char *text = calloc(1, strlen(head) + strlen(piece) * count + strlen(tail) + 1);

    ck_assert_ptr_nonnull(text);
    strcpy(text, head);
    for (size_t i = 0; i < count; i++)
        strcat(text, piece);
    strcat(text, tail);
    ck_assert_int_eq(
        expr_compile(&self->scope, text, &self->program, self->detail, sizeof self->detail),
        TM_INVALID_STRATEGY);
    free(text);
    subject_destroy(&self);
}

START_TEST(bombs_are_refused)
{
    refuses_bomb("", "(", 5000, "close > 1");
    refuses_bomb("", "(", 400, "close > 1");
    refuses_bomb("close > ", "prev(", 200, "close");
    refuses_bomb("close > 1", " and close > 1", 60, "");
    refuses_bomb("", "cross_above(", 60, "close, open");
    refuses_bomb("close > 1", " + close", 10000, "");
    refuses_bomb("1", " + 1.0e0", 120, " > sma(sma(sma(close, 1), 2), 3");
    refuses_bomb("close > ", "sma(", 100, "close");
    refuses_bomb("close > 0", "-", 900, "1");
}
END_TEST

static void
strategy_says(const char *json, const char *needle)
{
    char detail[STRATEGY_DETAIL_BYTES] = "";
    strategy_t *strategy = NULL;

    ck_assert_int_eq(strategy_parse(json, strlen(json), &strategy, detail, sizeof detail),
                     TM_INVALID_STRATEGY);
    ck_assert_ptr_null(strategy);
    ck_assert_msg(strstr(detail, needle) != NULL, "\"%s\" is not in: %s", needle, detail);
}

#define ID "\"id\":\"8fd7589a-97c6-49bf-a65e-357fb063fe33\",\"name\":\"x\","

START_TEST(a_wrong_spec_is_told_by_field)
{
    strategy_says("{", "line 1");
    strategy_says("[]", "JSON object");
    strategy_says("{\"name\":\"x\",\"entry_long\":\"close>1\"}", "id:");
    strategy_says(
        "{\"id\":\"8fd7589a-97c6-49bf-a65e-357fb063fe33\",\"entry_long\":\"close>1\"}",
        "name:");
    strategy_says("{" ID "\"exit_long\":\"close>1\"}", "entry_long: there is no entry");
    strategy_says("{" ID "\"entry_long\":\"close\"}", "entry_long: must be a condition");
    strategy_says("{" ID "\"entry_long\":\"close > mid\"}",
                  "entry_long: position 9: unknown name `mid`");
    strategy_says("{" ID "\"entry_long\":7}", "entry_long: must be an expression");
    strategy_says("{" ID "\"indicators\":{\"close\":\"open\"}}", "indicators:");
    strategy_says("{" ID "\"indicators\":{\"a\":\"close > 1\"}}", "indicators.a:");
    strategy_says("{" ID "\"indicators\":{\"a\":\"sma(close, 0)\"},\"entry_long\":\"close>a\"}",
                  "a length is 0");
    strategy_says("{" ID "\"params\":{\"p\":{\"type\":\"int\",\"min\":1,\"max\":3}}}",
                  "params.p.default");
    strategy_says("{" ID
                  "\"params\":{\"p\":{\"type\":\"int\",\"min\":1,\"max\":3,\"default\":9}}}",
                  "params.p.default: 9");
    strategy_says("{" ID
                  "\"params\":{\"p\":{\"type\":\"int\",\"min\":1,\"max\":3,\"default\":1.5}}}",
                  "no whole number");
    strategy_says("{" ID
                  "\"params\":{\"not\":{\"type\":\"int\",\"min\":1,\"max\":3,\"default\":1}}}",
                  "params:");
    strategy_says("{" ID "\"params\":{\"p\":7}}", "params.p: is not an object");
    strategy_says("{" ID
                  "\"params\":{\"p\":{\"type\":\"int\",\"min\":1,\"max\":9,\"default\":1,"
                  "\"search\":[0,9]}}}",
                  "params.p.search");
    strategy_says("[[[[[[[[[[[[[[[[[[[[", "nested deeper than 8");
    strategy_says("{\"id\":1,\"id\":2}", "duplicate");
}
END_TEST

static const struct {
    const char *json, *says;
} strange[] = {
    {"{" ID "\"entry_long\":\"close>1\",\"exit_lnog\":\"close<1\"}",
     "exit_lnog: is not known here; did you mean exit_long?"},
    {"{" ID "\"entry_long\":\"close>1\",\"Reversing\":true}", "did you mean reversing?"},
    {"{" ID "\"entry_long\":\"close>1\",\"author\":\"me\"}", "author: is not known here"},
    {"{" ID "\"parms\":{},\"entry_long\":\"close>1\"}", "did you mean params?"},
    {"{" ID "\"params\":{\"p\":{\"type\":\"int\",\"min\":1,\"max\":3,\"defualt\":1}}}",
     "params.p.defualt: is not known here; did you mean default?"},
    {"{" ID "\"params\":{\"p\":{\"type\":\"int\",\"min\":1,\"max\":3,\"default\":1,"
     "\"serach\":[1,2]}}}",
     "params.p.serach: is not known here; did you mean search?"},
};

START_TEST(a_member_nobody_knows_is_refused_with_the_nearest)
{
    char detail[STRATEGY_DETAIL_BYTES] = "";
    strategy_t *strategy = NULL;

    ck_assert_int_eq(strategy_parse(strange[_i].json, strlen(strange[_i].json), &strategy,
                                    detail, sizeof detail),
                     TM_UNKNOWN_FIELD);
    ck_assert_msg(strstr(detail, strange[_i].says) != NULL, "\"%s\" is not in: %s",
                  strange[_i].says, detail);
}
END_TEST

START_TEST(every_strategy_of_the_configuration_is_sound)
{
    static const char *const names[] = {"bb_reversal", "sma_cross", "sma_cross_ls",
                                        "rsi_reversion", "donchian_breakout"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        strategy_t *strategy = help_strategy(names[i]);

        ck_assert_str_eq(strategy_name(strategy), names[i]);
        ck_assert_uint_ge(strategy_param_count(strategy), 2);
        strategy_destroy(&strategy);
    }
    strategy_t *strategy = help_strategy("bb_reversal");
    ck_assert_str_eq(strategy_id(strategy), "8fd7589a-97c6-49bf-a65e-357fb063fe33");
    strategy_destroy(&strategy);
}
END_TEST

START_TEST(params_out_of_range_are_told)
{
    strategy_t *strategy = help_strategy("bb_reversal");
    char detail[STRATEGY_DETAIL_BYTES];
    double given[STRATEGY_PARAMS_MAX] = {20, 2};

    ck_assert_int_eq(strategy_check_params(strategy, given, detail, sizeof detail), TM_OK);
    given[0] = 20.5;
    ck_assert_int_eq(strategy_check_params(strategy, given, detail, sizeof detail),
                     TM_INVALID_PARAM_SPACE);
    ck_assert_ptr_nonnull(strstr(detail, "period is 20.5"));
    given[0] = 20;
    given[1] = (double)NAN;
    ck_assert_int_eq(strategy_check_params(strategy, given, detail, sizeof detail),
                     TM_INVALID_PARAM_SPACE);
    strategy_destroy(&strategy);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("expr");
    TCase *language = suite_case(suite, "language", NULL, NULL),
          *specs = suite_case(suite, "specs", NULL, NULL);

    suite_tests(language, arithmetic_has_the_usual_precedence,
                conditions_are_the_same_bar_by_bar, crossings_are_strict_on_both_bars,
                prev_looks_back_as_often_as_it_is_said, the_same_function_is_one_column,
                mistakes_are_told_with_their_place, bombs_are_refused);
    suite_tests(specs, a_wrong_spec_is_told_by_field,
                every_strategy_of_the_configuration_is_sound, params_out_of_range_are_told);
    suite_rows(specs, a_member_nobody_knows_is_refused_with_the_nearest, strange);
    return suite_run(suite);
}
