/* backtest_run - GET /backtests/runs/{id}: a back-test with its equity curve and trades.
 *
 * Those are not stored: a tune process is asked (actors/kit/contracts/backtest_call.h), which
 * finds the run and computes it, or has its answer still. What it answers is passed on as it
 * is.
 */
#ifndef ACTORS_HTTP_BACKTESTS_BACKTEST_RUN_H
#define ACTORS_HTTP_BACKTESTS_BACKTEST_RUN_H

#include "actors/http/backtests/backtest_asks.h"

void backtest_run_show(request_t *request);
backtest_answer_fn
    backtest_run_answer; /* what the bridge's backtest_asks tells; ends the wait */

/* For those who wait alone: asks a tune process. TM_OK: fn runs once, later. TM_BROKER_DOWN, or
 * what tm_client_call says: nothing was asked. */
TM_CHECKED tm_err_t backtest_run_ask(tm_client_t *client, const struct backtest_call *call,
                                     tm_return_fn *fn, void *arg);
/* Nobody could answer, or nobody can: says when to come again, if that may help. */
void backtest_run_fail(request_t *request, tm_err_t err, const char *detail);

#endif
