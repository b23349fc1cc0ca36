#include "broker/jobs/child_jobs.h"

#include <string.h>

struct spawn {
    child_jobs_t *owner;
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

static void
destroy_spawn(spawn_t **self_p)
{
    spawn_t *self = *self_p;
    submit_t *submit;

    if (!self)
        return;
    while ((submit = fifo_take(&self->jobs)))
        submit_destroy(self->owner->submits, &submit);
    zframe_destroy(&self->result);
    free(self);
    *self_p = NULL;
}

void
child_jobs_begin(child_jobs_t *self, const peer_t *from, const tm_msg_t *msg, bool counts)
{
    spawn_t *spawn = zmalloc(sizeof(*spawn));

    *spawn = (spawn_t){.owner = self,
                       .peer = from->id,
                       .job = msg->done.job,
                       .worker = from->worker,
                       .attempt = msg->done.attempt,
                       .is_join = msg->done.join,
                       .is_void = !counts,
                       .expected = (size_t)msg->done.followers,
                       .result = zframe_new(msg->body.data, msg->body.size)};
    if (!context_takes_body(self->context, msg->body))
        snprintf(spawn->wrong, sizeof(spawn->wrong),
                 "the result is larger than broker.max_body_kb allows");
    self->reading = spawn;
}

static void
settle_spawn(const spawn_t *spawn)
{
    child_jobs_t *self = spawn->owner;
    lease_t *lease = leases_find(self->dispatch->leases, &spawn->job);
    tm_msg_t msg = {.type = TM_MSG_SETTLED,
                    .settled = {.job = spawn->job, .attempt = spawn->attempt}};

    if (lease && lease->attempt == spawn->attempt)
        dispatch_end(self->dispatch, lease);
    peers_send(self->peers, spawn->peer, &msg);
    lookup_for_subscribers(self->lookup, &spawn->job);
}

/* The worker's own fault: trying again would change nothing. */
static void
fail_spawn(const spawn_t *spawn, tm_err_t err, const char *detail)
{
    completion_t like = {.job = spawn->job,
                         .attempt = (uint32_t)spawn->attempt,
                         .worker = spawn->worker,
                         .peer = spawn->peer,
                         .counts = true};

    completions_fail(spawn->owner->completions, &like, tm_str(tm_err_name(err)),
                     tm_str(detail));
}

/* The answer was lost, so that the jobs may be written or not. The worker says it again; if it
 * has gone, its lease is lost: where the jobs were written, the attempt has ended and that
 * changes nothing. */
static void
take_up_again(const spawn_t *spawn)
{
    dispatch_t *dispatch = spawn->owner->dispatch;
    lease_t *lease = leases_find(dispatch->leases, &spawn->job);
    worker_t *worker = workers_find(dispatch->workers, &spawn->worker);

    if (!lease || lease->attempt != spawn->attempt || lease->state != LEASE_ENDING)
        return;
    if (!worker) {
        dispatch_lose(dispatch, lease);
        return;
    }
    lease_set_state(lease, LEASE_RUNNING);
    worker->used++;
}

static void
on_spawned(void *arg, const struct pg_outcome *outcome)
{
    spawn_t *spawn = arg;
    child_jobs_t *self = spawn->owner;

    if (outcome->err == TM_STORE_DOWN || outcome->err == TM_BUSY) {
        take_up_again(spawn);
        destroy_spawn(&spawn);
        return;
    }
    if (outcome->err) {
        fail_spawn(spawn, outcome->err == TM_INTERNAL ? TM_BAD_REQUEST : outcome->err,
                   outcome->err == TM_INTERNAL ? "the database refused a job that was to follow"
                                               : outcome->message);
    } else {
        meters_add(self->context->metrics, METRIC_JOBS_ENDED,
                   spawn->is_join ? "waiting" : "done", 1);
        settle_spawn(spawn);
        for (submit_t *s = fifo_first(&spawn->jobs); s; s = fifo_next(s)) {
            queue_t *queue = submit_queue(self->submits, s);
            queue->needs_scan = true;
            controls_tell_ready(self->controls, queue);
        }
    }
    destroy_spawn(&spawn);
}

static void
send_spawn(spawn_t *spawn)
{
    child_jobs_t *self = spawn->owner;
    pg_unit_t *unit = pg_unit_new(self->context->pg);

    pg_add(unit, spawn->is_join ? STMT_SPAWN : STMT_FOLLOW);
    submits_add_jobs(self->submits, unit, &spawn->jobs);
    pg_uuid(unit, &spawn->job);
    pg_i64(unit, (int64_t)spawn->attempt);
    pg_uuid(unit, &spawn->worker);
    if (!spawn->is_join)
        pg_bytes(unit, zframe_data(spawn->result), zframe_size(spawn->result));
    pg_send(&unit, on_spawned, spawn);
}

static void
end_reading(child_jobs_t *self, spawn_t *spawn)
{
    lease_t *lease = leases_find(self->dispatch->leases, &spawn->job);

    if (spawn->is_void ||
        (lease && lease->attempt == spawn->attempt && lease->state == LEASE_ENDING))
        destroy_spawn(&spawn); /* the latter: said twice, or just taken back */
    else if (spawn->wrong[0]) {
        fail_spawn(spawn, TM_BAD_REQUEST, spawn->wrong);
        dispatch_begin_end(self->dispatch, &spawn->job, spawn->attempt, &spawn->worker);
        destroy_spawn(&spawn);
    } else {
        dispatch_begin_end(self->dispatch, &spawn->job, spawn->attempt, &spawn->worker);
        send_spawn(spawn);
    }
}

void
child_jobs_add(child_jobs_t *self, const tm_msg_t *msg)
{
    spawn_t *spawn = self->reading;
    const char *detail = NULL;
    tm_err_t err = intake_check(self->context, &msg->submit, msg->body, &detail);
    submit_t *submit = submit_new(self->submits, 0, msg);

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
    self->reading = NULL;
    end_reading(self, spawn);
}

void
child_jobs_end_of_message(child_jobs_t *self)
{
    if (!self->reading)
        return;
    peers_reject(self->peers, self->reading->peer, 0, TM_BAD_MESSAGE,
                 "fewer SUBMIT pairs stand behind DONE than its followers say", 0);
    destroy_spawn(&self->reading);
}
