/* recompute_server - shows back-tests: answers questions for a run
 * (actors/kit/contracts/backtest_call.h).
 *
 * Handles  CALL to "backtest.run"; many at once
 * Emits    RETURN with the body of GET /backtests/runs/{id}, or ERROR
 * Owns     its worker end, which takes no jobs, a database connection, the answers given lately
 *          (tune.answer_cache_mb), and a recompute_pool (tune.replay_threads)
 *
 * A tune process is busy with a tune for long, and to compute a trial may take a while; who
 * wants to see one that is known waits for neither: on the process's loop questions are but
 * read, looked up and answered. It takes an answer for right without a look at the database for
 * RECOMPUTE_FRESH_MS: a run that was deleted, with its tune or alone, may be shown for so long.
 * After that one look-up tells whether its rows are still there and are the same, which makes
 * it right for as long again. An answer that depends on what a strategy is now is not kept.
 *
 * The same question is computed once, however many ask it meanwhile. A computation whose askers
 * have all given up is not begun.
 *
 * The service is there from the first connection to the database on.
 */
#ifndef ACTORS_TUNE_RECOMPUTE_RECOMPUTE_SERVER_H
#define ACTORS_TUNE_RECOMPUTE_RECOMPUTE_SERVER_H

#include "actors/kit/runtime/loop.h"
#include "actors/kit/runtime/metrics.h"
#include "actors/kit/runtime/settings.h"

#define RECOMPUTE_FRESH_MS 1000

typedef struct recompute_server recompute_server_t;

/* Borrows all; on the loop's thread. NULL: there is no thread to be had for the pool. */
recompute_server_t *recompute_server_new(loop_t *loop, const settings_t *settings,
                                         meters_t *meters);
/* Takes no more. What is being computed is answered; what has not begun is answered DRAINING.
 */
void recompute_server_drain(recompute_server_t *self);
size_t recompute_server_pending(const recompute_server_t *self); /* not answered yet */
void recompute_server_destroy(recompute_server_t **self_p);      /* before the loop */

#endif
