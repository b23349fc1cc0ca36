#include "broker/core.h"

#include <string.h>

/* A queue whose workers want it for themselves alone is served by one broker and one of its
 * workers at a time; a row in queue_owners says by which. The others stand by and ask now and
 * then: the row is theirs to take when its broker is gone and none of its jobs runs, or when it
 * was given up. */

enum { ASK_MS = 200 };

static worker_t *
next_owner(queue_t *queue)
{
    for (worker_t *w = zlistx_first(queue->workers); w; w = zlistx_next(queue->workers))
        if (w->is_exclusive && !w->is_leaving)
            return w;
    return NULL;
}

typedef struct {
    broker_t *broker;
    char name[TM_NAME_MAX + 1];
    tm_uuid_t worker;
} bid_t;

static void
on_bid(void *arg, const struct pg_outcome *outcome)
{
    bid_t *bid = arg;
    queue_t *queue = zhashx_lookup(bid->broker->queues, bid->name);
    char text[TM_UUID_TEXT];

    if (queue) {
        queue->is_bidding = false;
        if (!outcome->err && PQntuples(outcome->results[0]) > 0) {
            queue->is_owner = true;
            queue->owner = bid->worker;
            queue->needs_scan = true;
            log_info("queue.owned", "queue=%s worker=%s", queue->name,
                     tm_uuid_text(&bid->worker, text));
        }
    }
    free(bid);
}

static void
bid_for(broker_t *self, queue_t *queue, const worker_t *worker)
{
    bid_t *bid = zmalloc(sizeof(*bid));
    pg_unit_t *unit = pg_unit_new(self->context.pg);

    bid->broker = self;
    bid->worker = worker->id;
    memcpy(bid->name, queue->name, sizeof(bid->name));
    queue->is_bidding = true;
    queue->bid_ms = self->context.now_ms;
    pg_add(unit, STMT_OWN);
    pg_text(unit, queue->name);
    pg_uuid(unit, &self->context.id);
    pg_uuid(unit, &worker->id);
    pg_send(&unit, on_bid, bid);
}

static void
on_given_up(void *arg, const struct pg_outcome *outcome)
{
    (void)arg;
    if (outcome->err)
        log_warn("queue.give_up", "err=%s", tm_err_name(outcome->err));
}

static void
give_up(broker_t *self, queue_t *queue)
{
    pg_unit_t *unit = pg_unit_new(self->context.pg);

    queue->is_owner = false;
    pg_add(unit, STMT_DISOWN);
    pg_text(unit, queue->name);
    pg_uuid(unit, &self->context.id);
    pg_send(&unit, on_given_up, self);
}

/* The owner still serves, or what it was given is not yet over. */
static bool
is_served(broker_t *self, const queue_t *queue)
{
    const worker_t *owner = dispatch_worker(self, &queue->owner);

    return queue->leases > 0 || (owner && !owner->is_leaving);
}

static void
check(broker_t *self, queue_t *queue)
{
    worker_t *next = next_owner(queue);

    if (queue->is_owner && is_served(self, queue))
        return;
    if (next && !queue->is_bidding && self->context.now_ms >= queue->bid_ms + ASK_MS)
        bid_for(self, queue, next);
    else if (!next && queue->is_owner)
        give_up(self, queue);
    queue->is_owner = false; /* until the row says so again */
    queue->is_exclusive = next != NULL || queue->leases > 0;
}

void
exclusive_queues_check(broker_t *self)
{
    if (!context_has_database(&self->context) || self->context.is_draining)
        return;
    for (queue_t *q = zhashx_first(self->queues); q; q = zhashx_next(self->queues))
        if (q->is_exclusive)
            check(self, q);
}

bool
queue_allows(const queue_t *queue, const worker_t *worker)
{
    return !queue->is_exclusive || (queue->is_owner && tm_uuid_is(&queue->owner, &worker->id));
}
