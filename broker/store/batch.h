/* batch - what goes to the database in one unit: endings, submits and claims. Shared by
 * store.c, endings.c, submits.c and claims.c only.
 */
#ifndef BROKER_BATCH_H
#define BROKER_BATCH_H

#include "broker/core.h"

typedef struct {
    fifo_link_t link;
    queue_t *queue;
    tm_uuid_t *workers; /* reserved, one for each job that may come */
    size_t count;
    zlistx_t *lines; /* of line_t, borrowed: whose jobs are asked for */
} claim_t;

typedef struct {
    broker_t *broker;
    fifo_t dones, fails;          /* of completion_t */
    fifo_t submits;               /* of submit_t: the common case */
    fifo_t checking;              /* of submit_t: with keys, or perhaps sent before */
    fifo_t claims;                /* of claim_t */
    bool is_limited;              /* it starts jobs of a queue that has a limit */
    int64_t sole_broker_since_us; /* the broker's, when the unit was made */
} batch_t;

/* Each `add` appends one statement, each `ended` reads its answer and tells the peers. */
void completions_add_dones(pg_unit_t *unit, fifo_t *dones);
void completions_add_fails(broker_t *self, pg_unit_t *unit, fifo_t *fails);
void completions_dones_ended(broker_t *self, fifo_t *dones, const PGresult *result);
void completions_fails_ended(broker_t *self, fifo_t *fails, const PGresult *result);

void submits_add(broker_t *self, pg_unit_t *unit, fifo_t *submits);
void submits_add_checking(broker_t *self, pg_unit_t *unit, fifo_t *submits);
void submits_add_jobs(broker_t *self, pg_unit_t *unit, fifo_t *jobs); /* the columns alone */
void submits_release(broker_t *self, submit_t *submit); /* gives a reserved credit back */
/* Both take the submits. */
void submits_ended(broker_t *self, fifo_t *submits, const PGresult *result);
void submits_ended_checking(broker_t *self, fifo_t *submits, const PGresult *result);

/* Reserves the credit for what it asks for. NULL: there is nothing to ask for. */
claim_t *claim_new(broker_t *self, queue_t *queue);
void claim_destroy(claim_t **self_p);
void claim_failed(broker_t *self, claim_t *claim); /* gives the credit back */
/* Alone: the limit was kept when the claim was made. Else the statement counts. */
void claim_add(broker_t *self, pg_unit_t *unit, const claim_t *claim, bool is_sole_broker);
void claim_ended(broker_t *self, claim_t *claim, const PGresult *result);

#endif
