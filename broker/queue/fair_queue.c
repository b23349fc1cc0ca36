#include "broker/queue/fair_queue.h"

#include <string.h>

#include "actors/kit/pg/pg.h"
#include "actors/kit/util/clock.h"

enum { PRIORITY_STEP_US = 60 * 1000000, CLOCK_SKEW_US = 5 * 1000000 };

/* How many jobs of a workspace run, or are about to. */
typedef struct {
    tm_uuid_t workspace;
    size_t count;
} running_t;

void
fair_queue_init(fair_queue_t *self)
{
    self->lines = uuid_map_new(offsetof(line_t, workspace));
    self->turns = zlistx_new();
    self->running = uuid_map_new(offsetof(running_t, workspace));
}

void
fair_queue_fini(fair_queue_t *self)
{
    uuid_map_end(&self->running, free);
    zlistx_destroy(&self->turns);
    uuid_map_end(&self->lines, free);
}

bool
fair_queue_is_empty(const fair_queue_t *self)
{
    return uuid_map_size(self->lines) + uuid_map_size(self->running) == 0;
}

line_t *
fair_queue_find(const fair_queue_t *self, const tm_uuid_t *workspace)
{
    return uuid_map_get(self->lines, workspace);
}

/* As job_rank() has it, and early enough for a clock that differs from the database's. */
int64_t
fair_queue_rank_us(uint64_t priority)
{
    return clock_utc_ms() * 1000 + (int64_t)priority * PRIORITY_STEP_US - CLOCK_SKEW_US;
}

/* It takes turns while there is room for it. */
static void
settle_line(fair_queue_t *self, line_t *line)
{
    bool has_room = fair_queue_room(self, &line->workspace) > 0;

    if (has_room && !line->turn) {
        line->turn = zlistx_add_end(self->turns, line);
    } else if (!has_room && line->turn) {
        zlistx_delete(self->turns, line->turn);
        line->turn = NULL;
    }
}

void
fair_queue_add(fair_queue_t *self, const tm_uuid_t *workspace, int64_t low_us, bool may_be)
{
    line_t *line = fair_queue_find(self, workspace);

    if (!line) {
        line = zmalloc(sizeof(*line));
        line->workspace = *workspace;
        line->low_us = low_us;
        uuid_map_put(self->lines, line);
        settle_line(self, line);
    }
    line->is_open |= may_be;
    line->known += !may_be;
    if (low_us < line->low_us)
        line->low_us = low_us;
}

void
fair_queue_remove(fair_queue_t *self, line_t *line)
{
    if (line->turn)
        zlistx_delete(self->turns, line->turn);
    uuid_map_remove(self->lines, &line->workspace);
    free(line);
}

void
fair_queue_take_scan(fair_queue_t *self, const PGresult *result)
{
    int rows = PQntuples(result);

    for (int row = 0; row < rows; row++) {
        tm_uuid_t workspace = pg_get_uuid(result, row, 0);
        line_t *line = fair_queue_find(self, &workspace);
        int64_t low_us = pg_get_i64(result, row, 1);

        if (line)
            line->low_us = low_us; /* no claim is in flight: a scan goes before it */
        fair_queue_add(self, &workspace, low_us, true);
    }
    memset(&self->scan_at, 0, sizeof(self->scan_at));
    if (rows == SCAN_LINES)
        self->scan_at = pg_get_uuid(result, rows - 1, 0);
}

size_t
fair_queue_room(const fair_queue_t *self, const tm_uuid_t *workspace)
{
    const running_t *running = self->limit ? uuid_map_get(self->running, workspace) : NULL;
    size_t limit = (size_t)self->limit, count = running ? running->count : 0;

    if (!limit)
        return SIZE_MAX;
    return count < limit ? limit - count : 0;
}

static void
settle_workspace(fair_queue_t *self, const tm_uuid_t *workspace)
{
    line_t *line = self->limit ? fair_queue_find(self, workspace) : NULL;

    if (line)
        settle_line(self, line);
}

void
fair_queue_take(fair_queue_t *self, const tm_uuid_t *workspace, size_t count)
{
    running_t *running = uuid_map_get(self->running, workspace);

    if (!running) {
        running = zmalloc(sizeof(*running));
        running->workspace = *workspace;
        uuid_map_put(self->running, running);
    }
    running->count += count;
    settle_workspace(self, workspace);
}

void
fair_queue_give(fair_queue_t *self, const tm_uuid_t *workspace, size_t count)
{
    running_t *running = uuid_map_get(self->running, workspace);

    running->count -= count;
    if (running->count == 0) {
        uuid_map_remove(self->running, workspace);
        free(running);
    }
    settle_workspace(self, workspace);
}

void
fair_queue_settle(fair_queue_t *self)
{
    line_t *line;

    for (size_t at = 0; (line = uuid_map_next(self->lines, &at));)
        settle_line(self, line);
}
