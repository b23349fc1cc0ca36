/* What is taken out of the outbox is kept by the reader alone: there is nothing to replay. The
 * numbers begin with the time in microseconds, above those of any earlier process. */
#include <limits.h>

#include "actors/kit/bus/event_rows.h"
#include "actors/kit/util/clock.h"
#include "actors/kit/runtime/log.h"

enum { TAKE = 500 };

typedef struct {
    bus_t *bus;
    pg_t *pg;
    bool is_taking, is_due;
} taker_t;

static void take(taker_t *self);

static void
taken(taker_t *self, bool is_more)
{
    bool is_due = self->is_due || is_more;

    self->is_taking = self->is_due = false;
    if (is_due)
        take(self);
}

static void
on_taken(void *arg, const struct pg_outcome *outcome)
{
    taker_t *self = arg;
    int rows = outcome->err ? 0 : PQntuples(outcome->results[0]);
    int64_t beyond = bus_last(self->bus) + TAKE;

    if (outcome->err == TM_STORE_DOWN) /* perhaps some were taken, and nobody will ever know */
        bus_start(self->bus, beyond, beyond);
    for (int row = 0; row < rows; row++) {
        struct bus_event event = event_row(outcome->results[0], row);
        bus_tell(self->bus, &event);
    }
    bus_batch(self->bus);
    taken(self, rows == TAKE);
}

static void
take(taker_t *self)
{
    pg_unit_t *unit;

    self->is_due |= self->is_taking;
    if (self->is_taking)
        return;
    self->is_taking = true;
    unit = pg_unit_new(self->pg);
    pg_add(unit, STMT_EVENTS_TAKE);
    pg_i64(unit, bus_last(self->bus));
    pg_i64(unit, TAKE);
    pg_send(&unit, on_taken, self);
}

static void
on_notify(void *arg, const char *payload)
{
    (void)payload;
    take(arg);
}

static void *
memory_open(bus_t *bus)
{
    taker_t *self = zmalloc(sizeof(*self));
    int64_t now_us = clock_utc_ms() * 1000;

    self->bus = bus;
    self->pg = event_pool(bus_loop(bus), bus_settings(bus), bus_metrics(bus), "tunemill_outbox",
                          on_notify, self);
    if (!self->pg) {
        free(self);
        return NULL;
    }
    bus_start(bus, now_us, now_us);
    return self;
}

static void
memory_close(void **state_p)
{
    taker_t *self = *state_p;

    self->is_taking = true;
    self->is_due = false;
    pg_destroy(&self->pg);
    free(self);
    *state_p = NULL;
}

static void
memory_replay(void *state, int64_t after, size_t limit, bus_page_fn *fn, void *arg)
{
    taker_t *self = state;
    int64_t last = bus_last(self->bus);
    struct bus_page page = {.oldest = last + 1, .last = last};

    (void)after;
    (void)limit;
    fn(arg, &page);
}

const struct bus_type bus_memory = {"memory", memory_open, memory_close, memory_replay};
