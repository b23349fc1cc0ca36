#include "broker/queue/leases.h"

#include "broker/base/states.h"

lease_t *
leases_find(const uuid_map_t *self, const tm_uuid_t *job)
{
    return uuid_map_get(self, job);
}

lease_t *
leases_held_by(const uuid_map_t *self, const tm_uuid_t *job, uint64_t attempt,
               const tm_uuid_t *worker)
{
    lease_t *lease = leases_find(self, job);

    return lease && lease->attempt == attempt && tm_uuid_is(&lease->worker, worker) ? lease
                                                                                    : NULL;
}

void
lease_set_state(lease_t *self, lease_state_t next)
{
    static const states_t states = {
        .event = "lease.state",
        .names = {"running", "unconfirmed", "canceling", "stopped", "ending"},
        .moves = {
            [LEASE_RUNNING] = 1 << LEASE_UNCONFIRMED | 1 << LEASE_CANCELING | 1 << LEASE_ENDING,
            [LEASE_UNCONFIRMED] = 1 << LEASE_RUNNING | 1 << LEASE_CANCELING | 1 << LEASE_ENDING,
            [LEASE_CANCELING] = 1 << LEASE_STOPPED | 1 << LEASE_ENDING,
            [LEASE_STOPPED] = 1 << LEASE_ENDING,
            [LEASE_ENDING] = 1 << LEASE_RUNNING /* its commit failed: it goes on */}};
    char text[TM_UUID_TEXT];

    if (self->state == next)
        return;
    states_move(&states, tm_uuid_text(&self->job, text), self->state, next);
    self->state = next;
}

void
lease_confirm(lease_t *self)
{
    if (self->state == LEASE_UNCONFIRMED)
        lease_set_state(self, LEASE_RUNNING);
}
