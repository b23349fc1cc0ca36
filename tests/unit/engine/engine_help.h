/* engine_help - what the engine's tests share: files, strategies, made-up bars. Failures end
 * the test. */
#ifndef TESTS_UNIT_ENGINE_ENGINE_HELP_H
#define TESTS_UNIT_ENGINE_ENGINE_HELP_H

#include "actors/tune/engine/engine.h"

char *help_read(const char *path, size_t *ret_size); /* NULL if there is no such file */
bars_t *help_bars(const char *path);                 /* NULL if there is no such file */
strategy_t *help_strategy(const char *name);         /* config/strategies/NAME.json */
strategy_t *help_strategy_text(const char *json);
backtest_t *help_backtest(const bars_t *bars, const strategy_t *strategy,
                          const struct backtest_options *options);

/* Daily bars with these closes; open = close before, high and low around them. */
bars_t *help_closes(const double *closes, size_t count);

/* Where the best completed trial stands: of those with the same score, the first. */
size_t help_best(const struct trial *trials, size_t count);

/* A made-up daily series of any length, always the same. */
bars_t *help_walk(size_t count);

#endif
