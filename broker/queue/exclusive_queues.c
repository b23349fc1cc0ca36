#include "broker/queue/exclusive_queues.h"

enum { ASK_MS = 200 };

static worker_t *
next_owner(queue_t *queue)
{
    for (worker_t *w = zlistx_first(queue->workers); w; w = zlistx_next(queue->workers))
        if (w->is_exclusive && !w->is_leaving)
            return w;
    return NULL;
}

static void
on_bid(void *arg, const struct pg_outcome *outcome)
{
    queue_t *queue = arg; /* not forgotten while it bids */
    char text[TM_UUID_TEXT];

    if (outcome->err || PQntuples(outcome->results[0]) == 0) {
        queue_set_ownership(queue, QUEUE_UNOWNED);
        return;
    }
    queue_set_ownership(queue, QUEUE_OWNED);
    queue->needs_scan = true;
    log_info("queue.owned", "queue=%s worker=%s", queue->name,
             tm_uuid_text(&queue->owner, text));
}

static void
bid_for_queue(context_t *context, queue_t *queue, const worker_t *worker)
{
    pg_unit_t *unit = pg_unit_new(context->pg);

    queue->owner = worker->id;
    queue->bid_ms = context->now_ms;
    queue_set_ownership(queue, QUEUE_BIDDING);
    pg_add(unit, STMT_OWN);
    pg_text(unit, queue->name);
    pg_uuid(unit, &context->id);
    pg_uuid(unit, &worker->id);
    pg_send(&unit, on_bid, queue);
}

static void
on_given_up(void *arg, const struct pg_outcome *outcome)
{
    (void)arg;
    if (outcome->err)
        log_warn("queue.give_up", "err=%s", tm_err_name(outcome->err));
}

static void
give_up_queue(context_t *context, const queue_t *queue)
{
    pg_unit_t *unit = pg_unit_new(context->pg);

    pg_add(unit, STMT_DISOWN);
    pg_text(unit, queue->name);
    pg_uuid(unit, &context->id);
    pg_send(&unit, on_given_up, NULL);
}

/* The owner still serves, or what it was given is not yet over. */
static bool
is_served(const workers_t *workers, const queue_t *queue)
{
    const worker_t *owner = workers_find(workers, &queue->owner);

    return queue->leases > 0 || (owner && !owner->is_leaving);
}

static void
check_queue(context_t *context, const workers_t *workers, queue_t *queue)
{
    worker_t *next = next_owner(queue);

    if (queue->ownership == QUEUE_BIDDING ||
        (queue->ownership == QUEUE_OWNED && is_served(workers, queue)))
        return;
    if (next && context->now_ms >= queue->bid_ms + ASK_MS) {
        bid_for_queue(context, queue, next);
        return;
    }
    if (!next && queue->ownership == QUEUE_OWNED)
        give_up_queue(context, queue);
    queue_set_ownership(queue, next || queue->leases > 0 ? QUEUE_UNOWNED : QUEUE_SHARED);
}

void
exclusive_queues_check(context_t *context, const workers_t *workers)
{
    if (!context_has_database(context) || context->is_draining)
        return;
    for (queue_t *q = queues_first(workers->queues); q; q = queues_next(workers->queues))
        if (q->ownership != QUEUE_SHARED)
            check_queue(context, workers, q);
}
