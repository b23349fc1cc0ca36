/* store - group commit: when a unit leaves, and what becomes of it.
 *
 * While a unit is in flight what arrives gathers in lists; when one may leave, it takes what
 * waits: completions, submits and claims, in one transaction. An idle broker thus commits at
 * once, a busy one in batches, and nobody waits for a timer.
 *
 * A unit that the database refuses is taken apart: its submits are sent again one by one, so
 * that only the wrong one is rejected. A unit whose answer is lost is sent again after the
 * broker has compared its leases with the table.
 */
#ifndef BROKER_STORE_STORE_H
#define BROKER_STORE_STORE_H

#include "broker/store/claims.h"
#include "broker/store/completions.h"
#include "broker/store/submits.h"

typedef enum {
    STORE_SURE,     /* every answer has come: units may leave */
    STORE_DOUBTFUL, /* one was lost: wait for quiet, then compare with the table */
    STORE_ASKING    /* the comparison is in flight */
} store_trust_t;

typedef struct {
    context_t *context;
    dispatch_t *dispatch;
    sole_broker_t *sole_broker;
    submits_t submits;
    completions_t completions;
    claims_t claims;
    size_t units; /* in flight */
    store_trust_t trust;
} store_t;

void store_init(store_t *self); /* what is borrowed is set before, by its parts too */
void store_fini(store_t *self);
void store_flush(store_t *self);         /* sends what waits, if a unit may leave */
void store_reconcile(store_t *self);     /* if one is due and all is quiet */
bool store_is_idle(const store_t *self); /* nothing waits, nothing is in flight */

#endif
