/* The table is read from the number last told on, whenever a notification says that there is
 * more, and whenever listening begins. Numbers are given in the order of commit: what is
 * visible has nothing before it that is not. */
#include "actors/kit/bus/event_rows.h"

enum { FETCH = 500 };

static void
on_rows(void *arg, const struct pg_outcome *outcome)
{
    event_source_t *self = arg;
    int rows = outcome->err ? 0 : PQntuples(outcome->results[1]);
    int64_t last = outcome->err ? INT64_MAX : pg_get_i64(outcome->results[0], 0, 1);

    if (outcome->err) { /* listening begins anew, and with it this */
        event_source_ended(self, false);
        return;
    }
    if (last < bus_last(self->bus))
        bus_start(self->bus, last, last); /* another database */
    for (int row = 0; row < rows; row++) {
        struct bus_event event = event_row(outcome->results[1], row);
        bus_tell(self->bus, &event);
    }
    bus_batch(self->bus);
    event_source_ended(self, rows == FETCH);
}

static void
on_bounds(void *arg, const struct pg_outcome *outcome)
{
    event_source_t *self = arg;
    int64_t oldest, last, from;

    if (!outcome->err) {
        oldest = pg_get_i64(outcome->results[0], 0, 0);
        last = pg_get_i64(outcome->results[0], 0, 1);
        from = last - bus_settings(self->bus)->events_buffer;
        bus_start(self->bus, from < oldest - 1 ? oldest - 1 : from, last);
    }
    event_source_ended(self, !outcome->err);
}

static void
fetch(event_source_t *self)
{
    pg_unit_t *unit;

    if (bus_last(self->bus) >= 0) {
        events_after(self->pg, bus_last(self->bus), FETCH, on_rows, self);
        return;
    }
    unit = pg_unit_new(self->pg);
    pg_add(unit, STMT_EVENTS_BOUNDS);
    pg_send(&unit, on_bounds, self);
}

static void *
postgres_open(bus_t *bus)
{
    return event_source_open(bus, "tunemill_events", fetch);
}

typedef struct {
    bus_page_fn *fn;
    void *arg;
} request_t;

static void
answer(const request_t *request, const struct pg_outcome *outcome)
{
    const PGresult *rows = outcome->results[1];
    struct bus_page page = {.oldest = pg_get_i64(outcome->results[0], 0, 0),
                            .last = pg_get_i64(outcome->results[0], 0, 1),
                            .count = (size_t)PQntuples(rows)};
    struct bus_event *events = zmalloc((page.count + 1) * sizeof(*events));

    for (size_t i = 0; i < page.count; i++)
        events[i] = event_row(rows, (int)i);
    page.events = events;
    request->fn(request->arg, &page);
    free(events);
}

static void
on_page(void *arg, const struct pg_outcome *outcome)
{
    request_t *request = arg;
    struct bus_page none = {.err = outcome->err};

    if (outcome->err)
        request->fn(request->arg, &none);
    else
        answer(request, outcome);
    free(request);
}

static void
postgres_replay(void *state, int64_t after, size_t limit, bus_page_fn *fn, void *arg)
{
    event_source_t *self = state;
    request_t *request = zmalloc(sizeof(*request));

    *request = (request_t){fn, arg};
    events_after(self->pg, after, limit, on_page, request);
}

const struct bus_type bus_postgres = {"postgres", postgres_open, event_source_close,
                                      postgres_replay};
