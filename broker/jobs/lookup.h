/* lookup - a job's state as the table has it: for those who ask, and for its subscribers.
 *
 * Emits    STATE REJECTED; RESULT to subscribers of a job that has ended
 */
#ifndef BROKER_JOBS_LOOKUP_H
#define BROKER_JOBS_LOOKUP_H

#include "broker/jobs/subscriptions.h"
#include "broker/queue/leases.h"
#include "broker/store/completions.h"

typedef struct {
    context_t *context;
    peers_t *peers;
    const uuid_map_t *leases;
    subscriptions_t *subscriptions;
    size_t in_flight;
    size_t check_at; /* in the subscriptions */
} lookup_t;

extern const struct completion_ops lookup_ops; /* of a lookup_t */

bool lookup_has_room(const lookup_t *self); /* for one more that a peer asks for */
/* STATE to the peer, unless it is 0; RESULT to subscribers if the job has ended. */
void lookup_state(lookup_t *self, const tm_uuid_t *job, peer_id_t peer, uint64_t ref);
void lookup_for_subscribers(lookup_t *self, const tm_uuid_t *job); /* if there are any */
/* A few of those whose job runs elsewhere, or has ended. */
void lookup_check_subscriptions(lookup_t *self);

#endif
