#include "tests/unit/engine/engine_help.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/tune/data/data.h"

#define DAY_ZERO_MS INT64_C(1577836800000) /* 2020-01-01 */

char *
help_read(const char *path, size_t *ret_size)
{
    FILE *file = fopen(path, "rb");
    size_t size = 0, capacity = 1 << 16, n;
    char *data;

    if (!file)
        return NULL;
    data = malloc(capacity + 1);
    ck_assert_ptr_nonnull(data);
    while ((n = fread(data + size, 1, capacity - size, file)) > 0) {
        size += n;
        if (size < capacity)
            continue;
        capacity *= 2;
        data = realloc(data, capacity + 1);
        ck_assert_ptr_nonnull(data);
    }
    fclose(file);
    data[size] = '\0';
    *ret_size = size;
    return data;
}

bars_t *
help_bars(const char *path)
{
    const struct data_options options = DATA_OPTIONS_DEFAULT;
    struct data_report report;
    bars_t *bars = NULL;
    size_t size;
    char *data = help_read(path, &size);

    if (!data)
        return NULL;
    ck_assert_msg(data_read(data, size, &options, &report, &bars) == TM_OK, "%s: %s", path,
                  report.error);
    free(data);
    return bars;
}

strategy_t *
help_strategy_text(const char *json)
{
    char detail[STRATEGY_DETAIL_BYTES] = "";
    strategy_t *strategy = NULL;

    ck_assert_msg(strategy_parse(json, strlen(json), &strategy, detail, sizeof detail) == TM_OK,
                  "%s", detail);
    return strategy;
}

strategy_t *
help_strategy(const char *name)
{
    char path[256];
    size_t size;

    snprintf(path, sizeof path, "config/strategies/%s.json", name);
    char *json = help_read(path, &size);
    ck_assert_msg(json != NULL, "cannot read %s", path);
    strategy_t *strategy = help_strategy_text(json);
    free(json);
    return strategy;
}

backtest_t *
help_backtest(const bars_t *bars, const strategy_t *strategy,
              const struct backtest_options *options)
{
    backtest_t *backtest = NULL;

    ck_assert_int_eq(backtest_new(bars, strategy, options, &backtest), TM_OK);
    return backtest;
}

bars_t *
help_closes(const double *closes, size_t count)
{
    bars_t *bars = bars_new(count);

    ck_assert_ptr_nonnull(bars);
    for (size_t i = 0; i < count; i++) {
        const double open = i ? closes[i - 1] : closes[i];

        bars->time_ms[i] = DAY_ZERO_MS + (int64_t)i * BARS_DAY_MS;
        bars->open[i] = open;
        bars->close[i] = closes[i];
        bars->high[i] = open > closes[i] ? open : closes[i];
        bars->low[i] = open < closes[i] ? open : closes[i];
        bars->volume[i] = 100;
    }
    return bars;
}

bars_t *
help_walk(size_t count)
{
    double *closes = malloc(count * sizeof *closes);
    double price = 100;
    uint64_t state = 42;

    ck_assert_ptr_nonnull(closes);
    for (size_t i = 0; i < count; i++) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        price *= 1.0 + ((double)(state >> 40) / (double)(1 << 24) - 0.4985) * 0.03;
        closes[i] = price;
    }
    bars_t *bars = help_closes(closes, count);
    free(closes);
    return bars;
}

size_t
help_best(const struct trial *trials, size_t count)
{
    size_t best = count;

    for (size_t i = 0; i < count; i++)
        if (trials[i].status == TRIAL_COMPLETED && !isnan(trials[i].score) &&
            (best == count || trials[i].score > trials[best].score))
            best = i;
    ck_assert_uint_lt(best, count);
    return best;
}
