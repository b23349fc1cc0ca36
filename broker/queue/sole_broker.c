#include "broker/queue/sole_broker.h"

static void
on_sole_broker(void *arg, const struct pg_outcome *outcome)
{
    sole_broker_t *self = arg;
    const PGresult *result = outcome->err ? NULL : outcome->results[1];

    self->is_asking = false;
    if (!result || PQntuples(result) == 0 || self->others > 0)
        return; /* asked again with the next beat */
    self->since_us = pg_get_i64(result, 0, 0);
    log_info("broker.alone", "reason=\"it counts limits by itself\"");
    for (queue_t *q = queues_first(self->queues); q; q = queues_next(self->queues))
        q->needs_scan |= q->fair.limit > 0; /* lines that the database held back */
}

static bool
has_limits(const queues_t *queues)
{
    for (queue_t *q = queues_first(queues); q; q = queues_next(queues))
        if (q->fair.limit)
            return true;
    return false;
}

void
sole_broker_check(sole_broker_t *self, size_t others)
{
    pg_unit_t *unit;

    self->others = others;
    if (others > 0)
        self->since_us = 0;
    if (others > 0 || self->since_us || self->is_asking || !has_limits(self->queues))
        return;
    unit = pg_unit_new(self->context->pg);
    self->is_asking = true;
    pg_add(unit, STMT_LIMIT_SHARE); /* after whatever another has in flight */
    pg_add(unit, STMT_SOLE_BROKER);
    pg_uuid(unit, &self->context->id);
    pg_send(&unit, on_sole_broker, self);
}
