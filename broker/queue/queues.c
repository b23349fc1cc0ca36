#include "broker/queue/queues.h"

#include <string.h>

#include "broker/base/states.h"

enum { QUEUES_MAX = 10000, MEAN_OF = 16 };

/* --- states ------------------------------------------------------------------------------- */

void
queue_set_state(queue_t *self, queue_state_t next)
{
    static const states_t states = {
        .event = "queue.state",
        .names = {"resting", "scanning", "claiming"},
        .moves = {[QUEUE_RESTING] = 1 << QUEUE_SCANNING | 1 << QUEUE_CLAIMING,
                  [QUEUE_SCANNING] = 1 << QUEUE_RESTING,
                  [QUEUE_CLAIMING] = 1 << QUEUE_RESTING}};

    states_move(&states, self->name, self->state, next);
    self->state = next;
}

void
queue_set_ownership(queue_t *self, queue_ownership_t next)
{
    static const states_t states = {
        .event = "queue.ownership",
        .names = {"shared", "unowned", "bidding", "owned"},
        .moves = {[QUEUE_SHARED] = 1 << QUEUE_UNOWNED,
                  [QUEUE_UNOWNED] = 1 << QUEUE_BIDDING | 1 << QUEUE_SHARED,
                  [QUEUE_BIDDING] = 1 << QUEUE_OWNED | 1 << QUEUE_UNOWNED,
                  [QUEUE_OWNED] = 1 << QUEUE_BIDDING | 1 << QUEUE_UNOWNED | 1 << QUEUE_SHARED}};

    if (self->ownership == next)
        return;
    states_move(&states, self->name, self->ownership, next);
    self->ownership = next;
}

bool
queue_serves(const queue_t *self, const tm_uuid_t *worker)
{
    return self->ownership == QUEUE_SHARED ||
           (self->ownership == QUEUE_OWNED && tm_uuid_is(&self->owner, worker));
}

void
queue_note_body(queue_t *self, size_t size)
{
    size_t sum = self->body_bytes * (MEAN_OF - 1) + size;

    self->body_bytes = self->body_bytes ? sum / MEAN_OF + 1 : size + 1;
}

/* --- all of them -------------------------------------------------------------------------- */

static void
destroy_queue(void **item_p)
{
    queue_t *self = *item_p;

    zlistx_destroy(&self->workers);
    fair_queue_fini(&self->fair);
    free(self);
    *item_p = NULL;
}

void
queues_init(queues_t *self)
{
    self->by_name = zhashx_new();
    zhashx_set_destructor(self->by_name, destroy_queue);
}

void
queues_fini(queues_t *self)
{
    zhashx_destroy(&self->by_name);
}

queue_t *
queues_first(const queues_t *self)
{
    return zhashx_first(self->by_name);
}

queue_t *
queues_next(const queues_t *self)
{
    return zhashx_next(self->by_name);
}

static queue_t *
find_queue(const queues_t *self, const char *name, size_t size, char key[TM_NAME_MAX + 1])
{
    size = size > TM_NAME_MAX ? TM_NAME_MAX : size;
    memcpy(key, name, size);
    key[size] = '\0';
    return zhashx_lookup(self->by_name, key);
}

bool
queues_may_name(const queues_t *self, tm_str_t name)
{
    char key[TM_NAME_MAX + 1];

    return zhashx_size(self->by_name) < QUEUES_MAX ||
           find_queue(self, name.data, name.size, key) != NULL;
}

queue_t *
queues_get(queues_t *self, const char *name, size_t size)
{
    char key[TM_NAME_MAX + 1];
    queue_t *queue = find_queue(self, name, size, key);

    if (queue)
        return queue;
    queue = zmalloc(sizeof(*queue));
    memcpy(queue->name, key, sizeof(key));
    queue->workers = zlistx_new();
    fair_queue_init(&queue->fair);
    queue->max_depth = self->context->settings->broker_max_depth;
    queue->needs_scan = true; /* its ready jobs are in the table alone */
    zhashx_insert(self->by_name, queue->name, queue);
    return queue;
}

static bool
is_forgotten(const queue_t *queue)
{
    return zlistx_size(queue->workers) == 0 && queue->leases == 0 && queue->depth == 0 &&
           fair_queue_is_empty(&queue->fair) && queue->state == QUEUE_RESTING &&
           queue->ownership == QUEUE_SHARED && !queue->is_paused && !queue->fair.limit;
}

void
queues_forget(queues_t *self)
{
    zlistx_t *names = zhashx_keys(self->by_name);

    for (const char *name = zlistx_first(names); name; name = zlistx_next(names)) {
        const queue_t *queue = zhashx_lookup(self->by_name, name);
        if (queue && is_forgotten(queue))
            zhashx_delete(self->by_name, name);
    }
    zlistx_destroy(&names);
}

void
queues_rescan(queues_t *self, const PGresult *result)
{
    for (int row = 0; row < PQntuples(result); row++) {
        const char *name = pg_get(result, row, 0);
        queues_get(self, name, strlen(name))->needs_scan = true;
    }
}
