/* fair_queue - the workspaces of a queue that may have ready jobs, in turn.
 *
 * Each such workspace has a line, and the lines take turns: a workspace with a hundred thousand
 * jobs delays another's first by one turn. The broker does not know every line: what it makes
 * ready itself it adds, what others made ready it finds by a scan of the index, now and then
 * and whenever it is told. `low_us` keeps claims from walking over the index entries of jobs
 * that have left: a scan finds the first live one. A workspace at its limit has no turn.
 *
 * It also counts how many jobs of each workspace run here: leased, on the way to their commit
 * as leased, or asked for by a claim. Never fewer than the table has of this broker: the sole
 * broker (sole_broker.h) needs nothing else to keep a limit.
 */
#ifndef BROKER_QUEUE_FAIR_QUEUE_H
#define BROKER_QUEUE_FAIR_QUEUE_H

#include <libpq-fe.h>

#include "proto/codec/uuid_map.h"

enum { LOW_UNKNOWN = 0, PRIORITY_DEFAULT = 5, SCAN_LINES = 1000 };

/* The ready jobs of one workspace. */
typedef struct {
    tm_uuid_t workspace;
    int64_t low_us;      /* no ready job has a rank below, as far as is known */
    void *turn;          /* in `turns`; NULL: its workspace is at its limit */
    uint64_t known;      /* ready jobs that this broker made so and no claim has asked for */
    bool is_open;        /* there may be more: others', or left by a claim that was full */
    uint64_t quota, got; /* of the CLAIM in flight */
} line_t;

typedef struct {
    uuid_map_t *lines;   /* by workspace */
    zlistx_t *turns;     /* of line_t, borrowed: whose turn is next */
    uuid_map_t *running; /* by workspace: those with running jobs */
    int64_t limit;       /* running jobs of one workspace; 0: any number */
    tm_uuid_t scan_at;   /* where the next scan begins: the whole does not always fit */
} fair_queue_t;

void fair_queue_init(fair_queue_t *self);
void fair_queue_fini(fair_queue_t *self);
bool fair_queue_is_empty(const fair_queue_t *self); /* nothing is ready, and nothing runs */
line_t *fair_queue_find(const fair_queue_t *self, const tm_uuid_t *workspace);
/* The workspace has one more ready job, of this rank or a later one; or, `may_be`, it may have
 * any number of them. */
void fair_queue_add(fair_queue_t *self, const tm_uuid_t *workspace, int64_t low_us,
                    bool may_be);
void fair_queue_remove(fair_queue_t *self, line_t *line);
int64_t fair_queue_rank_us(uint64_t priority); /* of a job that is ready now */
/* Rows of workspace and first rank, of SCAN_LINES at most; no claim may be in flight. */
void fair_queue_take_scan(fair_queue_t *self, const PGresult *result);

/* Jobs of the workspace begin to run, or end; jobs that it may have running beside those,
 * SIZE_MAX where there is no limit. */
void fair_queue_take(fair_queue_t *self, const tm_uuid_t *workspace, size_t count);
void fair_queue_give(fair_queue_t *self, const tm_uuid_t *workspace, size_t count);
size_t fair_queue_room(const fair_queue_t *self, const tm_uuid_t *workspace);
void fair_queue_settle(fair_queue_t *self); /* the limit has changed: who has a turn */

#endif
