#include "broker/core.h"

#include <string.h>

/* Each workspace with ready jobs has a line, and the lines take turns: one with a hundred
 * thousand jobs delays another's first by one turn. The broker does not know every line: what
 * it makes ready itself it adds, what others made ready it finds by a scan of the index, now
 * and then and whenever it is told. `low_us` keeps claims from walking over the index entries
 * of jobs that have left: a scan finds the first live one. */

enum { SCAN_LINES = 1000, PRIORITY_STEP_US = 60 * 1000000, CLOCK_SKEW_US = 5 * 1000000 };

line_t *
fair_queue_find(queue_t *queue, const tm_uuid_t *workspace)
{
    return uuid_map_get(queue->lines, workspace);
}

/* As job_rank() has it, and early enough for a clock that differs from the database's. */
int64_t
fair_queue_rank_us(uint64_t priority)
{
    return clock_utc_ms() * 1000 + (int64_t)priority * PRIORITY_STEP_US - CLOCK_SKEW_US;
}

void
fair_queue_settle(queue_t *queue, line_t *line)
{
    bool has_room = limits_room(queue, &line->workspace) > 0;

    if (has_room && !line->turn) {
        line->turn = zlistx_add_end(queue->turns, line);
    } else if (!has_room && line->turn) {
        zlistx_delete(queue->turns, line->turn);
        line->turn = NULL;
    }
}

void
fair_queue_add(queue_t *queue, const tm_uuid_t *workspace, int64_t low_us, bool may_be)
{
    line_t *line = fair_queue_find(queue, workspace);

    if (!line) {
        line = zmalloc(sizeof(*line));
        line->workspace = *workspace;
        line->low_us = low_us;
        uuid_map_put(queue->lines, line);
        fair_queue_settle(queue, line);
    }
    line->is_open |= may_be;
    line->known += !may_be;
    if (low_us < line->low_us)
        line->low_us = low_us;
}

void
fair_queue_remove(queue_t *queue, line_t *line)
{
    if (line->turn)
        zlistx_delete(queue->turns, line->turn);
    uuid_map_remove(queue->lines, &line->workspace);
    free(line);
}

typedef struct {
    broker_t *broker;
    queue_t *queue; /* queues live as long as the broker */
} scan_t;

static void
take_scanned(queue_t *queue, const PGresult *result)
{
    int rows = PQntuples(result);

    for (int row = 0; row < rows; row++) {
        tm_uuid_t workspace = pg_get_uuid(result, row, 0);
        line_t *line = fair_queue_find(queue, &workspace);
        int64_t low_us = pg_get_i64(result, row, 1);

        if (line)
            line->low_us = low_us; /* no claim is in flight: a scan goes before it */
        fair_queue_add(queue, &workspace, low_us, true);
    }
    queue->is_drained = rows == 0;
    memset(&queue->scan_at, 0, sizeof(queue->scan_at));
    if (rows == SCAN_LINES)
        queue->scan_at = pg_get_uuid(result, rows - 1, 0);
}

static void
on_scanned(void *arg, const struct pg_outcome *outcome)
{
    scan_t *scan = arg;

    scan->queue->is_scanning = false;
    if (outcome->err)
        scan->queue->needs_scan = true;
    else
        take_scanned(scan->queue, outcome->results[0]);
    free(scan);
}

void
fair_queue_scan(broker_t *self, queue_t *queue)
{
    scan_t *scan;
    pg_unit_t *unit;

    if (!queue->needs_scan || queue->is_scanning)
        return;
    scan = zmalloc(sizeof(*scan));
    *scan = (scan_t){self, queue};
    queue->needs_scan = false;
    queue->is_scanning = true;
    unit = pg_unit_new(self->context.pg);
    pg_add(unit, STMT_LINES);
    pg_text(unit, queue->name);
    pg_uuid(unit, &queue->scan_at);
    pg_i64(unit, SCAN_LINES);
    pg_send(&unit, on_scanned, scan);
}
