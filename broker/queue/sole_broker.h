/* sole_broker - whether this broker is the only one.
 *
 * While it is, what it counts of running jobs (fair_queue.h) is all there is to a
 * limit, and each unit that relies on it fails if another broker has come meanwhile. Beside
 * others the database counts, one unit at a time.
 */
#ifndef BROKER_QUEUE_SOLE_BROKER_H
#define BROKER_QUEUE_SOLE_BROKER_H

#include "broker/queue/queues.h"

typedef struct {
    context_t *context;
    queues_t *queues;
    size_t others;    /* brokers alive beside this one */
    int64_t since_us; /* 0: it is not the sole one, or does not know */
    bool is_asking;
} sole_broker_t;

/* After each beat: asks the database if it is worth knowing. */
void sole_broker_check(sole_broker_t *self, size_t others);

#endif
