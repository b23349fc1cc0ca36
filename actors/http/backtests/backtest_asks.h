/* backtest_asks - the runs that clients of this bridge wait for: a question that is under way
 * is not asked once more, its answer is given to all who asked meanwhile.
 *
 * So many look at one run at a time, a tune's winner most of all. A question that was sent
 * longer ago than a second is not joined: whoever asks then begins one of his own, which has
 * its own time.
 */
#ifndef ACTORS_HTTP_BACKTESTS_BACKTEST_ASKS_H
#define ACTORS_HTTP_BACKTESTS_BACKTEST_ASKS_H

#include "actors/http/core/shared_body.h"
#include "actors/kit/contracts/backtest_call.h"
#include "proto/client.h"

typedef struct request request_t;
typedef struct backtest_asks backtest_asks_t;

/* err TM_OK and the body, which is borrowed, or why there is none; once for each request. */
typedef void backtest_answer_fn(request_t *request, tm_err_t err, const char *detail,
                                shared_body_t *body);

backtest_asks_t *backtest_asks_new(tm_client_t *client, backtest_answer_fn *fn); /* borrows */
/* Once the client is gone. Those who wait are not told. */
void backtest_asks_destroy(backtest_asks_t **self_p);

/* TM_OK: fn runs later, with the request, which is borrowed: hold a reference until then.
 * Anything else: nothing was asked. */
TM_CHECKED tm_err_t backtest_asks_add(backtest_asks_t *self, const struct backtest_call *call,
                                      request_t *request);

/* For those who wait alone: asks a tune process. TM_OK: fn runs once, later. TM_BROKER_DOWN, or
 * what tm_client_call says: nothing was asked. */
TM_CHECKED tm_err_t backtest_asks_send(tm_client_t *client, const struct backtest_call *call,
                                       tm_return_fn *fn, void *arg);

#endif
