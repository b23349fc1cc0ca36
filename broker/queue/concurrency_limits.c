#include "broker/core.h"

/* How many jobs of each workspace a queue has running here: leased, on the way to their commit
 * as leased, or asked for by a claim. Never fewer than the table has of this broker.
 *
 * While this broker is alone (`sole_broker_since_us`) the count is all there is to a limit, and
 * each unit that relies on it fails if another broker has come meanwhile. Beside others the
 * database counts, one unit at a time. */

typedef struct {
    tm_uuid_t workspace;
    size_t running;
} share_t;

size_t
limits_id_at(void)
{
    return offsetof(share_t, workspace);
}

static share_t *
find(const queue_t *queue, const tm_uuid_t *workspace)
{
    return uuid_map_get(queue->shares, workspace);
}

size_t
limits_room(const queue_t *queue, const tm_uuid_t *workspace)
{
    const share_t *share = queue->workspace_limit ? find(queue, workspace) : NULL;
    size_t limit = (size_t)queue->workspace_limit;

    if (!limit)
        return SIZE_MAX;
    if (!share)
        return limit;
    return share->running < limit ? limit - share->running : 0;
}

static void
settle_line(queue_t *queue, const tm_uuid_t *workspace)
{
    line_t *line = queue->workspace_limit ? fair_queue_find(queue, workspace) : NULL;

    if (line)
        fair_queue_settle(queue, line);
}

void
limits_take(queue_t *queue, const tm_uuid_t *workspace, size_t count)
{
    share_t *share = find(queue, workspace);

    if (!share) {
        share = zmalloc(sizeof(*share));
        share->workspace = *workspace;
        uuid_map_put(queue->shares, share);
    }
    share->running += count;
    settle_line(queue, workspace);
}

void
limits_give(queue_t *queue, const tm_uuid_t *workspace, size_t count)
{
    share_t *share = find(queue, workspace);

    share->running -= count;
    if (share->running == 0) {
        uuid_map_remove(queue->shares, workspace);
        free(share);
    }
    settle_line(queue, workspace);
}

void
limits_fini(queue_t *queue)
{
    share_t *share;

    for (size_t at = 0; (share = uuid_map_next(queue->shares, &at));)
        free(share);
    uuid_map_destroy(&queue->shares);
}

/* --- alone -------------------------------------------------------------------------------- */

static void
on_alone(void *arg, const struct pg_outcome *outcome)
{
    broker_t *self = arg;
    const PGresult *result = outcome->err ? NULL : outcome->results[1];

    self->is_asking_if_sole = false;
    if (!result || PQntuples(result) == 0 || self->others > 0)
        return; /* asked again with the next beat */
    self->sole_broker_since_us = pg_get_i64(result, 0, 0);
    log_info("broker.alone", "reason=\"it counts limits by itself\"");
    for (queue_t *q = zhashx_first(self->queues); q; q = zhashx_next(self->queues))
        q->needs_scan |= q->workspace_limit > 0; /* lines that the database held back */
}

static bool
has_limits(broker_t *self)
{
    for (queue_t *q = zhashx_first(self->queues); q; q = zhashx_next(self->queues))
        if (q->workspace_limit)
            return true;
    return false;
}

void
sole_broker_look(broker_t *self)
{
    pg_unit_t *unit;

    if (self->others > 0)
        self->sole_broker_since_us = 0;
    if (self->others > 0 || self->sole_broker_since_us || self->is_asking_if_sole ||
        !has_limits(self))
        return;
    unit = pg_unit_new(self->context.pg);
    self->is_asking_if_sole = true;
    pg_add(unit, STMT_LIMIT_SHARE); /* after whatever another has in flight */
    pg_add(unit, STMT_SOLE_BROKER);
    pg_uuid(unit, &self->context.id);
    pg_send(&unit, on_alone, self);
}
