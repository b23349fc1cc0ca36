/* concurrency_limits - how many jobs of each workspace a queue has running here: leased, on the
 * way to their commit as leased, or asked for by a claim. Never fewer than the table has of
 * this broker. The sole broker (sole_broker.h) needs nothing else to keep a limit.
 */
#ifndef BROKER_QUEUE_CONCURRENCY_LIMITS_H
#define BROKER_QUEUE_CONCURRENCY_LIMITS_H

#include "proto/codec/uuid_map.h"

typedef struct {
    uuid_map_t *shares; /* by workspace: those with running jobs */
    int64_t limit;      /* running jobs of one workspace; 0: any number */
} concurrency_limits_t;

void concurrency_limits_init(concurrency_limits_t *self);
void concurrency_limits_fini(concurrency_limits_t *self);
void concurrency_limits_take(concurrency_limits_t *self, const tm_uuid_t *workspace,
                             size_t count);
void concurrency_limits_give(concurrency_limits_t *self, const tm_uuid_t *workspace,
                             size_t count);
/* Jobs that the workspace may have running beside those; SIZE_MAX: no limit. */
size_t concurrency_limits_room(const concurrency_limits_t *self, const tm_uuid_t *workspace);

#endif
