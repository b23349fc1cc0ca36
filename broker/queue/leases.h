/* leases - the jobs that workers of this broker run, and how far each of them is. */
#ifndef BROKER_QUEUE_LEASES_H
#define BROKER_QUEUE_LEASES_H

#include "broker/queue/queues.h"

typedef enum {
    LEASE_RUNNING,
    LEASE_UNCONFIRMED, /* its worker is back and has not named it: lost at `due_ms` */
    LEASE_CANCELING,   /* its worker has been asked to stop: revoked at `due_ms` */
    LEASE_STOPPED,     /* it has, and stores what it found: revoked at `due_ms` */
    LEASE_ENDING       /* its DONE or FAIL is on the way to its commit */
} lease_state_t;

typedef struct {
    tm_uuid_t job;
    uint32_t attempt;
    tm_uuid_t worker, workspace;
    queue_t *queue;
    lease_state_t state;
    int64_t due_ms;
    int64_t deadline_ms; /* of the attempt's time-out; INT64_MAX: none */
} lease_t;

/* Leases stand in a uuid_map_t, by their job. */
lease_t *leases_find(const uuid_map_t *self, const tm_uuid_t *job);
/* The lease of exactly this attempt by this worker; NULL: there is none. */
lease_t *leases_held_by(const uuid_map_t *self, const tm_uuid_t *job, uint64_t attempt,
                        const tm_uuid_t *worker);
void lease_confirm(lease_t *self); /* its worker has named it */
void lease_set_state(lease_t *self, lease_state_t next);

#endif
