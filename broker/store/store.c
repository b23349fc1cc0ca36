#include "broker/store/batch.h"

#include <string.h>

/* Group commit. While a unit is in flight what arrives gathers in lists; when one may leave, it
 * takes what waits: endings, submits and claims, in one transaction. An idle broker thus
 * commits at once, a busy one in batches, and nobody waits for a timer.
 *
 * A unit that the database refuses is taken apart: its submits are sent again one by one, so
 * that only the wrong one is rejected. A unit whose answer is lost is sent again after the
 * broker has compared its leases with the table (store_reconcile). */

enum { UNIT_BYTES = 4 << 20 }; /* of bodies; arrays and libpq hold them once more each */

static batch_t *
batch_new(broker_t *broker)
{
    batch_t *self = zmalloc(sizeof(*self));

    self->broker = broker;
    self->sole_broker_since_us = broker->sole_broker_since_us;
    return self;
}

static void
batch_destroy(batch_t **self_p)
{
    batch_t *self = *self_p;
    fifo_t *lists[] = {&self->dones, &self->fails};
    claim_t *claim;
    void *item;

    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
        while ((item = fifo_take(lists[i])))
            free(item);
    while ((claim = fifo_take(&self->claims)))
        claim_destroy(&claim);
    free(self);
    *self_p = NULL;
}

static size_t
batch_submits(const batch_t *self)
{
    return self->submits.count + self->checking.count;
}

static bool
batch_is_empty(const batch_t *self)
{
    return self->dones.count + self->fails.count + batch_submits(self) + self->claims.count ==
           0;
}

/* Lost: it may be there already. A key of the table that is taken: it is. Anything else: one of
 * them is wrong, and each goes by itself. */
enum why { LOST, TAKEN, WRONG };

static void
put_back_submits(broker_t *self, fifo_t *submits, enum why why)
{
    submit_t *s;

    while ((s = fifo_take(submits))) {
        uuid_map_remove(self->submitting, &s->fields.job);
        submits_release(self, s);
        s->checks_existing = true;
        s->is_again |= why == LOST;
        s->retried_singly |= why == WRONG;
        fifo_add(&self->submits, s);
    }
}

static void
put_back(broker_t *self, batch_t *batch, enum why why)
{
    put_back_submits(self, &batch->submits, why);
    put_back_submits(self, &batch->checking, why);
    fifo_move(&self->completions, &batch->dones);
    fifo_move(&self->completions, &batch->fails);
    for (claim_t *c = fifo_first(&batch->claims); c; c = fifo_next(c)) {
        claim_failed(self, c);
        c->queue->needs_scan = true; /* and with it the lines are open again */
    }
}

/* The database said no to one submit that went by itself: its producer is told why. */
static void
reject_single(broker_t *self, batch_t *batch, const struct pg_outcome *outcome)
{
    submit_t *s = fifo_take(&batch->checking);
    bool ours = strcmp(outcome->sqlstate, "TM001") == 0;

    uuid_map_remove(self->submitting, &s->fields.job);
    submits_release(self, s);
    context_log_trace(s->fields.traceparent);
    log_warn("submit.refused", "err=%s sqlstate=%s", tm_err_name(outcome->err),
             outcome->sqlstate);
    log_trace(NULL);
    intake_reject(self, s, ours ? outcome->err : TM_BAD_REQUEST,
                  ours ? outcome->message : "the database refused the job");
    submit_destroy(self, &s);
}

static bool
is_single(const batch_t *batch)
{
    submit_t *first = fifo_first(&batch->checking);

    return first && first->retried_singly;
}

static void
unit_failed(broker_t *self, batch_t *batch, const struct pg_outcome *outcome)
{
    bool is_lost = outcome->err == TM_STORE_DOWN;
    bool is_passing = strncmp(outcome->sqlstate, "40", 2) == 0;
    bool is_taken = strcmp(outcome->sqlstate, "23505") == 0;

    if (is_passing && batch->is_limited)
        self->sole_broker_since_us = 0; /* perhaps that was it */
    if (is_lost)
        self->is_reconciling = true;
    else
        log_warn("unit.refused", "sqlstate=%s submits=%zu", outcome->sqlstate,
                 batch_submits(batch));
    if (!is_lost && !is_passing && is_single(batch))
        reject_single(self, batch, outcome);
    put_back(self, batch, is_lost ? LOST : is_taken || is_passing ? TAKEN : WRONG);
}

/* Of what add_limit_lock adds. */
static size_t
limit_results(const batch_t *batch)
{
    return batch->sole_broker_since_us ? 2 : 1;
}

static void
unit_done(broker_t *self, batch_t *batch, const struct pg_outcome *outcome)
{
    size_t at = batch->is_limited ? limit_results(batch) : 0;

    if (batch->dones.count)
        completions_dones_ended(self, &batch->dones, outcome->results[at++]);
    if (batch->fails.count)
        completions_fails_ended(self, &batch->fails, outcome->results[at++]);
    if (batch->submits.count)
        submits_ended(self, &batch->submits, outcome->results[at++]);
    if (batch->checking.count)
        submits_ended_checking(self, &batch->checking, outcome->results[at++]);
    for (claim_t *c = fifo_first(&batch->claims); c; c = fifo_next(c))
        claim_ended(self, c, outcome->results[at++]);
}

static void
on_unit(void *arg, const struct pg_outcome *outcome)
{
    batch_t *batch = arg;
    broker_t *self = batch->broker;

    self->units--;
    self->submits_in_flight -= batch_submits(batch);
    if (outcome->err)
        unit_failed(self, batch, outcome);
    else
        unit_done(self, batch, outcome);
    batch_destroy(&batch);
}

static void
take_completions(broker_t *self, batch_t *batch)
{
    size_t limit = (size_t)self->context.settings->broker_batch;
    completion_t *e;

    while (limit-- > 0 && (e = fifo_take(&self->completions)))
        fifo_add(e->is_done ? &batch->dones : &batch->fails, e);
}

/* Nothing that is known waits before it, and no rule that only a claim can keep. A job that was
 * made ready since the last claim left may be overtaken, by the time of one claim. */
static bool
leaves_at_once(broker_t *self, const batch_t *batch, queue_t *queue, submit_t *s)
{
    if (s->fields.delay_ms || !queue->is_drained || queue->is_paused || queue->is_exclusive)
        return false;
    if (queue->workspace_limit &&
        (!batch->sole_broker_since_us || fair_queue_find(queue, &s->fields.workspace) ||
         limits_room(queue, &s->fields.workspace) == 0))
        return false;
    queue->is_drained = dispatch_reserve(self, queue, &s->worker);
    if (queue->is_drained)
        limits_take(queue, &s->fields.workspace, 1);
    return queue->is_drained;
}

static bool
take_submit(broker_t *self, batch_t *batch, submit_t *s)
{
    queue_t *queue = dispatch_queue(self, s->fields.queue.data, s->fields.queue.size);

    if (uuid_map_get(self->submitting, &s->fields.job))
        return false; /* sent twice: the second waits for the first */
    uuid_map_put(self->submitting, s);
    s->is_reserved = leaves_at_once(self, batch, queue, s);
    batch->is_limited |= s->is_reserved && queue->workspace_limit;
    s->is_new = false;
    fifo_add(s->checks_existing || s->fields.has_key ? &batch->checking : &batch->submits, s);
    return true;
}

static void
take_submits(broker_t *self, batch_t *batch)
{
    size_t waiting = self->submits.count;
    size_t bytes = 0;
    submit_t *s;

    while (waiting-- > 0 && bytes < UNIT_BYTES &&
           batch_submits(batch) < (size_t)self->context.settings->broker_batch &&
           (s = fifo_take(&self->submits))) {
        bool is_single = s->retried_singly;

        if (is_single && !batch_is_empty(batch)) {
            fifo_return(&self->submits, s);
            return;
        }
        bytes += s->body.size;
        if (!take_submit(self, batch, s))
            fifo_add(&self->submits, s);
        else if (is_single)
            return;
    }
}

static void
take_claims(broker_t *self, batch_t *batch)
{
    claim_t *claim;

    for (queue_t *q = zhashx_first(self->queues); q; q = zhashx_next(self->queues)) {
        if (q->is_claiming || q->is_paused || dispatch_free_credit(q) == 0)
            continue;
        fair_queue_scan(self, q);
        claim = q->is_scanning ? NULL : claim_new(self, q); /* first what the scan finds */
        if (claim)
            fifo_add(&batch->claims, claim);
        batch->is_limited |= claim && q->workspace_limit;
    }
}

static bool
next_is_single(const broker_t *self)
{
    const submit_t *next = fifo_first(&self->submits);

    return next && next->retried_singly;
}

/* First of all: who waits for the lock holds nothing. */
static void
add_limit_lock(broker_t *self, pg_unit_t *unit, const batch_t *batch)
{
    if (!batch->sole_broker_since_us) {
        pg_add(unit, STMT_LIMIT_LOCK);
        return;
    }
    pg_add(unit, STMT_LIMIT_SHARE);
    pg_add(unit, STMT_STILL_SOLE);
    pg_uuid(unit, &self->context.id);
    pg_i64(unit, batch->sole_broker_since_us);
}

static void
send_batch(broker_t *self, batch_t *batch)
{
    pg_unit_t *unit = pg_unit_new(self->context.pg);

    if (batch->is_limited)
        add_limit_lock(self, unit, batch);
    if (batch->dones.count)
        completions_add_dones(unit, &batch->dones);
    if (batch->fails.count)
        completions_add_fails(self, unit, &batch->fails);
    if (batch->submits.count)
        submits_add(self, unit, &batch->submits);
    if (batch->checking.count)
        submits_add_checking(self, unit, &batch->checking);
    for (claim_t *c = fifo_first(&batch->claims); c; c = fifo_next(c))
        claim_add(self, unit, c, batch->sole_broker_since_us > 0);
    self->units++;
    self->submits_in_flight += batch_submits(batch);
    pg_send(&unit, on_unit, batch);
}

void
store_flush(broker_t *self)
{
    size_t limit = (size_t)self->context.settings->database_connections;

    while (context_has_database(&self->context) && !self->is_reconciling &&
           self->units < limit) {
        batch_t *batch = batch_new(self);

        take_completions(self, batch);
        if (!self->context.is_draining && !next_is_single(self))
            take_claims(self, batch); /* what waits goes before what comes */
        take_submits(self, batch);
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
        dispatch_queue(self, queue, strlen(queue))->needs_scan = true;
    }
    self->is_reconciling = false;
    log_info("store.reconciled", "released=%d", PQntuples(outcome->results[0]));
}

void
store_reconcile(broker_t *self)
{
    pg_array_t *known;
    pg_unit_t *unit;
    lease_t *lease;

    if (!self->is_reconciling || self->reconcile_sent || self->units > 0 ||
        !context_has_database(&self->context))
        return;
    known = pg_array_new(PG_UUID);
    for (size_t at = 0; (lease = uuid_map_next(self->leases, &at));)
        pg_array_bytes(known, lease->job.bytes, 16);
    unit = pg_unit_new(self->context.pg);
    pg_add(unit, STMT_RECONCILE);
    pg_uuid(unit, &self->context.id);
    pg_array(unit, &known);
    self->reconcile_sent = true;
    pg_send(&unit, on_reconciled, self);
}
