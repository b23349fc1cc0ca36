/* timers - what the clock does: beats, lost peers, time-outs, promotion, counting.
 *
 * Owns     what the database was last told of this broker
 */
#ifndef BROKER_TIMERS_H
#define BROKER_TIMERS_H

#include "broker/jobs/calls.h"
#include "broker/jobs/controls.h"
#include "broker/store/store.h"

typedef struct {
    context_t *context;
    peers_t *peers;
    dispatch_t *dispatch;
    sole_broker_t *sole_broker;
    store_t *store;
    controls_t *controls;
    calls_t *calls;
    loop_fn *on_turn; /* the end of a turn: sends what waits */
    void *turn_arg;
    loop_fn *on_ready; /* once: it is of use */
    void *ready_arg;
    tm_err_t exit_status; /* what the process ends with */
    bool beat_sent;
    char *workers_told; /* as the database last heard of them */
    int64_t depth_asked_ms, depth_due_ms;
    int64_t ticked_ms;
} timers_t;

void timers_start(timers_t *self); /* what is borrowed is set before */
void timers_fini(timers_t *self);
void timers_database_up(timers_t *self); /* writes this broker's row */

#endif
