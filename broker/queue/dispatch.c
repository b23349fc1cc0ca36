#include "broker/queue/dispatch.h"

/* What it was sent before may not have arrived, or it has given it up. HOLDING names what it
 * has; the rest goes back to the queue soon. */
static void
doubt_leases(dispatch_t *self, const worker_t *worker)
{
    int64_t due_ms = self->context->now_ms + 2 * self->context->settings->broker_ping_ms;
    lease_t *lease;

    for (size_t at = 0; (lease = uuid_map_next(self->leases, &at));) {
        if (lease->state > LEASE_UNCONFIRMED || !tm_uuid_is(&lease->worker, &worker->id))
            continue;
        lease_set_state(lease, LEASE_UNCONFIRMED);
        lease->due_ms = due_ms;
    }
}

worker_t *
dispatch_hello(dispatch_t *self, const peer_t *from, const struct tm_hello *hello)
{
    worker_t *worker = workers_hello(self->workers, from, hello);

    doubt_leases(self, worker);
    return worker;
}

/* The attempt before it, if the table has given the job away again, is forgotten. */
static void
add_lease(dispatch_t *self, queue_t *queue, const struct tm_job *job, const tm_uuid_t *worker)
{
    lease_t *lease = leases_find(self->leases, &job->job);

    if (!lease) {
        lease = zmalloc(sizeof(*lease));
        lease->job = job->job;
        uuid_map_put(self->leases, lease);
    } else {
        lease->queue->leases--;
        fair_queue_give(&lease->queue->fair, &lease->workspace, 1);
    }
    *lease = (lease_t){.job = job->job,
                       .attempt = (uint32_t)job->attempt,
                       .worker = *worker,
                       .workspace = job->workspace,
                       .queue = queue,
                       .state = LEASE_RUNNING,
                       .deadline_ms = job->timeout_ms
                                          ? self->context->now_ms + (int64_t)job->timeout_ms
                                          : INT64_MAX};
    queue->leases++;
    fair_queue_take(&queue->fair, &lease->workspace, 1);
}

void
dispatch_start(dispatch_t *self, queue_t *queue, const struct tm_job *job, tm_str_t body,
               const tm_uuid_t *worker_id)
{
    tm_msg_t msg = {.type = TM_MSG_JOB, .job = *job, .body = body};
    worker_t *worker = workers_find(self->workers, worker_id);
    lease_t *lease;

    add_lease(self, queue, job, worker_id);
    if (worker) {
        peers_send(self->peers, worker->peer, &msg);
        return;
    }
    /* it went away between the reservation and the commit, and never saw the job */
    lease = leases_find(self->leases, &job->job);
    lease_set_state(lease, LEASE_ENDING);
    self->on_lost(self->lost_arg, lease, TM_WORKER_LOST,
                  "the worker left before it got the job", false, false);
}

void
dispatch_adopt(dispatch_t *self, queue_t *queue, const struct tm_job *job,
               const tm_uuid_t *worker_id)
{
    if (leases_find(self->leases, &job->job))
        workers_release(self->workers, worker_id); /* said twice */
    else
        add_lease(self, queue, job, worker_id);
}

lease_t *
dispatch_begin_end(dispatch_t *self, const tm_uuid_t *job, uint64_t attempt,
                   const tm_uuid_t *worker)
{
    lease_t *lease = leases_held_by(self->leases, job, attempt, worker);

    if (!lease || lease->state == LEASE_ENDING)
        return NULL;
    lease_set_state(lease, LEASE_ENDING);
    workers_release(self->workers, &lease->worker);
    return lease;
}

void
dispatch_end(dispatch_t *self, lease_t *lease)
{
    queue_t *queue = lease->queue;

    fair_queue_give(&queue->fair, &lease->workspace, 1);
    if (queue->fair.limit && !self->sole_broker->since_us) /* it may have a place free */
        fair_queue_add(&queue->fair, &lease->workspace, LOW_UNKNOWN, true);
    queue->leases--;
    uuid_map_remove(self->leases, &lease->job);
    free(lease);
}

void
dispatch_drop(dispatch_t *self, const tm_uuid_t *worker_id, const tm_uuid_t *job,
              uint32_t attempt, tm_err_t code)
{
    worker_t *worker = workers_find(self->workers, worker_id);
    tm_msg_t msg = {.type = TM_MSG_DROP,
                    .drop = {.job = *job,
                             .attempt = attempt,
                             .code = tm_str(tm_err_name(code)),
                             .has_code = true}};

    if (worker)
        peers_send(self->peers, worker->peer, &msg);
}

void
dispatch_take_back(dispatch_t *self, lease_t *lease, tm_err_t code, const char *detail,
                   bool counts, const char *cause)
{
    lease_set_state(lease, LEASE_ENDING);
    self->on_lost(self->lost_arg, lease, code, detail, counts, false);
    dispatch_drop(self, &lease->worker, &lease->job, lease->attempt, code);
    workers_release(self->workers, &lease->worker);
    meters_add(self->context->metrics, METRIC_LEASES_LOST, cause, 1);
}

void
dispatch_lose(dispatch_t *self, lease_t *lease)
{
    lease_set_state(lease, LEASE_ENDING);
    self->on_lost(self->lost_arg, lease, TM_WORKER_LOST,
                  "the worker that ran the job went away", true, true);
}

void
dispatch_worker_lost(dispatch_t *self, worker_t *worker, const char *cause)
{
    char text[TM_UUID_TEXT];
    unsigned lost = 0;
    lease_t *lease;

    for (size_t at = 0; (lease = uuid_map_next(self->leases, &at));) {
        if (lease->state == LEASE_ENDING || !tm_uuid_is(&lease->worker, &worker->id))
            continue;
        dispatch_lose(self, lease);
        lost++;
    }
    meters_add(self->context->metrics, METRIC_LEASES_LOST, cause, lost);
    log_info("worker.gone", "worker=%s actor=%s cause=%s leases=%u",
             tm_uuid_text(&worker->id, text), worker->actor, cause, lost);
    workers_forget(self->workers, worker);
}
