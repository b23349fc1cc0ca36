/* workers - who said HELLO, which queues each serves, and how many more jobs it takes. */
#ifndef BROKER_QUEUE_WORKERS_H
#define BROKER_QUEUE_WORKERS_H

#include "broker/queue/queues.h"
#include "broker/wire/peers.h"

typedef struct {
    tm_uuid_t id;
    char actor[TM_NAME_MAX + 1], software[TM_NAME_MAX + 1];
    peer_id_t peer;
    char key[TM_CURVE_KEY + 1]; /* of who said HELLO as this one first */
    zlistx_t *queues;           /* of queue_t, borrowed */
    uint64_t credit;            /* jobs at once */
    uint64_t used;              /* leased or reserved */
    uint64_t calls, calls_used; /* at once, as a server */
    bool is_leaving, is_exclusive;
} worker_t;

typedef struct {
    queues_t *queues;
    uuid_map_t *by_id;
} workers_t;

void workers_init(workers_t *self); /* what is borrowed is set before */
void workers_fini(workers_t *self);
worker_t *workers_find(const workers_t *self, const tm_uuid_t *id); /* NULL: it has gone */
worker_t *workers_hello(workers_t *self, const peer_t *from, const struct tm_hello *hello);
void workers_forget(workers_t *self, worker_t *worker);

/* Takes one credit of a worker of the queue; false: none is free. */
bool workers_reserve(queue_t *queue, tm_uuid_t *ret_worker);
void workers_release(workers_t *self, const tm_uuid_t *id); /* gives the credit back */
uint64_t workers_free_credit(queue_t *queue);

#endif
