/* backtest_run - GET /backtests/runs/{id}: a trial with its equity curve and trades.
 *
 * Those are not stored. PostgreSQL says which trial of which tune has the id; then a tune
 * process is asked, by a call to the service "backtest" (actors/kit/backtest_call.h), to
 * compute it again. What it answers is passed on as it is.
 */
#ifndef ACTORS_HTTP_BACKTEST_RUN_H
#define ACTORS_HTTP_BACKTEST_RUN_H

typedef struct request request_t;

void backtest_run_show(request_t *request);

#endif
