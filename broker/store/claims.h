/* claims - asking for ready jobs: first where there are any (a scan), then for them (a claim).
 *
 * A claim asks for as many jobs as its queue's workers have credit for, shared out among the
 * workspaces whose turn it is. A line that gives less than its share is forgotten until a job
 * is added to it or a scan finds it again.
 */
#ifndef BROKER_STORE_CLAIMS_H
#define BROKER_STORE_CLAIMS_H

#include "actors/kit/util/fifo.h"
#include "broker/queue/dispatch.h"

typedef struct {
    fifo_link_t link;
    queue_t *queue;
    tm_uuid_t *workers; /* reserved, one for each job that may come */
    size_t count;
    zlistx_t *lines; /* of line_t, borrowed: whose jobs are asked for */
} claim_t;

typedef struct {
    context_t *context;
    dispatch_t *dispatch;
} claims_t;

void claims_scan(const claims_t *self, queue_t *queue); /* if it is due and may be */
/* Reserves the credit for what it asks for. NULL: there is nothing to ask for. */
claim_t *claims_new(const claims_t *self, queue_t *queue);
void claim_destroy(claim_t **self_p);
/* Sole broker: the limit was kept when the claim was made. Else the statement counts. */
void claims_add(const claims_t *self, pg_unit_t *unit, const claim_t *claim,
                bool is_sole_broker);
void claims_ended(const claims_t *self, claim_t *claim, const PGresult *result);
/* Gives back the credit, but for the first `from` of the workers: they have a lease by now. */
void claims_release(const claims_t *self, claim_t *claim, size_t from);

#endif
