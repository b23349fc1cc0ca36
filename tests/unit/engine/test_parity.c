/* Every column of every row of the reference tables, whose figures were made with
 * backtesting.py 0.6.6 and re-made by an independent simulator. Tables of this repository
 * always count; those beside it are used where they are present. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/engine/engine_help.h"
#include "tests/support/suite.h"

#define TOLERANCE 1e-9
#define FLOOR     1e-3
#define FIELDS    32

#define OWN       "tests/data/parity/"
#define BESIDE    "../shared/parity/visible/"

static const char *const tables[] = {
    OWN "sp500.csv",
    OWN "synthetic.csv",
    OWN "bust.csv",
    BESIDE "sp500.csv",
    BESIDE "synthetic.csv",
    BESIDE "bust.csv",
    BESIDE "bollinger_GOOG.csv",
    BESIDE "bollinger_EURUSD.csv",
    BESIDE "donchian.csv",
    BESIDE "rsi.csv",
    BESIDE "sma_cross_long.csv",
    BESIDE "sma_cross_ls.csv",
};

struct row {
    char *fields[FIELDS];
    size_t count;
};

/* Rows of one table mostly share data and strategy. */
struct subject {
    char dataset[32], strategy_name[32];
    bars_t *bars;
    strategy_t *strategy;
};

static void
split(char *line, struct row *ret)
{
    ret->count = 0;
    for (size_t i = 0; i < FIELDS; i++)
        ret->fields[i] = line + strlen(line); /* those that are missing are empty */
    for (char *field = line; field; ret->count++) {
        ck_assert_uint_lt(ret->count, FIELDS);
        ret->fields[ret->count] = field;
        field = strchr(field, ',');
        if (field)
            *field++ = '\0';
    }
}

static const char *
our_name(const char *name)
{
    static const char *const names[][2] = {{"bollinger", "bb_reversal"},
                                           {"sma_cross_long", "sma_cross"},
                                           {"sma_cross_ls", "sma_cross_ls"},
                                           {"rsi", "rsi_reversion"},
                                           {"donchian", "donchian_breakout"}};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i][0]) == 0)
            return names[i][1];
    }
    ck_abort_msg("no strategy is known as %s", name);
    return NULL;
}

static bars_t *
load_dataset(const char *name)
{
    char path[128];
    bars_t *bars;

    if (strcmp(name, "SP500") == 0)
        return help_bars("tests/data/sp500_daily.csv");
    snprintf(path, sizeof path, "tests/data/%s.csv", name);
    bars = help_bars(path);
    if (bars)
        return bars;
    snprintf(path, sizeof path, "../shared/parity/data/%s.csv", name);
    return help_bars(path);
}

static bool
prepare(struct subject *subject, const char *dataset, const char *strategy)
{
    if (strcmp(subject->dataset, dataset) != 0) {
        bars_destroy(&subject->bars);
        subject->bars = load_dataset(dataset);
        snprintf(subject->dataset, sizeof subject->dataset, "%s", dataset);
    }
    if (strcmp(subject->strategy_name, strategy) != 0) {
        strategy_destroy(&subject->strategy);
        subject->strategy = help_strategy(our_name(strategy));
        snprintf(subject->strategy_name, sizeof subject->strategy_name, "%s", strategy);
    }
    return subject->bars != NULL;
}

static void
read_params(char *text, const strategy_t *strategy, double *params,
            struct backtest_options *options)
{
    strategy_defaults(strategy, params);
    for (char *save, *item = strtok_r(text, ";", &save); item;
         item = strtok_r(NULL, ";", &save)) {
        char *value = strchr(item, '=');

        ck_assert_ptr_nonnull(value);
        *value++ = '\0';
        if (strcmp(item, "trade_on_close") == 0)
            options->fill_on_close = strtol(value, NULL, 10) != 0;
        else if (strcmp(item, "cash") == 0)
            options->cash = strtod(value, NULL);
        else {
            ck_assert_int_ge(strategy_param_index(strategy, item), 0);
            params[strategy_param_index(strategy, item)] = strtod(value, NULL);
        }
    }
}

static size_t
metric_by_name(const char *name)
{
    for (size_t i = 0; i < METRIC_COUNT_ALL; i++) {
        if (strcmp(metrics_info(i)->name, name) == 0)
            return i;
    }
    ck_abort_msg("no metric is known as %s", name);
    return 0;
}

static bool
agrees(const char *reference, double value, enum metric_kind kind)
{
    if (reference[0] == '\0')
        return isnan(value);
    const double wanted = strtod(reference, NULL);
    if (kind == METRIC_COUNT)
        return value == wanted;
    return fabs(value - wanted) <= TOLERANCE * fmax(fabs(wanted), FLOOR);
}

static void
check_row(const struct row *head, const struct row *row, struct subject *subject,
          const char *where)
{
    struct backtest_options options = BACKTEST_OPTIONS_DEFAULT;
    double params[STRATEGY_PARAMS_MAX];
    struct metrics metrics;
    char shown[128];

    options.close_at_end = false;
    options.commission_bps = strtod(row->fields[3], NULL);
    snprintf(shown, sizeof shown, "%s %s", subject->dataset, row->fields[2]);
    read_params(row->fields[2], subject->strategy, params, &options);
    backtest_t *backtest = help_backtest(subject->bars, subject->strategy, &options);
    ck_assert_int_eq(backtest_run(backtest, params, &metrics, NULL), TM_OK);
    backtest_destroy(&backtest);
    for (size_t i = 4; i < head->count; i++) {
        const size_t metric = metric_by_name(head->fields[i]);

        ck_assert_msg(
            agrees(row->fields[i], metrics_value(&metrics, metric), metrics_info(metric)->kind),
            "%s: %s %s, %s: %.17g, and the table has %s", where, subject->strategy_name, shown,
            head->fields[i], metrics_value(&metrics, metric), row->fields[i]);
    }
}

START_TEST(every_column_of_every_row_matches_the_reference)
{
    struct subject subject = {0};
    struct row head, row;
    size_t size, rows = 0, skipped = 0;
    char *save = NULL, *data = help_read(tables[_i], &size);

    if (!data) {
        ck_assert_msg(strncmp(tables[_i], OWN, strlen(OWN)) != 0, "%s is missing", tables[_i]);
        printf("skipped: %s is not here\n", tables[_i]);
        return;
    }
    split(strtok_r(data, "\r\n", &save), &head);
    for (char *line; (line = strtok_r(NULL, "\r\n", &save)) != NULL;) {
        split(line, &row);
        ck_assert_uint_eq(row.count, head.count);
        if (!prepare(&subject, row.fields[0], row.fields[1])) {
            skipped++;
            continue;
        }
        check_row(&head, &row, &subject, tables[_i]);
        rows++;
    }
    printf("%s: %zu rows match, %zu skipped\n", tables[_i], rows, skipped);
    ck_assert_uint_gt(rows + skipped, 0);
    bars_destroy(&subject.bars);
    strategy_destroy(&subject.strategy);
    free(data);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("parity");
    TCase *tables_case = suite_case(suite, "tables", NULL, NULL);

    suite_rows(tables_case, every_column_of_every_row_matches_the_reference, tables);
    return suite_run(suite);
}
