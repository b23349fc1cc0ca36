/* replay_server - answers calls to the service "backtest", in a thread of its own.
 *
 * Handles  CALL to "backtest" (actors/kit/backtest_call.h), one at a time
 * Emits    RETURN with the body of GET /backtests/runs/{id}, or ERROR
 * Owns     its worker end, which takes no jobs, and a replay
 *
 * A tune process is busy with a tune for long; whoever wants to see a trial does not wait for
 * that. The thread runs with a lower priority than the tune's: on a machine with nothing to
 * spare the tune goes on almost undisturbed, and the answer comes later.
 */
#ifndef ACTORS_TUNE_REPLAY_SERVER_H
#define ACTORS_TUNE_REPLAY_SERVER_H

#include "actors/kit/metrics.h"
#include "actors/kit/settings.h"

typedef struct replay_server replay_server_t;

/* Borrows both. NULL: there is no thread to be had, or no broker is named. */
replay_server_t *replay_server_new(const settings_t *settings, meters_t *meters);
void replay_server_destroy(replay_server_t **self_p); /* answers the call at hand first */

#endif
