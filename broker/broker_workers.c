#include <string.h>

#include "broker/broker_inner.h"

/* --- peers that go, or may no longer do what they do -------------------------------------- */

static void
lose_worker(broker_t *self, worker_t *worker, const char *cause)
{
    calls_forget_server(&self->calls, worker, true);
    dispatch_worker_lost(&self->dispatch, worker, cause);
}

static worker_t *
worker_of(const broker_t *self, const peer_t *peer)
{
    return peer->has_worker ? workers_find(&self->workers, &peer->worker) : NULL;
}

void
broker_on_peer_gone(void *arg, const peer_t *peer)
{
    broker_t *self = arg;
    worker_t *worker = worker_of(self, peer);

    if (peer->subscriptions > 0)
        subscriptions_peer_gone(&self->subscriptions, peer->id);
    if (worker && worker->peer == peer->id) /* else it is back, as another peer */
        lose_worker(self, worker, "unreachable");
}

static bool
may_go_on(const broker_t *self, const worker_t *worker, const guest_t *guest)
{
    bool may = (guest->roles & TM_BY_WORKER) != 0;
    const char *service;
    tm_str_t name;

    for (queue_t *q = zlistx_first(worker->queues); q && may; q = zlistx_next(worker->queues))
        may = guest_may_serve(guest, tm_str(q->name), &name);
    for (size_t i = 0; may && (service = calls_service(&self->calls, worker, i)); i++)
        may = guest_may_answer(guest, tm_str(service), &name);
    return may;
}

/* A worker that may no longer serve its queues or services is told that it is none: it says
 * HELLO again, and hears why not. */
void
broker_on_revise(void *arg, peer_t *peer, const guest_t *guest)
{
    broker_t *self = arg;
    worker_t *worker = worker_of(self, peer);

    if (!worker || may_go_on(self, worker, guest))
        return;
    peer->has_worker = false;
    peers_reject(&self->peers, peer->id, 0, TM_NOT_FOUND, "its certificate has changed", 0);
    lose_worker(self, worker, "forbidden");
}

void
broker_on_lost(void *arg, const lease_t *lease, tm_err_t code, const char *detail, bool counts,
               bool is_crash)
{
    broker_t *self = arg;
    completion_t like = {.job = lease->job,
                         .attempt = lease->attempt,
                         .worker = lease->worker,
                         .retryable = true,
                         .counts = counts,
                         .is_crash = is_crash};

    completions_fail(&self->store.completions, &like, tm_str(tm_err_name(code)),
                     tm_str(detail));
}

/* --- what workers say --------------------------------------------------------------------- */

/* A peer is one worker, and a worker is at one peer: a HELLO ends what either was before. */
static void
part_from_former(broker_t *self, const peer_t *from, const tm_uuid_t *id)
{
    worker_t *former = worker_of(self, from), *same = workers_find(&self->workers, id);
    peer_t *other =
        same && same->peer != from->id ? peers_find(&self->peers, same->peer) : NULL;

    if (former && !tm_uuid_is(&former->id, id))
        lose_worker(self, former, "replaced");
    if (other)
        other->has_worker = false;
}

tm_err_t
broker_on_hello(const delivery_t *in)
{
    broker_t *self = in->self;
    peer_t *from = in->peer;
    const struct tm_hello *hello = &in->msg->hello;
    const settings_t *settings = self->context.settings;
    tm_msg_t welcome = {.type = TM_MSG_WELCOME,
                        .welcome = {.broker = self->context.id,
                                    .ping_ms = (uint64_t)settings->broker_ping_ms,
                                    .lease_ms = (uint64_t)settings->broker_lease_ms}};
    worker_t *worker;
    char text[TM_UUID_TEXT];

    part_from_former(self, from, &hello->worker);
    worker = dispatch_hello(&self->dispatch, from, hello);
    calls_hello(&self->calls, worker, hello);
    from->has_worker = true;
    from->worker = worker->id;
    peers_send(&self->peers, from->id, &welcome);
    log_info("worker.hello", "worker=%s actor=%s credit=%llu", tm_uuid_text(&worker->id, text),
             worker->actor, (unsigned long long)worker->credit);
    return TM_OK;
}

typedef struct {
    broker_t *broker;
    tm_uuid_t job, worker;
    uint32_t attempt;
} adoption_t;

static void
on_adopted(void *arg, const struct pg_outcome *outcome)
{
    adoption_t *adoption = arg;
    broker_t *self = adoption->broker;

    if (outcome->err) {
        log_warn("job.adopt", "err=%s", tm_err_name(outcome->err));
        workers_release(&self->workers, &adoption->worker);
    } else if (PQntuples(outcome->results[0]) == 0) {
        dispatch_drop(&self->dispatch, &adoption->worker, &adoption->job, adoption->attempt,
                      TM_LEASE_LOST);
        workers_release(&self->workers, &adoption->worker);
    } else {
        const PGresult *row = outcome->results[0];
        const char *queue = pg_get(row, 0, 2);
        struct tm_job job = {.job = adoption->job,
                             .attempt = adoption->attempt,
                             .workspace = pg_get_uuid(row, 0, 3),
                             .timeout_ms = (uint64_t)pg_get_i64(row, 0, 4)};
        dispatch_adopt(&self->dispatch, queues_get(&self->queues, queue, strlen(queue)), &job,
                       &adoption->worker);
    }
    free(adoption);
}

static void
ask_to_adopt(broker_t *self, const tm_uuid_t *worker, const struct tm_holding *holding)
{
    adoption_t *adoption = zmalloc(sizeof(*adoption));
    pg_array_t *ids = pg_array_new(PG_UUID), *attempts = pg_array_new(PG_INT4);
    pg_unit_t *unit = pg_unit_new(self->context.pg);

    *adoption = (adoption_t){self, holding->job, *worker, (uint32_t)holding->attempt};
    pg_array_bytes(ids, holding->job.bytes, 16);
    pg_array_i64(attempts, (int64_t)holding->attempt);
    pg_add(unit, STMT_ADOPT);
    pg_array(unit, &ids);
    pg_array(unit, &attempts);
    pg_uuid(unit, &self->context.id);
    pg_uuid(unit, worker);
    pg_send(&unit, on_adopted, adoption);
}

/* This attempt is another worker's: what its sender says of it does not count. */
static bool
is_anothers(broker_t *self, const peer_t *from, const tm_uuid_t *job, uint64_t attempt)
{
    const lease_t *lease = leases_find(self->dispatch.leases, job);

    if (!lease || lease->attempt != attempt || tm_uuid_is(&lease->worker, &from->worker))
        return false;
    dispatch_drop(&self->dispatch, &from->worker, job, lease->attempt, TM_LEASE_LOST);
    return true;
}

/* What the worker holds takes a place of its credit at once, though whose it is the table says.
 */
tm_err_t
broker_on_holding(const delivery_t *in)
{
    broker_t *self = in->self;
    const peer_t *from = in->peer;
    const struct tm_holding *holding = &in->msg->holding;
    worker_t *worker = worker_of(self, from);
    lease_t *lease;

    if (!worker)
        return TM_NOT_FOUND;
    if (is_anothers(self, from, &holding->job, holding->attempt))
        return TM_OK;
    lease = leases_find(self->dispatch.leases, &holding->job);
    if (!lease) {
        worker->used++;
        ask_to_adopt(self, &from->worker, holding);
    } else if (lease->attempt == holding->attempt) {
        lease_confirm(lease);
    }
    return TM_OK;
}

/* Without a lease (this broker has just started, or the worker says so again) subscribers are
 * told what the table says. */
static void
end_settled(broker_t *self, const peer_t *from, const tm_msg_t *msg, lease_t *lease)
{
    tm_msg_t settled = {.type = TM_MSG_SETTLED,
                        .settled = {.job = msg->done.job, .attempt = msg->done.attempt}};

    peers_send(&self->peers, from->id, &settled);
    if (!lease) {
        lookup_for_subscribers(&self->lookup, &msg->done.job);
        return;
    }
    dispatch_end(&self->dispatch, lease);
    subscriptions_result(&self->subscriptions, &msg->done.job, "done", NULL, NULL, msg->body);
    meters_add(self->context.metrics, METRIC_JOBS_ENDED, "done", 1);
}

/* Canceled, in the transaction that kept what the worker had found: the table has its result.
 */
static void
end_canceled(broker_t *self, const peer_t *from, const struct tm_fail *fail)
{
    tm_msg_t settled = {.type = TM_MSG_SETTLED,
                        .settled = {.job = fail->job, .attempt = fail->attempt}};
    lease_t *lease =
        dispatch_begin_end(&self->dispatch, &fail->job, fail->attempt, &from->worker);

    peers_send(&self->peers, from->id, &settled);
    if (lease) {
        dispatch_end(&self->dispatch, lease);
        meters_add(self->context.metrics, METRIC_JOBS_ENDED, "canceled", 1);
    }
    lookup_for_subscribers(&self->lookup, &fail->job);
}

static void
end_failed(broker_t *self, const peer_t *from, completion_t like, tm_str_t code,
           tm_str_t detail)
{
    like.worker = from->worker;
    like.peer = from->id;
    dispatch_begin_end(&self->dispatch, &like.job, like.attempt, &from->worker);
    completions_fail(&self->store.completions, &like, code, detail);
}

static void
end_done(broker_t *self, const peer_t *from, const tm_msg_t *msg)
{
    const struct tm_done *done = &msg->done;
    lease_t *lease;

    if (!context_takes_body(&self->context, msg->body)) { /* once more would be as large */
        end_failed(self, from,
                   (completion_t){
                       .job = done->job, .attempt = (uint32_t)done->attempt, .counts = true},
                   tm_str(tm_err_name(TM_TOO_LARGE)),
                   tm_str("the result is larger than broker.max_body_kb allows"));
        return;
    }
    lease = dispatch_begin_end(&self->dispatch, &done->job, done->attempt, &from->worker);
    if (done->settled)
        end_settled(self, from, msg, lease);
    else
        completions_done(&self->store.completions, done, from, msg->body);
}

tm_err_t
broker_on_done(const delivery_t *in)
{
    broker_t *self = in->self;
    const peer_t *from = in->peer;
    const struct tm_done *done = &in->msg->done;
    bool is_known = worker_of(self, from) != NULL;
    bool counts = is_known && !is_anothers(self, from, &done->job, done->attempt);

    if (done->followers > 0)
        child_jobs_begin(&self->child_jobs, from, in->msg, counts);
    else if (counts)
        end_done(self, from, in->msg);
    return is_known ? TM_OK : TM_NOT_FOUND; /* it says HELLO and sends it again */
}

tm_err_t
broker_on_fail(const delivery_t *in)
{
    broker_t *self = in->self;
    const peer_t *from = in->peer;
    const struct tm_fail *fail = &in->msg->fail;
    bool is_handed_back = tm_str_is(fail->code, tm_err_name(TM_BUSY)) ||
                          tm_str_is(fail->code, tm_err_name(TM_DRAINING));

    if (!worker_of(self, from))
        return TM_NOT_FOUND;
    if (is_anothers(self, from, &fail->job, fail->attempt))
        return TM_OK;
    if (fail->settled) {
        end_canceled(self, from, fail);
        return TM_OK;
    }
    end_failed(self, from,
               (completion_t){.job = fail->job,
                              .attempt = (uint32_t)fail->attempt,
                              .retryable = fail->retryable || is_handed_back,
                              .counts = !is_handed_back,
                              .is_rejected = fail->rejected && !is_handed_back},
               fail->code, fail->detail);
    return TM_OK;
}

tm_err_t
broker_on_progress(const delivery_t *in)
{
    broker_t *self = in->self;
    const peer_t *from = in->peer;
    const struct tm_progress *progress = &in->msg->progress;
    lease_t *lease = from->has_worker ? leases_held_by(self->dispatch.leases, &progress->job,
                                                       progress->attempt, &from->worker)
                                      : NULL;

    if (lease) {
        lease_confirm(lease);
        if (progress->stopped)
            controls_stopped(&self->controls, lease);
        subscriptions_progress(&self->subscriptions, in->msg);
    }
    return TM_OK;
}

tm_err_t
broker_on_credit(const delivery_t *in)
{
    worker_t *worker = worker_of(in->self, in->peer);

    if (!worker)
        return TM_NOT_FOUND;
    worker->credit = in->msg->credit.credit;
    return TM_OK;
}

tm_err_t
broker_on_bye(const delivery_t *in)
{
    worker_t *worker = worker_of(in->self, in->peer);

    if (!worker)
        return TM_NOT_FOUND;
    worker->is_leaving = true;
    return TM_OK;
}
