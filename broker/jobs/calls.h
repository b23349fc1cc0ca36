/* calls - questions to services, which pass through: nothing of them is written.
 *
 * Each has a number of its own while it is under way, by which its answer finds the caller;
 * each ends by its answer, by its deadline, or with its server.
 *
 * Handles  CALL, RETURN ERROR
 * Emits    the same
 * Owns     the services, and the calls under way
 */
#ifndef BROKER_JOBS_CALLS_H
#define BROKER_JOBS_CALLS_H

#include "broker/queue/workers.h"
#include "proto/link/handlers.h"

typedef struct call call_t;

typedef struct {
    context_t *context;
    peers_t *peers;
    workers_t *workers;
    zhashx_t *services; /* by name */
    call_t **calls;     /* by the lower half of their number */
    size_t limit, count, free_at;
    uint64_t seen;
} calls_t;

void calls_init(calls_t *self); /* what is borrowed is set before */
void calls_fini(calls_t *self);
handler_fn calls_forward, calls_pass_back; /* the question; its RETURN or ERROR */
void calls_hello(calls_t *self, worker_t *worker, const struct tm_hello *hello);
/* The services that a worker answers, from 0; NULL: there are no more. */
const char *calls_service(const calls_t *self, const worker_t *worker, size_t index);
void calls_forget_server(calls_t *self, const worker_t *worker, bool is_lost);
void calls_expire(calls_t *self);

#endif
