#include "broker/store/batch.h"

#include <string.h>

/* A DONE with jobs behind it: they stand in the same message, and commit with it or not at all.
 * Either the job has ended and these follow it, or they are its children: then it waits for
 * them and runs once more, as their join. Its own unit: few jobs end so, and none holds up the
 * rest. */

struct child_jobs {
    broker_t *broker;
    peer_id_t peer;
    tm_uuid_t job, worker;
    uint64_t attempt;
    bool is_join;
    bool is_void; /* its DONE counts for nothing, and so do the jobs behind it */
    size_t expected;
    fifo_t jobs; /* of submit_t */
    zframe_t *result;
    char wrong[TM_DETAIL_MAX]; /* what is wrong with one of them; empty: nothing */
};

void
child_jobs_destroy(child_jobs_t **self_p)
{
    child_jobs_t *self = *self_p;
    submit_t *submit;

    if (!self)
        return;
    while ((submit = fifo_take(&self->jobs)))
        submit_destroy(self->broker, &submit);
    zframe_destroy(&self->result);
    free(self);
    *self_p = NULL;
}

void
child_jobs_begin(broker_t *self, const struct tm_done *done, tm_str_t body, bool counts)
{
    child_jobs_t *spawn = zmalloc(sizeof(*spawn));

    spawn->broker = self;
    spawn->peer = self->from->id;
    spawn->job = done->job;
    spawn->worker = self->from->worker;
    spawn->attempt = done->attempt;
    spawn->is_join = done->join;
    spawn->is_void = !counts;
    spawn->expected = (size_t)done->followers;
    if (!context_takes_body(&self->context, body))
        snprintf(spawn->wrong, sizeof(spawn->wrong),
                 "the result is larger than broker.max_body_kb allows");
    spawn->result = zframe_new(body.data, body.size);
    self->spawn = spawn;
}

static void
settle(const child_jobs_t *spawn)
{
    broker_t *self = spawn->broker;
    lease_t *lease = dispatch_lease(self, &spawn->job);
    tm_msg_t msg = {.type = TM_MSG_SETTLED,
                    .settled = {.job = spawn->job, .attempt = spawn->attempt}};

    if (lease && lease->attempt == spawn->attempt)
        dispatch_end(self, lease);
    peers_send(&self->peers, spawn->peer, &msg);
    if (subscriptions_has(self, &spawn->job))
        store_lookup_state(self, &spawn->job, 0, 0);
}

/* The worker's own fault: trying again would change nothing. */
static void
fail(const child_jobs_t *spawn, tm_err_t err, const char *detail)
{
    completion_t like = {.job = spawn->job,
                         .attempt = (uint32_t)spawn->attempt,
                         .worker = spawn->worker,
                         .peer = spawn->peer,
                         .counts = true};

    store_fail(spawn->broker, &like, tm_str(tm_err_name(err)), tm_str(detail));
}

/* Nobody knows whether it was written. The worker says it again; if it has gone, its lease is
 * lost as any other, and means nothing if it was. */
static void
take_up_again(const child_jobs_t *spawn)
{
    lease_t *lease = dispatch_lease(spawn->broker, &spawn->job);
    worker_t *worker = dispatch_worker(spawn->broker, &spawn->worker);
    completion_t lost = {.job = spawn->job,
                         .attempt = (uint32_t)spawn->attempt,
                         .worker = spawn->worker,
                         .retryable = true,
                         .counts = true,
                         .crash = true};

    if (!lease || lease->attempt != spawn->attempt)
        return;
    if (!worker) {
        store_fail(spawn->broker, &lost, tm_str(tm_err_name(TM_WORKER_LOST)),
                   tm_str("the worker that ran the job went away"));
        return;
    }
    lease->is_ending = false;
    worker->used++;
}

static void
on_spawned(void *arg, const struct pg_outcome *outcome)
{
    child_jobs_t *spawn = arg;
    broker_t *self = spawn->broker;

    if (outcome->err == TM_STORE_DOWN || outcome->err == TM_BUSY) {
        take_up_again(spawn);
        child_jobs_destroy(&spawn);
        return;
    }
    if (outcome->err) {
        fail(spawn, outcome->err == TM_INTERNAL ? TM_BAD_REQUEST : outcome->err,
             outcome->err == TM_INTERNAL ? "the database refused a job that was to follow"
                                         : outcome->message);
    } else {
        meters_add(self->context.metrics, METRIC_JOBS_ENDED,
                   spawn->is_join ? "waiting" : "done", 1);
        settle(spawn);
        for (submit_t *s = fifo_first(&spawn->jobs); s; s = fifo_next(s)) {
            queue_t *queue = dispatch_queue(self, s->fields.queue.data, s->fields.queue.size);
            queue->needs_scan = true;
            controls_tell_ready(self, queue);
        }
    }
    child_jobs_destroy(&spawn);
}

static void
send_spawn(child_jobs_t *spawn)
{
    broker_t *self = spawn->broker;
    pg_unit_t *unit = pg_unit_new(self->context.pg);

    pg_add(unit, spawn->is_join ? STMT_SPAWN : STMT_FOLLOW);
    submits_add_jobs(self, unit, &spawn->jobs);
    pg_uuid(unit, &spawn->job);
    pg_i64(unit, (int64_t)spawn->attempt);
    pg_uuid(unit, &spawn->worker);
    if (!spawn->is_join)
        pg_bytes(unit, zframe_data(spawn->result), zframe_size(spawn->result));
    pg_send(&unit, on_spawned, spawn);
}

static void
finish(broker_t *self, child_jobs_t *spawn)
{
    lease_t *lease = dispatch_lease(self, &spawn->job);

    if (spawn->is_void || (lease && lease->attempt == spawn->attempt && lease->is_ending))
        child_jobs_destroy(&spawn); /* the latter: said twice, or just taken back */
    else if (spawn->wrong[0]) {
        fail(spawn, TM_BAD_REQUEST, spawn->wrong);
        broker_end_lease(self, &spawn->job, spawn->attempt);
        child_jobs_destroy(&spawn);
    } else {
        broker_end_lease(self, &spawn->job, spawn->attempt);
        send_spawn(spawn);
    }
}

void
child_jobs_add(broker_t *self, const tm_msg_t *msg)
{
    child_jobs_t *spawn = self->spawn;
    const char *detail = NULL;
    tm_err_t err = intake_check(self, &msg->submit, msg->body, &detail);
    submit_t *submit = submit_new(self, 0, msg);

    if (!submit)
        abort();
    if (msg->submit.has_key && !err) {
        err = TM_BAD_REQUEST;
        detail = "key: a job that follows another has none";
    }
    if (err && !spawn->wrong[0])
        snprintf(spawn->wrong, sizeof(spawn->wrong), "follower %zu: %s", spawn->jobs.count + 1,
                 detail ? detail : tm_err_text(err));
    fifo_add(&spawn->jobs, submit);
    if (spawn->jobs.count < spawn->expected)
        return;
    self->spawn = NULL;
    finish(self, spawn);
}

void
child_jobs_end_of_message(broker_t *self)
{
    if (!self->spawn)
        return;
    peers_reject(&self->peers, self->spawn->peer, 0, TM_BAD_MESSAGE,
                 "fewer SUBMIT pairs stand behind DONE than its followers say", 0);
    child_jobs_destroy(&self->spawn);
}
