/* backtest_run - GET /backtests/runs/{id}: a back-test with its equity curve and trades.
 *
 * Those are not stored: a tune process is asked (actors/kit/contracts/backtest_call.h), which
 * finds the run and computes it, or has its answer still. What it answers is passed on as it
 * is.
 */
#ifndef ACTORS_HTTP_BACKTESTS_BACKTEST_RUN_H
#define ACTORS_HTTP_BACKTESTS_BACKTEST_RUN_H

#include "actors/http/backtests/backtest_asks.h"

/* What the bridge's backtest_asks tells: ends the wait. */
backtest_answer_fn backtest_run_answer;
/* Nobody could answer, or nobody can: says when to come again, if that may help. */
void backtest_run_fail(request_t *request, tm_err_t err, const char *detail);

#endif
