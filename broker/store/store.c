#include "broker/store/store.h"

#include <string.h>

#include "broker/base/states.h"

/* What goes to the database in one unit. */
typedef struct {
    store_t *store;
    fifo_t dones, fails;          /* of completion_t */
    fifo_t submits;               /* of submit_t: the common case */
    fifo_t checking;              /* of submit_t: with keys, or perhaps sent before */
    fifo_t claims;                /* of claim_t */
    bool is_limited;              /* it starts jobs of a queue that has a limit */
    int64_t sole_broker_since_us; /* when the unit was made; 0: there may be others */
} batch_t;

enum { UNIT_BYTES = 4 << 20 }; /* of bodies; arrays and libpq hold them once more each */

void
store_init(store_t *self)
{
    submits_init(&self->submits);
}

void
store_fini(store_t *self)
{
    submits_fini(&self->submits);
    completions_fini(&self->completions);
}

bool
store_is_idle(const store_t *self)
{
    return self->units == 0 && self->submits.waiting.count == 0 &&
           self->completions.waiting.count == 0;
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

static void
set_trust(store_t *self, store_trust_t next)
{
    static const states_t states = {
        .event = "store.trust",
        .names = {"sure", "doubtful", "asking"},
        .moves = {[STORE_SURE] = 1 << STORE_DOUBTFUL,
                  [STORE_DOUBTFUL] = 1 << STORE_ASKING,
                  [STORE_ASKING] = 1 << STORE_SURE | 1 << STORE_DOUBTFUL}};

    if (self->trust == next)
        return;
    states_move(&states, "store", self->trust, next);
    self->trust = next;
}

/* Why a unit's submits go back to those that wait. */
enum why {
    LOST,  /* no answer came: the jobs may be written */
    TAKEN, /* one of the jobs is in the table already */
    WRONG  /* the database refused one of them: each goes by itself */
};

static void
put_back_submits(submits_t *submits, fifo_t *list, enum why why)
{
    submit_t *s;

    while ((s = fifo_take(list))) {
        submits_take_out(submits, s);
        s->checks_existing = true;
        s->is_again |= why == LOST;
        s->retried_singly |= why == WRONG;
        fifo_add(&submits->waiting, s);
    }
}

static void
put_back(store_t *self, batch_t *batch, enum why why)
{
    put_back_submits(&self->submits, &batch->submits, why);
    put_back_submits(&self->submits, &batch->checking, why);
    fifo_move(&self->completions.waiting, &batch->dones);
    fifo_move(&self->completions.waiting, &batch->fails);
    for (claim_t *c = fifo_first(&batch->claims); c; c = fifo_next(c)) {
        claims_release(&self->claims, c, 0);
        c->queue->needs_scan = true; /* and with it the lines are open again */
    }
}

/* The database said no to one submit that went by itself: its producer is told why. */
static void
reject_single(submits_t *submits, batch_t *batch, const struct pg_outcome *outcome)
{
    submit_t *s = fifo_take(&batch->checking);
    bool ours = strcmp(outcome->sqlstate, "TM001") == 0;

    submits_take_out(submits, s);
    context_log_trace(s->fields.traceparent);
    log_warn("submit.refused", "err=%s sqlstate=%s", tm_err_name(outcome->err),
             outcome->sqlstate);
    log_trace(NULL);
    submits->ops->on_refused(submits->ops_arg, s, ours ? outcome->err : TM_BAD_REQUEST,
                             ours ? outcome->message : "the database refused the job");
    submit_destroy(submits, &s);
}

/* The next of them goes by itself. */
static bool
is_single(const fifo_t *submits)
{
    const submit_t *first = fifo_first(submits);

    return first && first->retried_singly;
}

static void
unit_failed(store_t *self, batch_t *batch, const struct pg_outcome *outcome)
{
    bool is_lost = outcome->err == TM_STORE_DOWN;
    bool is_passing = strncmp(outcome->sqlstate, "40", 2) == 0;
    bool is_taken = strcmp(outcome->sqlstate, "23505") == 0;

    if (is_passing && batch->is_limited)
        self->sole_broker->since_us = 0; /* another broker may have come: that is refused so */
    if (is_lost)
        set_trust(self, STORE_DOUBTFUL);
    else
        log_warn("unit.refused", "sqlstate=%s submits=%zu", outcome->sqlstate,
                 batch_submits(batch));
    if (!is_lost && !is_passing && is_single(&batch->checking))
        reject_single(&self->submits, batch, outcome);
    put_back(self, batch, is_lost ? LOST : is_taken || is_passing ? TAKEN : WRONG);
}

static void
unit_done(store_t *self, batch_t *batch, const struct pg_outcome *outcome)
{
    /* behind what add_limit_lock adds */
    size_t at = !batch->is_limited ? 0 : batch->sole_broker_since_us ? 2 : 1;

    if (batch->dones.count)
        completions_dones_ended(&self->completions, &batch->dones, outcome->results[at++]);
    if (batch->fails.count)
        completions_fails_ended(&self->completions, &batch->fails, outcome->results[at++]);
    if (batch->submits.count)
        submits_ended(&self->submits, &batch->submits, outcome->results[at++]);
    if (batch->checking.count)
        submits_ended_checking(&self->submits, &batch->checking, outcome->results[at++]);
    for (claim_t *c = fifo_first(&batch->claims); c; c = fifo_next(c))
        claims_ended(&self->claims, c, outcome->results[at++]);
}

static void
on_unit(void *arg, const struct pg_outcome *outcome)
{
    batch_t *batch = arg;
    store_t *self = batch->store;

    self->units--;
    self->submits.in_flight -= batch_submits(batch);
    if (outcome->err)
        unit_failed(self, batch, outcome);
    else
        unit_done(self, batch, outcome);
    batch_destroy(&batch);
}

static void
take_completions(store_t *self, batch_t *batch)
{
    size_t limit = (size_t)self->context->settings->broker_batch;
    completion_t *e;

    while (limit-- > 0 && (e = fifo_take(&self->completions.waiting)))
        fifo_add(e->is_done ? &batch->dones : &batch->fails, e);
}

/* Nothing that is known waits before it, and no rule that only a claim can keep. A job that was
 * made ready since the last claim left may be overtaken, by the time of one claim. */
static bool
leaves_at_once(const batch_t *batch, queue_t *queue, submit_t *s)
{
    const fair_queue_t *fair = &queue->fair;

    if (s->fields.delay_ms || !queue->is_drained || queue->is_paused ||
        queue->ownership != QUEUE_SHARED)
        return false;
    if (fair->limit &&
        (!batch->sole_broker_since_us || fair_queue_find(fair, &s->fields.workspace) ||
         fair_queue_room(fair, &s->fields.workspace) == 0))
        return false;
    queue->is_drained = workers_reserve(queue, &s->worker);
    if (queue->is_drained)
        fair_queue_take(&queue->fair, &s->fields.workspace, 1);
    return queue->is_drained;
}

static bool
take_submit(submits_t *submits, batch_t *batch, submit_t *s)
{
    queue_t *queue = submit_queue(submits, s);

    if (uuid_map_get(submits->sent, &s->fields.job))
        return false; /* sent twice: the second waits for the first */
    uuid_map_put(submits->sent, s);
    s->is_reserved = leaves_at_once(batch, queue, s);
    batch->is_limited |= s->is_reserved && queue->fair.limit;
    s->is_new = false;
    fifo_add(s->checks_existing || s->fields.has_key ? &batch->checking : &batch->submits, s);
    return true;
}

static void
take_submits(submits_t *self, batch_t *batch)
{
    size_t waiting = self->waiting.count;
    size_t bytes = 0;
    submit_t *s;

    while (waiting-- > 0 && bytes < UNIT_BYTES &&
           batch_submits(batch) < (size_t)self->context->settings->broker_batch &&
           (s = fifo_take(&self->waiting))) {
        bool is_single = s->retried_singly;

        if (is_single && !batch_is_empty(batch)) {
            fifo_return(&self->waiting, s);
            return;
        }
        bytes += s->body.size;
        if (!take_submit(self, batch, s))
            fifo_add(&self->waiting, s);
        else if (is_single)
            return;
    }
}

static void
take_claims(store_t *self, batch_t *batch)
{
    const queues_t *queues = self->dispatch->queues;
    claim_t *claim;

    for (queue_t *q = queues_first(queues); q; q = queues_next(queues)) {
        if (q->state == QUEUE_CLAIMING || q->is_paused || workers_free_credit(q) == 0)
            continue;
        claims_scan(&self->claims, q);
        if (q->state == QUEUE_SCANNING) /* first what the scan finds */
            continue;
        claim = claims_new(&self->claims, q);
        if (claim)
            fifo_add(&batch->claims, claim);
        batch->is_limited |= claim && q->fair.limit;
    }
}

/* First of all: who waits for the lock holds nothing. */
static void
add_limit_lock(store_t *self, pg_unit_t *unit, const batch_t *batch)
{
    if (!batch->sole_broker_since_us) {
        pg_add(unit, STMT_LIMIT_LOCK);
        return;
    }
    pg_add(unit, STMT_LIMIT_SHARE);
    pg_add(unit, STMT_STILL_SOLE);
    pg_uuid(unit, &self->context->id);
    pg_i64(unit, batch->sole_broker_since_us);
}

static void
send_batch(store_t *self, batch_t *batch)
{
    pg_unit_t *unit = pg_unit_new(self->context->pg);

    if (batch->is_limited)
        add_limit_lock(self, unit, batch);
    if (batch->dones.count)
        completions_add_dones(unit, &batch->dones);
    if (batch->fails.count)
        completions_add_fails(&self->completions, unit, &batch->fails);
    if (batch->submits.count)
        submits_add(&self->submits, unit, &batch->submits);
    if (batch->checking.count)
        submits_add_checking(&self->submits, unit, &batch->checking);
    for (claim_t *c = fifo_first(&batch->claims); c; c = fifo_next(c))
        claims_add(&self->claims, unit, c, batch->sole_broker_since_us > 0);
    self->units++;
    self->submits.in_flight += batch_submits(batch);
    pg_send(&unit, on_unit, batch);
}

/* An answer to a question about submits may be lost as well. */
static void
note_lost_answers(store_t *self)
{
    if (!self->submits.lost_answers || self->trust == STORE_ASKING)
        return;
    self->submits.lost_answers = false;
    set_trust(self, STORE_DOUBTFUL);
}

void
store_flush(store_t *self)
{
    size_t limit = (size_t)self->context->settings->database_connections;

    note_lost_answers(self);
    while (context_has_database(self->context) && self->trust == STORE_SURE &&
           self->units < limit) {
        batch_t *batch = zmalloc(sizeof(*batch));

        batch->store = self;
        batch->sole_broker_since_us = self->sole_broker->since_us;
        take_completions(self, batch);
        if (!self->context->is_draining && !is_single(&self->submits.waiting))
            take_claims(self, batch); /* what waits goes before what comes */
        take_submits(&self->submits, batch);
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
    store_t *self = arg;

    set_trust(self, outcome->err ? STORE_DOUBTFUL : STORE_SURE);
    if (outcome->err)
        return; /* the connection again: the next turn tries once more */
    queues_rescan(self->dispatch->queues, outcome->results[0]);
    log_info("store.reconciled", "released=%d", PQntuples(outcome->results[0]));
}

void
store_reconcile(store_t *self)
{
    pg_array_t *known;
    pg_unit_t *unit;
    lease_t *lease;

    if (self->trust != STORE_DOUBTFUL || self->units > 0 ||
        !context_has_database(self->context))
        return;
    known = pg_array_new(PG_UUID);
    for (size_t at = 0; (lease = uuid_map_next(self->dispatch->leases, &at));)
        pg_array_bytes(known, lease->job.bytes, 16);
    unit = pg_unit_new(self->context->pg);
    pg_add(unit, STMT_RECONCILE);
    pg_uuid(unit, &self->context->id);
    pg_array(unit, &known);
    set_trust(self, STORE_ASKING);
    pg_send(&unit, on_reconciled, self);
}
