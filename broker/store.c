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
destroy_claim(void **item_p)
{
    claim_destroy((claim_t **)item_p);
}

static batch_t *
batch_new(broker_t *broker)
{
    batch_t *self = zmalloc(sizeof(*self));

    self->broker = broker;
    self->dones = zlistx_new();
    self->fails = zlistx_new();
    self->submits = zlistx_new();
    self->careful = zlistx_new();
    self->claims = zlistx_new();
    zlistx_set_destructor(self->dones, destroy_ending);
    zlistx_set_destructor(self->fails, destroy_ending);
    zlistx_set_destructor(self->submits, destroy_submit);
    zlistx_set_destructor(self->careful, destroy_submit);
    zlistx_set_destructor(self->claims, destroy_claim);
    return self;
}

static void
batch_destroy(batch_t **self_p)
{
    batch_t *self = *self_p;

    zlistx_destroy(&self->dones);
    zlistx_destroy(&self->fails);
    zlistx_destroy(&self->submits);
    zlistx_destroy(&self->careful);
    zlistx_destroy(&self->claims);
    free(self);
    *self_p = NULL;
}

static size_t
batch_submits(const batch_t *self)
{
    return zlistx_size(self->submits) + zlistx_size(self->careful);
}

static bool
batch_is_empty(const batch_t *self)
{
    return zlistx_size(self->dones) + zlistx_size(self->fails) + batch_submits(self) +
               zlistx_size(self->claims) ==
           0;
}

/* Lost: it may be there already. A key of the table that is taken: it is. Anything else: one of
 * them is wrong, and each goes by itself. */
enum why { LOST, TAKEN, WRONG };

static void
put_back_submits(broker_t *self, zlistx_t *submits, enum why why)
{
    submit_t *s;

    while ((s = zlistx_detach(submits, NULL))) {
        zhashx_delete(self->submitting, &s->fields.job);
        submits_release(self, s);
        s->is_careful = true;
        s->is_again |= why == LOST;
        s->is_alone |= why == WRONG;
        zlistx_add_end(self->submits, s);
    }
}

static void
put_back(broker_t *self, batch_t *batch, enum why why)
{
    ending_t *e;

    put_back_submits(self, batch->submits, why);
    put_back_submits(self, batch->careful, why);
    while ((e = zlistx_detach(batch->dones, NULL)))
        zlistx_add_end(self->endings, e);
    while ((e = zlistx_detach(batch->fails, NULL)))
        zlistx_add_end(self->endings, e);
    for (claim_t *c = zlistx_first(batch->claims); c; c = zlistx_next(batch->claims)) {
        claim_failed(self, c);
        c->queue->needs_scan = true;
    }
}

/* The database said no to one submit that went by itself: its producer is told why. */
static void
reject_single(broker_t *self, batch_t *batch, const struct pg_outcome *outcome)
{
    submit_t *s = zlistx_detach(batch->careful, NULL);
    bool ours = strcmp(outcome->sqlstate, "TM001") == 0;

    zhashx_delete(self->submitting, &s->fields.job);
    submits_release(self, s);
    log_warn("submit.refused", "err=%s sqlstate=%s", tm_err_name(outcome->err),
             outcome->sqlstate);
    intake_reject(self, s, ours ? outcome->err : TM_BAD_REQUEST,
                  ours ? outcome->message : "the database refused the job");
    submit_destroy(&s);
}

static bool
is_alone(const batch_t *batch)
{
    submit_t *first = zlistx_first(batch->careful);

    return first && first->is_alone;
}

static void
unit_failed(broker_t *self, batch_t *batch, const struct pg_outcome *outcome)
{
    bool is_lost = outcome->err == TM_STORE_DOWN;
    bool is_passing = outcome->sqlstate && strncmp(outcome->sqlstate, "40", 2) == 0;
    bool is_taken = outcome->sqlstate && strcmp(outcome->sqlstate, "23505") == 0;

    if (is_lost)
        self->is_reconciling = true;
    else
        log_warn("unit.refused", "sqlstate=%s submits=%zu", outcome->sqlstate,
                 batch_submits(batch));
    if (!is_lost && !is_passing && is_alone(batch))
        reject_single(self, batch, outcome);
    put_back(self, batch, is_lost ? LOST : is_taken || is_passing ? TAKEN : WRONG);
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
    if (zlistx_size(batch->careful))
        submits_ended_carefully(self, batch->careful, outcome->results[at++]);
    for (claim_t *c = zlistx_first(batch->claims); c; c = zlistx_next(batch->claims)) {
        claim_ended(self, c, &outcome->results[at]);
        at += claim_results(c);
    }
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
take_endings(broker_t *self, batch_t *batch)
{
    size_t limit = (size_t)self->settings->broker_batch;
    ending_t *e;

    while (limit-- > 0 && (e = zlistx_detach(self->endings, NULL)))
        zlistx_add_end(e->is_done ? batch->dones : batch->fails, e);
}

/* Nothing is before it in the queue, and no rule that only a claim can keep. */
static bool
may_leave_at_once(const queue_t *queue)
{
    return lines_are_empty(queue) && !queue->is_claiming && !queue->is_paused &&
           !queue->workspace_limit;
}

static bool
take_submit(broker_t *self, batch_t *batch, submit_t *s)
{
    queue_t *queue = dispatch_queue(self, s->fields.queue.data, s->fields.queue.size);

    if (zhashx_lookup(self->submitting, &s->fields.job))
        return false; /* sent twice: the second waits for the first */
    zhashx_insert(self->submitting, &s->fields.job, s);
    s->is_reserved = !s->fields.delay_ms && may_leave_at_once(queue) &&
                     dispatch_reserve(self, queue, &s->worker);
    s->is_new = false;
    zlistx_add_end(s->is_careful || s->fields.has_key ? batch->careful : batch->submits, s);
    return true;
}

static void
take_submits(broker_t *self, batch_t *batch)
{
    size_t waiting = zlistx_size(self->submits);
    size_t bytes = 0;

    while (waiting-- > 0 && bytes < 8 * 1024 * 1024 &&
           batch_submits(batch) < (size_t)self->settings->broker_batch) {
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

static void
take_claims(broker_t *self, batch_t *batch)
{
    for (queue_t *q = zhashx_first(self->queues); q; q = zhashx_next(self->queues)) {
        if (q->is_claiming || q->is_paused || dispatch_free_credit(q) == 0)
            continue;
        lines_scan(self, q);
        if (zhashx_size(q->lines) > 0)
            zlistx_add_end(batch->claims, claim_new(self, q));
    }
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
    if (zlistx_size(batch->careful))
        submits_add_carefully(self, unit, batch->careful);
    for (claim_t *c = zlistx_first(batch->claims); c; c = zlistx_next(batch->claims))
        claim_add(self, unit, c);
    self->units++;
    self->submits_in_flight += batch_submits(batch);
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
