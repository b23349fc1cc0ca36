/* What is taken out of the outbox is kept by the reader alone: there is nothing to replay. The
 * numbers begin with the time in microseconds, above those of any earlier process. */

#include "actors/kit/bus/event_rows.h"
#include "actors/kit/util/clock.h"

enum { TAKE = 500 };

static void
on_taken(void *arg, const struct pg_outcome *outcome)
{
    event_source_t *self = arg;
    int rows = outcome->err ? 0 : PQntuples(outcome->results[0]);
    int64_t beyond = bus_last(self->bus) + TAKE;

    if (outcome->err == TM_STORE_DOWN) /* perhaps some were taken, and nobody will ever know */
        bus_start(self->bus, beyond, beyond);
    for (int row = 0; row < rows; row++) {
        struct bus_event event = event_row(outcome->results[0], row);
        bus_tell(self->bus, &event);
    }
    bus_batch(self->bus);
    event_source_ended(self, rows == TAKE);
}

static void
take(event_source_t *self)
{
    pg_unit_t *unit = pg_unit_new(self->pg);

    pg_add(unit, STMT_EVENTS_TAKE);
    pg_i64(unit, bus_last(self->bus));
    pg_i64(unit, TAKE);
    pg_send(&unit, on_taken, self);
}

static void *
memory_open(bus_t *bus)
{
    int64_t now_us = clock_utc_ms() * 1000;

    bus_start(bus, now_us, now_us);
    return event_source_open(bus, "tunemill_outbox", take);
}

static void
memory_replay(void *state, int64_t after, size_t limit, bus_page_fn *fn, void *arg)
{
    int64_t last = bus_last(((event_source_t *)state)->bus);
    struct bus_page page = {.oldest = last + 1, .last = last};

    (void)after;
    (void)limit;
    fn(arg, &page);
}

const struct bus_type bus_memory = {"memory", memory_open, event_source_close, memory_replay};
