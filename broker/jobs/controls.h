/* controls - what is asked of this broker through the database.
 *
 * The channel says that jobs are ready, that a job is to stop, that one has ended elsewhere, or
 * that a queue's rules have changed. A word that is missed costs a second: the clock looks for
 * the same things.
 *
 * Handles  the channel's words, CANCEL
 * Emits    CANCEL to workers, STATE REJECTED; words to the other brokers
 */
#ifndef BROKER_JOBS_CONTROLS_H
#define BROKER_JOBS_CONTROLS_H

#include "broker/jobs/lookup.h"
#include "broker/queue/dispatch.h"
#include "proto/link/handlers.h"

typedef struct {
    context_t *context;
    peers_t *peers;
    dispatch_t *dispatch;
    lookup_t *lookup;
} controls_t;

void controls_notify(controls_t *self, const char *payload); /* a word of the channel */
void controls_load(controls_t *self);                        /* the queues' rules */
void controls_take(controls_t *self, const PGresult *rules); /* the answer to QUEUES */
handler_fn controls_cancel;
void controls_look_for_cancels(controls_t *self);
/* A worker that was asked to stop says that it stores what it found. */
void controls_stopped(const controls_t *self, lease_t *lease);
/* The other brokers, now and then: jobs of this queue became ready here. */
void controls_tell_ready(controls_t *self, queue_t *queue);

#endif
