#include "broker/batch.h"

#include <string.h>

/* Group commit. While a unit is in flight what arrives gathers in lists; when one may leave, it
 * takes what waits: endings, submits and claims, in one transaction. An idle broker thus
 * commits at once, a busy one in batches, and nobody waits for a timer.
 *
 * A unit that the database refuses is taken apart: its submits are sent again one by one, so
 * that only the wrong one is rejected. A unit whose answer is lost is sent again after the
 * broker has compared its leases with the table (store_reconcile). */

static void
destroy_ending(void **item_p)
{
    ending_destroy((ending_t **)item_p);
}

static void
destroy_submit(void **item_p)
{
    submit_destroy((submit_t **)item_p);
}

static void
claim_destroy(void **item_p)
{
    claim_t *claim = *item_p;

    free(claim->workers);
    free(claim);
    *item_p = NULL;
}

static batch_t *
batch_new(broker_t *broker)
{
    batch_t *self = zmalloc(sizeof(*self));

    self->broker = broker;
    self->dones = zlistx_new();
    self->fails = zlistx_new();
    self->submits = zlistx_new();
    self->claims = zlistx_new();
    zlistx_set_destructor(self->dones, destroy_ending);
    zlistx_set_destructor(self->fails, destroy_ending);
    zlistx_set_destructor(self->submits, destroy_submit);
    zlistx_set_destructor(self->claims, claim_destroy);
    return self;
}

static void
batch_destroy(batch_t **self_p)
{
    batch_t *self = *self_p;

    zlistx_destroy(&self->dones);
    zlistx_destroy(&self->fails);
    zlistx_destroy(&self->submits);
    zlistx_destroy(&self->claims);
    free(self);
    *self_p = NULL;
}

static bool
batch_is_empty(const batch_t *self)
{
    return zlistx_size(self->dones) + zlistx_size(self->fails) + zlistx_size(self->submits) +
               zlistx_size(self->claims) ==
           0;
}

static void
put_back(broker_t *self, batch_t *batch, bool is_lost)
{
    submit_t *s;
    ending_t *e;

    while ((s = zlistx_detach(batch->submits, NULL))) {
        zhashx_delete(self->submitting, &s->fields.job);
        submits_release(self, s);
        s->is_again |= is_lost;
        s->is_alone |= !is_lost;
        zlistx_add_end(self->submits, s);
    }
    while ((e = zlistx_detach(batch->dones, NULL)))
        zlistx_add_end(self->endings, e);
    while ((e = zlistx_detach(batch->fails, NULL)))
        zlistx_add_end(self->endings, e);
    for (claim_t *c = zlistx_first(batch->claims); c; c = zlistx_next(batch->claims)) {
        claim_release(self, c, 0);
        c->queue->has_ready = true;
    }
}

/* The database said no to one submit that went by itself: its producer is told why. */
static void
reject_single(broker_t *self, batch_t *batch, const struct pg_outcome *outcome)
{
    submit_t *s = zlistx_detach(batch->submits, NULL);
    bool ours = strcmp(outcome->sqlstate, "TM001") == 0;

    zhashx_delete(self->submitting, &s->fields.job);
    submits_release(self, s);
    log_warn("submit.refused", "err=%s sqlstate=%s", tm_err_name(outcome->err),
             outcome->sqlstate);
    intake_reject(self, s, ours ? outcome->err : TM_BAD_REQUEST,
                  ours ? outcome->message : "the database refused the job");
    submit_destroy(&s);
}

static void
unit_failed(broker_t *self, batch_t *batch, const struct pg_outcome *outcome)
{
    bool is_lost = outcome->err == TM_STORE_DOWN;
    bool is_passing = strncmp(outcome->sqlstate, "40", 2) == 0;
    submit_t *first = zlistx_first(batch->submits);

    if (is_lost)
        self->is_reconciling = true;
    else
        log_warn("unit.refused", "sqlstate=%s submits=%zu", outcome->sqlstate,
                 zlistx_size(batch->submits));
    if (!is_lost && !is_passing && first && first->is_alone)
        reject_single(self, batch, outcome);
    put_back(self, batch, is_lost);
}

static void
unit_done(broker_t *self, batch_t *batch, const struct pg_outcome *outcome)
{
    size_t at = 0;

    if (zlistx_size(batch->dones))
        endings_dones_ended(self, batch->dones, outcome->results[at++]);
    if (zlistx_size(batch->fails))
        endings_fails_ended(self, batch->fails, outcome->results[at++]);
    if (zlistx_size(batch->submits))
        submits_ended(self, batch->submits, outcome->results[at++]);
    for (claim_t *c = zlistx_first(batch->claims); c; c = zlistx_next(batch->claims))
        claim_ended(self, c, outcome->results[at++]);
}

static void
on_unit(void *arg, const struct pg_outcome *outcome)
{
    batch_t *batch = arg;
    broker_t *self = batch->broker;

    self->units--;
    self->submits_in_flight -= zlistx_size(batch->submits);
    if (outcome->err)
        unit_failed(self, batch, outcome);
    else
        unit_done(self, batch, outcome);
    batch_destroy(&batch);
}

static void
take_endings(broker_t *self, batch_t *batch)
{
    size_t limit = (size_t)self->settings->broker_batch;
    ending_t *e;

    while (limit-- > 0 && (e = zlistx_detach(self->endings, NULL)))
        zlistx_add_end(e->is_done ? batch->dones : batch->fails, e);
}

static bool
take_submit(broker_t *self, batch_t *batch, submit_t *s)
{
    queue_t *queue = dispatch_queue(self, s->fields.queue.data, s->fields.queue.size);

    if (zhashx_lookup(self->submitting, &s->fields.job))
        return false; /* sent twice: the second waits for the first */
    zhashx_insert(self->submitting, &s->fields.job, s);
    s->is_reserved = !s->fields.delay_ms && !queue->has_ready && !queue->is_claiming &&
                     dispatch_reserve(self, queue, &s->worker);
    zlistx_add_end(batch->submits, s);
    return true;
}

static void
take_submits(broker_t *self, batch_t *batch)
{
    size_t waiting = zlistx_size(self->submits);
    size_t bytes = 0;

    while (waiting-- > 0 && bytes < (size_t)8 * 1024 * 1024 &&
           zlistx_size(batch->submits) < (size_t)self->settings->broker_batch) {
        submit_t *s = zlistx_detach(self->submits, NULL);
        bool is_alone = s->is_alone;

        if (is_alone && !batch_is_empty(batch)) {
            zlistx_add_start(self->submits, s);
            return;
        }
        bytes += s->body.size;
        if (!take_submit(self, batch, s))
            zlistx_add_end(self->submits, s);
        else if (is_alone)
            return;
    }
}

static bool
is_alone(const batch_t *batch)
{
    submit_t *first = zlistx_first(batch->submits);

    return first && first->is_alone;
}

static void
take_claims(broker_t *self, batch_t *batch)
{
    for (queue_t *q = zhashx_first(self->queues); q; q = zhashx_next(self->queues))
        if (q->has_ready && !q->is_claiming && dispatch_free_credit(q) > 0)
            zlistx_add_end(batch->claims, claim_new(self, q));
}

static void
send_batch(broker_t *self, batch_t *batch)
{
    pg_unit_t *unit = pg_unit_new(self->pg);

    if (zlistx_size(batch->dones))
        endings_add_dones(unit, batch->dones);
    if (zlistx_size(batch->fails))
        endings_add_fails(self, unit, batch->fails);
    if (zlistx_size(batch->submits))
        submits_add(self, unit, batch->submits);
    for (claim_t *c = zlistx_first(batch->claims); c; c = zlistx_next(batch->claims))
        claim_add(self, unit, c);
    self->units++;
    self->submits_in_flight += zlistx_size(batch->submits);
    pg_send(&unit, on_unit, batch);
}

void
store_flush(broker_t *self)
{
    size_t limit = (size_t)self->settings->database_connections;

    while (self->is_started && !self->is_reconciling && pg_is_up(self->pg) &&
           self->units < limit) {
        batch_t *batch = batch_new(self);

        take_endings(self, batch);
        take_submits(self, batch);
        if (!self->is_draining && !is_alone(batch))
            take_claims(self, batch);
        if (batch_is_empty(batch)) {
            batch_destroy(&batch);
            return;
        }
        send_batch(self, batch);
    }
}

static void
on_reconciled(void *arg, const struct pg_outcome *outcome)
{
    broker_t *self = arg;

    self->reconcile_sent = false;
    if (outcome->err)
        return; /* the connection again: upkeep tries once more */
    for (int row = 0; row < PQntuples(outcome->results[0]); row++) {
        const char *queue = pg_get(outcome->results[0], row, 0);
        dispatch_queue(self, queue, strlen(queue))->has_ready = true;
    }
    self->is_reconciling = false;
    log_info("store.reconciled", "released=%d", PQntuples(outcome->results[0]));
}

void
store_reconcile(broker_t *self)
{
    pg_array_t *known;
    pg_unit_t *unit;

    if (!self->is_reconciling || self->reconcile_sent || self->units > 0 || !self->is_started ||
        !pg_is_up(self->pg))
        return;
    known = pg_array_new(PG_UUID);
    for (lease_t *l = zhashx_first(self->leases); l; l = zhashx_next(self->leases))
        pg_array_bytes(known, l->job.bytes, 16);
    unit = pg_unit_new(self->pg);
    pg_add(unit, STMT_RECONCILE);
    pg_uuid(unit, &self->id);
    pg_array(unit, &known);
    self->reconcile_sent = true;
    pg_send(&unit, on_reconciled, self);
}
