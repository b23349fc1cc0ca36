/* queues - the queues that are known here, and what each of them is at.
 *
 * Owns     the queues; their workers are borrowed (workers.h)
 */
#ifndef BROKER_QUEUE_QUEUES_H
#define BROKER_QUEUE_QUEUES_H

#include "broker/base/context.h"
#include "broker/queue/fair_queue.h"

/* What is in flight to the database: a scan finds lines, a claim takes their jobs. One at a
 * time: a scan sets ranks that a claim would go by. */
typedef enum { QUEUE_RESTING, QUEUE_SCANNING, QUEUE_CLAIMING } queue_state_t;

/* Who is served. Workers come and go while scans and claims are in flight, so that this is a
 * state of its own. */
typedef enum {
    QUEUE_SHARED,  /* all its workers */
    QUEUE_UNOWNED, /* nobody: they want it for one of them alone, and queue_owners names none */
    QUEUE_BIDDING, /* nobody: its row in queue_owners has been asked for */
    QUEUE_OWNED    /* `owner` alone, as the row says */
} queue_ownership_t;

typedef struct {
    char name[TM_NAME_MAX + 1];
    zlistx_t *workers; /* of worker_t, borrowed; rotates */
    fair_queue_t fair;
    queue_state_t state;
    queue_ownership_t ownership;
    /* Three facts that may hold in every state, each for a reason of its own. */
    bool needs_scan; /* the table may hold ready jobs of others: they may come during a scan */
    bool is_drained; /* as far as is known, every job that waits has been asked for */
    bool is_paused;  /* the rules say so: what is in flight goes on */
    tm_uuid_t owner; /* the worker that bids, or that has it */
    int64_t bid_ms;
    int64_t told_ms; /* when the other brokers were last told of ready jobs */
    int64_t depth;   /* jobs not running: counted now and then, estimated between */
    int64_t max_depth;
    size_t leases;
    size_t body_bytes; /* mean of the bodies seen of late; 0: none yet */
} queue_t;

typedef struct {
    context_t *context;
    zhashx_t *by_name;
} queues_t;

void queues_init(queues_t *self); /* what is borrowed is set before */
void queues_fini(queues_t *self);
queue_t *queues_get(queues_t *self, const char *name, size_t size); /* finds or makes */
/* A peer may name this queue: it is known, or there is room for one more. */
bool queues_may_name(const queues_t *self, tm_str_t name);
void queues_forget(queues_t *self); /* those that nothing is known of any more */
/* for (queue_t *q = queues_first(queues); q; q = queues_next(queues)) */
queue_t *queues_first(const queues_t *self);
queue_t *queues_next(const queues_t *self);
void queues_rescan(queues_t *self, const PGresult *result); /* those that its rows name */

void queue_set_state(queue_t *self, queue_state_t next);
void queue_set_ownership(queue_t *self, queue_ownership_t next);
bool queue_serves(const queue_t *self, const tm_uuid_t *worker); /* it may get its jobs */
void queue_note_body(queue_t *self, size_t size);

#endif
