#include <assert.h>
#include <stdint.h>

#include "actors/tune/engine/engine.h"

#define BARS 40

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A strategy that is accepted can be run on any bars. */
static void
run_it(const strategy_t *strategy)
{
    const struct backtest_options options = BACKTEST_OPTIONS_DEFAULT;
    double params[STRATEGY_PARAMS_MAX];
    struct metrics metrics;
    backtest_t *backtest = NULL;
    bars_t *bars = bars_new(BARS);

    for (size_t i = 0; bars && i < BARS; i++) {
        bars->time_ms[i] = (int64_t)i * BARS_DAY_MS;
        bars->open[i] = bars->close[i] = 100.0 + (double)(i * 7 % 13);
        bars->high[i] = bars->close[i] + 1;
        bars->low[i] = bars->close[i] - 1;
        bars->volume[i] = 5;
    }
    strategy_defaults(strategy, params);
    if (bars && backtest_new(bars, strategy, &options, &backtest) == TM_OK) {
        const tm_err_t err = backtest_run(backtest, params, &metrics, NULL);
        assert(err == TM_OK);
    }
    backtest_destroy(&backtest);
    bars_destroy(&bars);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char detail[STRATEGY_DETAIL_BYTES] = "";
    strategy_t *strategy = NULL;

    if (strategy_parse((const char *)data, size, &strategy, detail, sizeof detail) == TM_OK)
        run_it(strategy);
    else
        assert(detail[0]);
    strategy_destroy(&strategy);
    return 0;
}
