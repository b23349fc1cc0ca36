/* backtest_call - the question for a run to be shown: a trial of a tune, or a back-test of its
 * own.
 *
 * The bridge asks it by a call (proto/client.h), tune processes answer with the whole body of
 * GET /backtests/runs/{id}; or WORKSPACE_NOT_FOUND, RUN_NOT_FOUND, or why it cannot be
 * computed. The question is a JSON object:
 *
 *     workspace_id             a UUID; what is asked for must be the workspace's
 *     run_id                   the run, whichever of both it is; or
 *     tune_id, trial_index     a trial, from 0
 *     points                   the curve has at most so many
 *
 * It goes to the service "backtest.run".
 */
#ifndef ACTORS_KIT_CONTRACTS_BACKTEST_CALL_H
#define ACTORS_KIT_CONTRACTS_BACKTEST_CALL_H

#include "proto/message.h"

#define BACKTEST_SERVICE    "backtest.run"
#define BACKTEST_POINTS_MIN 10
#define BACKTEST_POINTS_MAX 20000
#define BACKTEST_POINTS     2000 /* unless something else is asked for */

struct backtest_call {
    tm_uuid_t workspace;
    tm_uuid_t run; /* nil: it is asked for by tune and trial */
    tm_uuid_t tune;
    uint32_t trial;
    uint32_t points;
};

char *backtest_call_text(const struct backtest_call *self); /* the caller frees it */
/* TM_BAD_REQUEST: why says what is wrong. Unknown members are left alone: a later version may
 * ask.
 */
#define BACKTEST_CALL_WHY 600
TM_CHECKED tm_err_t backtest_call_parse(const char *text, size_t size,
                                        struct backtest_call *ret, char why[BACKTEST_CALL_WHY]);

#endif
