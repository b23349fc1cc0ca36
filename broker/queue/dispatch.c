#include "broker/core.h"

#include <string.h>

enum { QUEUES_MAX = 10000 };

void
queue_destroy(queue_t **self_p)
{
    line_t *line;

    if (!*self_p)
        return;
    zlistx_destroy(&(*self_p)->workers);
    for (size_t at = 0; (line = uuid_map_next((*self_p)->lines, &at));)
        free(line);
    limits_fini(*self_p);
    zlistx_destroy(&(*self_p)->turns);
    uuid_map_destroy(&(*self_p)->lines);
    free(*self_p);
    *self_p = NULL;
}

void
worker_destroy(worker_t **self_p)
{
    if (!*self_p)
        return;
    zlistx_destroy(&(*self_p)->queues);
    free(*self_p);
    *self_p = NULL;
}

static queue_t *
find_queue(broker_t *self, const char *name, size_t size, char key[TM_NAME_MAX + 1])
{
    size = size > TM_NAME_MAX ? TM_NAME_MAX : size;
    memcpy(key, name, size);
    key[size] = '\0';
    return zhashx_lookup(self->queues, key);
}

bool
dispatch_may_name(broker_t *self, tm_str_t name)
{
    char key[TM_NAME_MAX + 1];

    return zhashx_size(self->queues) < QUEUES_MAX ||
           find_queue(self, name.data, name.size, key) != NULL;
}

static bool
is_forgotten(const queue_t *queue)
{
    return zlistx_size(queue->workers) == 0 && queue->leases == 0 && queue->depth == 0 &&
           uuid_map_size(queue->lines) + uuid_map_size(queue->shares) == 0 &&
           !queue->is_claiming && !queue->is_scanning && !queue->is_paused &&
           !queue->workspace_limit && !queue->is_exclusive;
}

void
dispatch_forget_queues(broker_t *self)
{
    zlistx_t *names = zhashx_keys(self->queues);

    for (const char *name = zlistx_first(names); name; name = zlistx_next(names)) {
        const queue_t *queue = zhashx_lookup(self->queues, name);
        if (queue && is_forgotten(queue))
            zhashx_delete(self->queues, name);
    }
    zlistx_destroy(&names);
}

queue_t *
dispatch_queue(broker_t *self, const char *name, size_t size)
{
    char key[TM_NAME_MAX + 1];
    queue_t *queue = find_queue(self, name, size, key);

    if (queue)
        return queue;
    queue = zmalloc(sizeof(*queue));
    memcpy(queue->name, key, sizeof(key));
    queue->workers = zlistx_new();
    queue->lines = uuid_map_new(offsetof(line_t, workspace));
    queue->turns = zlistx_new();
    queue->shares = uuid_map_new(limits_id_at());
    queue->max_depth = self->context.settings->broker_max_depth;
    queue->needs_scan = true; /* who knows what is there */
    zhashx_insert(self->queues, queue->name, queue);
    return queue;
}

worker_t *
dispatch_worker(broker_t *self, const tm_uuid_t *id)
{
    return uuid_map_get(self->workers, id);
}

static void
leave_queues(worker_t *worker)
{
    queue_t *queue;

    while ((queue = zlistx_detach(worker->queues, NULL))) {
        for (worker_t *w = zlistx_first(queue->workers); w; w = zlistx_next(queue->workers)) {
            if (w != worker)
                continue;
            zlistx_delete(queue->workers, zlistx_cursor(queue->workers));
            break;
        }
    }
}

static void
join_queues(broker_t *self, worker_t *worker, tm_str_t names)
{
    const char *at = names.data;
    const char *end = names.data + names.size;

    while (at < end) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *stop = comma ? comma : end;
        if (stop > at && dispatch_may_name(self, (tm_str_t){at, (size_t)(stop - at)})) {
            queue_t *queue = dispatch_queue(self, at, (size_t)(stop - at));
            zlistx_add_end(queue->workers, worker);
            queue->is_exclusive |= worker->is_exclusive;
            zlistx_add_end(worker->queues, queue);
            queue->needs_scan = true;
        }
        at = stop + 1;
    }
}

/* What it was sent before may not have arrived, or it has given it up. HOLDING names what it
 * has; the rest goes back to the queue soon. */
static void
doubt_leases(broker_t *self, const worker_t *worker)
{
    lease_t *lease;

    for (size_t at = 0; (lease = uuid_map_next(self->leases, &at));)
        if (!lease->is_ending && tm_uuid_is(&lease->worker, &worker->id))
            lease->confirm_ms =
                self->context.now_ms + 2 * self->context.settings->broker_ping_ms;
}

worker_t *
dispatch_hello(broker_t *self, const struct tm_hello *hello)
{
    worker_t *worker = dispatch_worker(self, &hello->worker);

    if (!worker) {
        worker = zmalloc(sizeof(*worker));
        worker->id = hello->worker;
        worker->queues = zlistx_new();
        uuid_map_put(self->workers, worker);
    }
    doubt_leases(self, worker);
    memcpy(worker->actor, hello->actor.data, hello->actor.size);
    worker->actor[hello->actor.size] = '\0';
    memcpy(worker->software, hello->software.data, hello->software.size);
    worker->software[hello->software.size] = '\0';
    worker->credit = hello->credit;
    worker->is_exclusive = hello->exclusive;
    worker->is_leaving = false;
    worker->peer = self->from->id;
    leave_queues(worker);
    join_queues(self, worker, hello->queues);
    calls_hello(self, worker, hello);
    return worker;
}

void
dispatch_forget_worker(broker_t *self, worker_t *worker)
{
    leave_queues(worker);
    calls_forget_server(self, worker, true);
    uuid_map_remove(self->workers, &worker->id);
    worker_destroy(&worker);
}

static uint64_t
free_credit(const worker_t *worker)
{
    return worker->is_leaving || worker->used >= worker->credit ? 0
                                                                : worker->credit - worker->used;
}

uint64_t
dispatch_free_credit(queue_t *queue)
{
    uint64_t sum = 0;

    for (worker_t *w = zlistx_first(queue->workers); w; w = zlistx_next(queue->workers))
        sum += queue_allows(queue, w) ? free_credit(w) : 0;
    return sum;
}

/* Takes the first worker with credit and moves it to the end: work goes round. */
bool
dispatch_reserve(broker_t *self, queue_t *queue, tm_uuid_t *ret_worker)
{
    (void)self;
    for (worker_t *w = zlistx_first(queue->workers); w; w = zlistx_next(queue->workers)) {
        if (!free_credit(w) || !queue_allows(queue, w))
            continue;
        w->used++;
        *ret_worker = w->id;
        zlistx_move_end(queue->workers, zlistx_cursor(queue->workers));
        return true;
    }
    return false;
}

void
dispatch_release(broker_t *self, const tm_uuid_t *id)
{
    worker_t *worker = dispatch_worker(self, id);

    if (worker && worker->used > 0)
        worker->used--;
}

lease_t *
dispatch_lease(broker_t *self, const tm_uuid_t *job)
{
    return uuid_map_get(self->leases, job);
}

static void
add_lease(broker_t *self, queue_t *queue, const struct tm_job *job, const tm_uuid_t *worker)
{
    lease_t *lease = dispatch_lease(self, &job->job);

    if (!lease) {
        lease = zmalloc(sizeof(*lease));
        lease->job = job->job;
        uuid_map_put(self->leases, lease);
    } else {
        lease->queue->leases--;
        limits_give(lease->queue, &lease->workspace, 1);
    }
    lease->attempt = (uint32_t)job->attempt;
    lease->queue = queue;
    queue->leases++;
    lease->worker = *worker;
    lease->workspace = job->workspace;
    limits_take(queue, &lease->workspace, 1);
    lease->is_ending = false;
    lease->confirm_ms = lease->cancel_ms = 0;
    lease->deadline_ms =
        job->timeout_ms ? self->context.now_ms + (int64_t)job->timeout_ms : INT64_MAX;
}

static void
fail_lease(broker_t *self, const lease_t *lease, tm_err_t code, const char *detail, bool counts,
           bool crash)
{
    completion_t like = {.job = lease->job,
                         .attempt = lease->attempt,
                         .worker = lease->worker,
                         .retryable = true,
                         .counts = counts,
                         .crash = crash};

    store_fail(self, &like, tm_str(tm_err_name(code)), tm_str(detail));
}

void
dispatch_start(broker_t *self, queue_t *queue, const struct tm_job *job, tm_str_t body,
               const tm_uuid_t *worker_id)
{
    tm_msg_t msg = {.type = TM_MSG_JOB, .job = *job, .body = body};
    worker_t *worker = dispatch_worker(self, worker_id);

    add_lease(self, queue, job, worker_id);
    if (worker) {
        peers_send(&self->peers, worker->peer, &msg);
        return;
    }
    /* it went away between the reservation and the commit, and never saw the job */
    lease_t *lease = dispatch_lease(self, &job->job);
    lease->is_ending = true;
    fail_lease(self, lease, TM_WORKER_LOST, "the worker left before it got the job", false,
               false);
}

void
dispatch_adopted(broker_t *self, queue_t *queue, const struct tm_job *job,
                 const tm_uuid_t *worker_id)
{
    if (dispatch_lease(self, &job->job))
        dispatch_release(self, worker_id); /* said twice */
    else
        add_lease(self, queue, job, worker_id);
}

void
dispatch_end(broker_t *self, lease_t *lease)
{
    limits_give(lease->queue, &lease->workspace, 1);
    if (lease->queue->workspace_limit &&
        !self->sole_broker_since_us) /* it may have a place free */
        fair_queue_add(lease->queue, &lease->workspace, LOW_UNKNOWN, true);
    lease->queue->leases--;
    uuid_map_remove(self->leases, &lease->job);
    free(lease);
}

void
dispatch_drop(broker_t *self, const lease_t *lease, tm_err_t code)
{
    worker_t *worker = dispatch_worker(self, &lease->worker);
    tm_msg_t msg = {.type = TM_MSG_DROP};

    if (!worker)
        return;
    msg.drop.job = lease->job;
    msg.drop.attempt = lease->attempt;
    msg.drop.code = tm_str(tm_err_name(code));
    msg.drop.has_code = true;
    peers_send(&self->peers, worker->peer, &msg);
}

void
dispatch_worker_lost(broker_t *self, worker_t *worker, const char *cause)
{
    tm_uuid_t id = worker->id;
    char text[TM_UUID_TEXT];
    unsigned lost = 0;
    lease_t *lease;

    for (size_t at = 0; (lease = uuid_map_next(self->leases, &at));) {
        if (lease->is_ending || !tm_uuid_is(&lease->worker, &id))
            continue;
        lease->is_ending = true;
        lost++;
        fail_lease(self, lease, TM_WORKER_LOST, "the worker that ran the job went away", true,
                   true);
    }
    meters_add(self->context.metrics, METRIC_LEASES_LOST, cause, lost);
    log_info("worker.gone", "worker=%s actor=%s cause=%s leases=%u", tm_uuid_text(&id, text),
             worker->actor, cause, lost);
    dispatch_forget_worker(self, worker);
}
