#include "broker/queue/workers.h"

#include <string.h>

#include "broker/base/texts.h"

static void
destroy_worker(void *item)
{
    worker_t *worker = item;

    zlistx_destroy(&worker->queues);
    free(worker);
}

void
workers_init(workers_t *self)
{
    self->by_id = uuid_map_new(offsetof(worker_t, id));
}

void
workers_fini(workers_t *self)
{
    uuid_map_end(&self->by_id, destroy_worker);
}

worker_t *
workers_find(const workers_t *self, const tm_uuid_t *id)
{
    return uuid_map_get(self->by_id, id);
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
join_queue(worker_t *worker, queue_t *queue)
{
    zlistx_add_end(queue->workers, worker);
    zlistx_add_end(worker->queues, queue);
    queue->needs_scan = true;
    if (worker->is_exclusive && queue->ownership == QUEUE_SHARED)
        queue_set_ownership(queue, QUEUE_UNOWNED);
}

static void
join_queues(workers_t *self, worker_t *worker, tm_str_t names)
{
    tm_str_t name;

    while (texts_cut_name(&names, &name))
        if (queues_may_name(self->queues, name))
            join_queue(worker, queues_get(self->queues, name.data, name.size));
}

worker_t *
workers_hello(workers_t *self, const peer_t *from, const struct tm_hello *hello)
{
    worker_t *worker = workers_find(self, &hello->worker);

    if (!worker) {
        worker = zmalloc(sizeof(*worker));
        worker->id = hello->worker;
        memcpy(worker->key, from->key, sizeof(worker->key));
        worker->queues = zlistx_new();
        uuid_map_put(self->by_id, worker);
    }
    memcpy(worker->actor, hello->actor.data, hello->actor.size);
    worker->actor[hello->actor.size] = '\0';
    memcpy(worker->software, hello->software.data, hello->software.size);
    worker->software[hello->software.size] = '\0';
    worker->credit = hello->credit;
    worker->is_exclusive = hello->exclusive;
    worker->is_leaving = false;
    worker->peer = from->id;
    leave_queues(worker);
    join_queues(self, worker, hello->queues);
    return worker;
}

void
workers_forget(workers_t *self, worker_t *worker)
{
    leave_queues(worker);
    uuid_map_remove(self->by_id, &worker->id);
    destroy_worker(worker);
}

static uint64_t
free_credit(const worker_t *worker)
{
    return worker->is_leaving || worker->used >= worker->credit ? 0
                                                                : worker->credit - worker->used;
}

uint64_t
workers_free_credit(queue_t *queue)
{
    uint64_t sum = 0;

    for (worker_t *w = zlistx_first(queue->workers); w; w = zlistx_next(queue->workers))
        sum += queue_serves(queue, &w->id) ? free_credit(w) : 0;
    return sum;
}

/* Takes the first worker with credit and moves it to the end: work goes round. */
bool
workers_reserve(queue_t *queue, tm_uuid_t *ret_worker)
{
    for (worker_t *w = zlistx_first(queue->workers); w; w = zlistx_next(queue->workers)) {
        if (!free_credit(w) || !queue_serves(queue, &w->id))
            continue;
        w->used++;
        *ret_worker = w->id;
        zlistx_move_end(queue->workers, zlistx_cursor(queue->workers));
        return true;
    }
    return false;
}

void
workers_release(workers_t *self, const tm_uuid_t *id)
{
    worker_t *worker = workers_find(self, id);

    if (worker && worker->used > 0)
        worker->used--;
}
