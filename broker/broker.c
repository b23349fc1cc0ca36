#include "broker/core.h"

#include <string.h>

/* --- producers ---------------------------------------------------------------------------- */

static bool
is_full(broker_t *self, const struct tm_submit *submit)
{
    queue_t *queue = dispatch_queue(self, submit->queue.data, submit->queue.size);

    return queue->depth >= queue->max_depth;
}

static tm_err_t
on_submit(void *state, void *peer, const tm_msg_t *msg)
{
    broker_t *self = state;
    const char *detail = NULL;
    tm_err_t err = intake_check(self, &msg->submit, msg->body, &detail);
    submit_t *submit;

    (void)peer;
    if (self->spawn) {
        child_jobs_add(self, msg);
        return TM_OK;
    }
    if (!err && self->context.is_draining)
        err = TM_DRAINING;
    else if (!err && !intake_has_room(self, msg->body))
        err = TM_BUSY;
    else if (!err && !dispatch_may_name(self, msg->submit.queue)) {
        err = TM_BUSY;
        detail = "too many queues are in use at once";
    } else if (!err && is_full(self, &msg->submit))
        err = TM_QUEUE_FULL;
    submit = err ? NULL : submit_new(self, self->from->id, msg);
    if (!err && !submit)
        err = TM_NO_MEMORY;
    if (err) {
        meters_add(self->context.metrics, METRIC_SUBMITS, "rejected", 1);
        peers_reject(&self->peers, self->from->id, msg->submit.ref, err, detail,
                     tm_err_retryable(err) ? 200 : 0);
        return TM_OK;
    }
    fifo_add(&self->submits, submit);
    return TM_OK;
}

static tm_err_t
on_status(void *state, void *peer, const tm_msg_t *msg)
{
    broker_t *self = state;

    (void)peer;
    if (self->from->is_deaf)
        return TM_OK; /* it would not hear the answer, and asks again */
    if (lookup_has_room(self))
        store_lookup_state(self, &msg->status.job, self->from->id, msg->status.ref);
    else
        peers_reject(&self->peers, self->from->id, msg->status.ref, TM_BUSY, NULL, 100);
    return TM_OK;
}

/* The watch stands before the look-up, so that no end falls between them. */
static tm_err_t
on_subscribe(void *state, void *peer, const tm_msg_t *msg)
{
    broker_t *self = state;
    tm_err_t err = subscriptions_add(self, &msg->subscribe.job, self->from->id);

    (void)peer;
    if (err)
        peers_reject(&self->peers, self->from->id, msg->subscribe.ref, err, NULL, 1000);
    else
        store_lookup_state(self, &msg->subscribe.job, self->from->id, msg->subscribe.ref);
    return TM_OK;
}

static tm_err_t
on_cancel(void *state, void *peer, const tm_msg_t *msg)
{
    (void)peer;
    controls_cancel(state, &msg->cancel);
    return TM_OK;
}

static tm_err_t
on_call(void *state, void *peer, const tm_msg_t *msg)
{
    (void)peer;
    calls_forward(state, &msg->call, msg->body);
    return TM_OK;
}

static tm_err_t
on_return(void *state, void *peer, const tm_msg_t *msg)
{
    (void)peer;
    calls_return(state, msg);
    return TM_OK;
}

static tm_err_t
on_error(void *state, void *peer, const tm_msg_t *msg)
{
    (void)peer;
    calls_error(state, msg);
    return TM_OK;
}

static tm_err_t
on_put(void *state, void *peer, const tm_msg_t *msg)
{
    broker_t *self = state;
    tm_err_t err = dataset_chunks_put(self, &msg->put, msg->body);

    (void)peer;
    if (err)
        peers_reject(&self->peers, self->from->id, msg->put.ref, err, NULL,
                     tm_err_retryable(err) ? 100 : 0);
    return TM_OK;
}

/* --- peers that go, or may no longer do what they do ------------------------------------- */

void
broker_peer_gone(void *arg, const peer_t *peer)
{
    broker_t *self = arg;
    worker_t *worker = peer->has_worker ? dispatch_worker(self, &peer->worker) : NULL;

    if (peer->subscriptions > 0)
        subscriptions_peer_gone(self, peer->id);
    if (worker && worker->peer == peer->id) /* else it is back, as another peer */
        dispatch_worker_lost(self, worker, "unreachable");
}

/* A worker that may no longer serve its queues is told that it is none: it says HELLO again,
 * and hears why not. */
void
broker_revise_peer(void *arg, peer_t *peer, const guest_t *guest)
{
    broker_t *self = arg;
    worker_t *worker = peer->has_worker ? dispatch_worker(self, &peer->worker) : NULL;
    bool may = worker && guest->role != GUEST_PRODUCER;
    tm_str_t queue;

    for (queue_t *q = may ? zlistx_first(worker->queues) : NULL; q && may;
         q = zlistx_next(worker->queues))
        may = guest_may_serve(guest, tm_str(q->name), &queue);
    if (!worker || may)
        return;
    peer->has_worker = false;
    peers_reject(&self->peers, peer->id, 0, TM_NOT_FOUND, "its certificate has changed", 0);
    dispatch_worker_lost(self, worker, "forbidden");
}

/* --- workers ------------------------------------------------------------------------------ */

static worker_t *
known_worker(broker_t *self)
{
    return self->from->has_worker ? dispatch_worker(self, &self->from->worker) : NULL;
}

/* A peer is one worker, and a worker is at one peer: a HELLO ends what either was before. */
static void
part_from_former(broker_t *self, const tm_uuid_t *id)
{
    worker_t *former = known_worker(self), *same = dispatch_worker(self, id);

    if (former && !tm_uuid_is(&former->id, id))
        dispatch_worker_lost(self, former, "replaced");
    if (same && same->peer != self->from->id)
        peers_part(&self->peers, same->peer);
}

static tm_err_t
on_hello(void *state, void *peer, const tm_msg_t *msg)
{
    broker_t *self = state;
    tm_msg_t welcome = {.type = TM_MSG_WELCOME};
    worker_t *worker;
    char text[TM_UUID_TEXT];

    (void)peer;
    part_from_former(self, &msg->hello.worker);
    worker = dispatch_hello(self, &msg->hello);
    self->from->has_worker = true;
    self->from->worker = worker->id;
    welcome.welcome.broker = self->context.id;
    welcome.welcome.ping_ms = (uint64_t)self->context.settings->broker_ping_ms;
    welcome.welcome.lease_ms = (uint64_t)self->context.settings->broker_lease_ms;
    peers_send(&self->peers, self->from->id, &welcome);
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
    lease_t lost = {
        .job = adoption->job, .attempt = adoption->attempt, .worker = adoption->worker};

    if (outcome->err) {
        log_warn("job.adopt", "err=%s", tm_err_name(outcome->err));
        dispatch_release(self, &adoption->worker);
    } else if (PQntuples(outcome->results[0]) == 0) {
        dispatch_drop(self, &lost, TM_LEASE_LOST);
        dispatch_release(self, &adoption->worker);
    } else {
        const PGresult *row = outcome->results[0];
        const char *queue = pg_get(row, 0, 2);
        struct tm_job job = {.job = adoption->job,
                             .attempt = adoption->attempt,
                             .workspace = pg_get_uuid(row, 0, 3),
                             .timeout_ms = (uint64_t)pg_get_i64(row, 0, 4)};
        dispatch_adopted(self, dispatch_queue(self, queue, strlen(queue)), &job,
                         &adoption->worker);
    }
    free(adoption);
}

/* This attempt is another worker's: what its sender says of it does not count. */
static bool
is_anothers(broker_t *self, const tm_uuid_t *job, uint64_t attempt)
{
    const lease_t *lease = dispatch_lease(self, job);
    lease_t claimed;

    if (!lease || lease->attempt != attempt || tm_uuid_is(&lease->worker, &self->from->worker))
        return false;
    claimed = *lease;
    claimed.worker = self->from->worker;
    dispatch_drop(self, &claimed, TM_LEASE_LOST);
    return true;
}

/* What the worker holds takes a place of its credit at once, though whose it is the table says.
 */
static tm_err_t
on_holding(void *state, void *peer, const tm_msg_t *msg)
{
    broker_t *self = state;
    worker_t *worker = known_worker(self);
    pg_array_t *ids, *attempts;
    pg_unit_t *unit;
    adoption_t *adoption;
    lease_t *lease;

    (void)peer;
    if (!worker)
        return TM_NOT_FOUND;
    if (is_anothers(self, &msg->holding.job, msg->holding.attempt))
        return TM_OK;
    lease = dispatch_lease(self, &msg->holding.job);
    if (lease) {
        if (lease->attempt == msg->holding.attempt)
            lease->confirm_ms = 0;
        return TM_OK;
    }
    worker->used++;
    adoption = zmalloc(sizeof(*adoption));
    *adoption = (adoption_t){self, msg->holding.job, self->from->worker,
                             (uint32_t)msg->holding.attempt};
    ids = pg_array_new(PG_UUID);
    attempts = pg_array_new(PG_INT4);
    pg_array_bytes(ids, msg->holding.job.bytes, 16);
    pg_array_i64(attempts, (int64_t)msg->holding.attempt);
    unit = pg_unit_new(self->context.pg);
    pg_add(unit, STMT_ADOPT);
    pg_array(unit, &ids);
    pg_array(unit, &attempts);
    pg_uuid(unit, &self->context.id);
    pg_uuid(unit, &self->from->worker);
    pg_send(&unit, on_adopted, adoption);
    return TM_OK;
}

/* Credit comes back at once; the lease stays until the commit. */
lease_t *
broker_end_lease(broker_t *self, const tm_uuid_t *job, uint64_t attempt)
{
    lease_t *lease = dispatch_lease(self, job);

    if (!lease || lease->attempt != attempt || lease->is_ending ||
        !tm_uuid_is(&lease->worker, &self->from->worker))
        return NULL;
    lease->is_ending = true;
    dispatch_release(self, &lease->worker);
    return lease;
}

/* Without a lease (this broker has just started, or the worker says so again) watchers are told
 * what the table says. */
static void
settled_by_worker(broker_t *self, const tm_msg_t *msg, lease_t *lease)
{
    tm_msg_t settled = {.type = TM_MSG_SETTLED};

    settled.settled.job = msg->done.job;
    settled.settled.attempt = msg->done.attempt;
    peers_send(&self->peers, self->from->id, &settled);
    if (lease) {
        dispatch_end(self, lease);
        subscriptions_result(self, &msg->done.job, "done", NULL, NULL, msg->body);
        meters_add(self->context.metrics, METRIC_JOBS_ENDED, "done", 1);
    } else if (subscriptions_has(self, &msg->done.job)) {
        store_lookup_state(self, &msg->done.job, 0, 0);
    }
}

/* Once more would be as large. */
static void
refuse_result(broker_t *self, const struct tm_done *done)
{
    completion_t like = {.job = done->job,
                         .attempt = (uint32_t)done->attempt,
                         .worker = self->from->worker,
                         .peer = self->from->id,
                         .counts = true};

    broker_end_lease(self, &done->job, done->attempt);
    store_fail(self, &like, tm_str(tm_err_name(TM_TOO_LARGE)),
               tm_str("the result is larger than broker.max_body_kb allows"));
}

static tm_err_t
on_done(void *state, void *peer, const tm_msg_t *msg)
{
    broker_t *self = state;
    bool is_known = known_worker(self) != NULL, counts;
    lease_t *lease;

    (void)peer;
    counts = is_known && !is_anothers(self, &msg->done.job, msg->done.attempt);
    if (msg->done.followers > 0)
        child_jobs_begin(self, &msg->done, msg->body, counts);
    if (!is_known)
        return TM_NOT_FOUND; /* it says HELLO and sends it again */
    if (!counts || msg->done.followers > 0)
        return TM_OK;
    if (!context_takes_body(&self->context, msg->body)) {
        refuse_result(self, &msg->done);
        return TM_OK;
    }
    lease = broker_end_lease(self, &msg->done.job, msg->done.attempt);
    if (msg->done.settled)
        settled_by_worker(self, msg, lease);
    else
        store_done(self, &msg->done, &self->from->worker, msg->body);
    return TM_OK;
}

static tm_err_t
on_fail(void *state, void *peer, const tm_msg_t *msg)
{
    broker_t *self = state;
    const struct tm_fail *fail = &msg->fail;
    bool is_handed_back = tm_str_is(fail->code, tm_err_name(TM_BUSY)) ||
                          tm_str_is(fail->code, tm_err_name(TM_DRAINING));

    (void)peer;
    if (!known_worker(self))
        return TM_NOT_FOUND;
    if (is_anothers(self, &fail->job, fail->attempt))
        return TM_OK;
    completion_t like = {.job = fail->job,
                         .attempt = (uint32_t)fail->attempt,
                         .worker = self->from->worker,
                         .peer = self->from->id,
                         .retryable = fail->retryable || is_handed_back,
                         .counts = !is_handed_back};
    broker_end_lease(self, &fail->job, fail->attempt);
    store_fail(self, &like, fail->code, fail->detail);
    return TM_OK;
}

static tm_err_t
on_progress(void *state, void *peer, const tm_msg_t *msg)
{
    broker_t *self = state;
    lease_t *lease = dispatch_lease(self, &msg->progress.job);

    (void)peer;
    if (lease && lease->attempt == msg->progress.attempt && self->from->has_worker &&
        tm_uuid_is(&lease->worker, &self->from->worker)) {
        lease->confirm_ms = 0;
        subscriptions_progress(self, msg);
    }
    return TM_OK;
}

static tm_err_t
on_credit(void *state, void *peer, const tm_msg_t *msg)
{
    worker_t *worker = known_worker(state);

    (void)peer;
    if (!worker)
        return TM_NOT_FOUND;
    worker->credit = msg->credit.credit;
    return TM_OK;
}

static tm_err_t
on_bye(void *state, void *peer, const tm_msg_t *msg)
{
    worker_t *worker = known_worker(state);

    (void)peer;
    (void)msg;
    if (!worker)
        return TM_NOT_FOUND;
    worker->is_leaving = true;
    return TM_OK;
}

static tm_err_t
on_ping(void *state, void *peer, const tm_msg_t *msg)
{
    broker_t *self = state;
    tm_msg_t pong = {.type = TM_MSG_PONG};

    (void)peer;
    pong.pong.seq = msg->ping.seq;
    pong.pong.broker = self->context.id;
    pong.pong.has_broker = true;
    peers_send(&self->peers, self->from->id, &pong);
    return TM_OK;
}

static tm_err_t
on_metrics(void *state, void *peer, const tm_msg_t *msg)
{
    (void)peer;
    broker_t *self = state;

    metrics_relay_pass(&self->relay, self->from->id, msg);
    return TM_OK;
}

static tm_err_t
on_pong(void *state, void *peer, const tm_msg_t *msg)
{
    broker_t *self = state;

    (void)peer;
    peers_on_pong(&self->peers, self->from, &msg->pong);
    return TM_OK;
}

static uint64_t
ref_of(const tm_msg_t *msg)
{
    tm_msg_type_t type = msg ? msg->type : TM_MSG_NONE;

    if (type == TM_MSG_SUBMIT)
        return msg->submit.ref;
    if (type == TM_MSG_STATUS)
        return msg->status.ref;
    if (type == TM_MSG_SUBSCRIBE)
        return msg->subscribe.ref;
    if (type == TM_MSG_CANCEL)
        return msg->cancel.ref;
    return type == TM_MSG_PUT ? msg->put.ref : 0;
}

static tm_str_t
trace_of(const tm_msg_t *msg)
{
    if (msg && msg->type == TM_MSG_SUBMIT)
        return msg->submit.traceparent;
    if (msg && msg->type == TM_MSG_CALL)
        return msg->call.traceparent;
    return tm_str("");
}

static void
refuse(void *state, void *peer, const tm_msg_t *msg, tm_err_t err, const char *what)
{
    broker_t *self = state;

    context_log_trace(trace_of(msg));
    log_info("message.refused", "err=%s what=\"%s\"", tm_err_name(err), what ? what : "");
    log_trace(NULL);
    if (peer)
        peers_reject(&self->peers, self->from->id, ref_of(msg), err, what, 0);
}

static tm_err_t
admit(void *state, const tm_msg_t *msg, const char **ret_what)
{
    broker_t *self = state;

    return security_admit(self->security, self->from, msg, self->spawn != NULL, ret_what);
}

const tm_actor_type_t *
broker_type(void)
{
    static const tm_actor_type_t type = {
        .name = "broker",
        .on = {[TM_MSG_SUBMIT] = on_submit,
               [TM_MSG_STATUS] = on_status,
               [TM_MSG_SUBSCRIBE] = on_subscribe,
               [TM_MSG_CANCEL] = on_cancel,
               [TM_MSG_CALL] = on_call,
               [TM_MSG_RETURN] = on_return,
               [TM_MSG_ERROR] = on_error,
               [TM_MSG_PUT] = on_put,
               [TM_MSG_HELLO] = on_hello,
               [TM_MSG_HOLDING] = on_holding,
               [TM_MSG_DONE] = on_done,
               [TM_MSG_FAIL] = on_fail,
               [TM_MSG_PROGRESS] = on_progress,
               [TM_MSG_CREDIT] = on_credit,
               [TM_MSG_BYE] = on_bye,
               [TM_MSG_PING] = on_ping,
               [TM_MSG_PONG] = on_pong,
               [TM_MSG_METRICS] = on_metrics},
        .admit = admit,
        .refuse = refuse,
    };
    return &type;
}
