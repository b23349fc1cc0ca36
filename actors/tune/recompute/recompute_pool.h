/* recompute_pool - trials computed again in threads of their own, each with a replay.
 *
 * Owns     its threads, which have a lower priority than the tune's, and what they need
 *
 * One caller's thread gives tasks and takes them back; the descriptor is readable while there
 * are some to take. A task is the caller's again once it is taken, and is taken exactly once.
 * Those that wait begin in the order they came; one whose time is over by then is not computed:
 * it comes back with TM_TIMEOUT.
 */
#ifndef ACTORS_TUNE_RECOMPUTE_RECOMPUTE_POOL_H
#define ACTORS_TUNE_RECOMPUTE_RECOMPUTE_POOL_H

#include "actors/kit/util/fifo.h"
#include "actors/kit/runtime/traceparent.h"
#include "actors/tune/recompute/recompute.h"

struct recompute_task {
    fifo_link_t link; /* the pool's until it is taken back */
    struct backtest_call call;
    int64_t deadline_ms; /* clock_ms; see recompute_pool_extend */
    traceparent_t trace; /* its lines are of this one */
    tm_err_t err;
    struct recompute_answer answer; /* with TM_OK; its text is the caller's to free */
    char detail[TUNE_DETAIL_BYTES];
};

typedef struct recompute_pool recompute_pool_t;

/* Borrows both. NULL: not one thread is to be had. */
recompute_pool_t *recompute_pool_new(const settings_t *settings, meters_t *meters);
/* Waits for what is being computed. Tasks not taken are the caller's again. */
void recompute_pool_destroy(recompute_pool_t **self_p);

void recompute_pool_add(recompute_pool_t *self, struct recompute_task *task);
/* Somebody waits for it longer. Of one that is with the pool. */
void recompute_pool_extend(recompute_pool_t *self, struct recompute_task *task,
                           int64_t deadline_ms);
struct recompute_task *recompute_pool_take(recompute_pool_t *self); /* NULL: none has ended */
/* Begins no more: what waits, and what is added from now on, comes back with TM_DRAINING. */
void recompute_pool_close(recompute_pool_t *self);
int recompute_pool_fd(const recompute_pool_t *self);

#endif
