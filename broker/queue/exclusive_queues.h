/* exclusive_queues - queues that one worker alone serves.
 *
 * A queue whose workers want it for themselves alone is served by one broker and one of its
 * workers at a time; a row in queue_owners says by which. The others stand by and ask now and
 * then: the row is theirs to take when its broker is gone and none of its jobs runs, or when it
 * was given up.
 */
#ifndef BROKER_QUEUE_EXCLUSIVE_QUEUES_H
#define BROKER_QUEUE_EXCLUSIVE_QUEUES_H

#include "broker/queue/workers.h"

void exclusive_queues_check(context_t *context, const workers_t *workers); /* each tick */

#endif
