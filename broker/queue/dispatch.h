/* dispatch - a job's way to a worker and back: its lease begins, ends, or is lost.
 *
 * Emits    JOB DROP
 * Owns     the leases
 */
#ifndef BROKER_QUEUE_DISPATCH_H
#define BROKER_QUEUE_DISPATCH_H

#include "broker/queue/leases.h"
#include "broker/queue/sole_broker.h"
#include "broker/queue/workers.h"

/* A lease has ended without a word of its worker; `counts`: as one of the job's attempts. */
typedef void dispatch_lost_fn(void *arg, const lease_t *lease, tm_err_t code,
                              const char *detail, bool counts, bool is_crash);

typedef struct {
    context_t *context;
    peers_t *peers;
    queues_t *queues;
    workers_t *workers;
    const sole_broker_t *sole_broker;
    dispatch_lost_fn *on_lost;
    void *lost_arg;
    uuid_map_t *leases;
} dispatch_t;

/* What of its jobs the worker does not name soon goes back to its queue. */
worker_t *dispatch_hello(dispatch_t *self, const peer_t *from, const struct tm_hello *hello);
/* Records the lease (its credit is reserved already) and sends the JOB. */
void dispatch_start(dispatch_t *self, queue_t *queue, const struct tm_job *job, tm_str_t body,
                    const tm_uuid_t *worker);
/* The same for a job that its worker holds already. */
void dispatch_adopt(dispatch_t *self, queue_t *queue, const struct tm_job *job,
                    const tm_uuid_t *worker);
/* Its worker has ended the job: the credit comes back at once, the lease stays until the
 * commit. NULL: the worker has no such lease, or has ended it before. */
lease_t *dispatch_begin_end(dispatch_t *self, const tm_uuid_t *job, uint64_t attempt,
                            const tm_uuid_t *worker);
void dispatch_end(dispatch_t *self, lease_t *lease); /* its credit was given back before */
/* Takes the lease back. The worker is told; what it still says of the job counts no more. */
void dispatch_take_back(dispatch_t *self, lease_t *lease, tm_err_t code, const char *detail,
                        bool counts, const char *cause);
void dispatch_lose(dispatch_t *self, lease_t *lease); /* its worker has gone */
/* Tells a worker that its lease is gone. */
void dispatch_drop(dispatch_t *self, const tm_uuid_t *worker, const tm_uuid_t *job,
                   uint32_t attempt, tm_err_t code);
void dispatch_worker_lost(dispatch_t *self, worker_t *worker, const char *cause);

#endif
