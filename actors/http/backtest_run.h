/* backtest_run - GET /backtests/runs/{id}: a back-test with its equity curve and trades.
 *
 * Those are not stored: a tune process is asked (actors/kit/backtest_call.h), which finds the
 * run and computes it, or has its answer still. What it answers is passed on as it is.
 */
#ifndef ACTORS_HTTP_BACKTEST_RUN_H
#define ACTORS_HTTP_BACKTEST_RUN_H

#include "actors/kit/backtest_call.h"
#include "proto/client.h"

typedef struct request request_t;

void backtest_run_show(request_t *request);

/* For backtest_intake: asks a tune process. TM_OK: fn runs once, later. */
TM_CHECKED tm_err_t backtest_run_ask(request_t *request, const struct backtest_call *call,
                                     tm_return_fn *fn, void *arg);
/* Nobody could answer, or nobody can: says when to come again, if that may help. */
void backtest_run_fail(request_t *request, tm_err_t err, const char *detail);

#endif
