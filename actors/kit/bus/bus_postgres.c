/* The table is read from the number last told on, whenever a notification says that there is
 * more, and whenever listening begins. Numbers are given in the order of commit: what is
 * visible has nothing before it that is not. */
#include "actors/kit/bus/event_rows.h"
#include "actors/kit/runtime/log.h"

enum { FETCH = 500 };

typedef struct {
    bus_t *bus;
    pg_t *pg;
    bool is_fetching, is_due; /* asked again meanwhile */
} reader_t;

static void fetch(reader_t *self);

static void
fetched(reader_t *self, bool is_more)
{
    bool is_due = self->is_due || is_more;

    self->is_fetching = self->is_due = false;
    if (is_due)
        fetch(self);
}

static void
on_rows(void *arg, const struct pg_outcome *outcome)
{
    reader_t *self = arg;
    int rows = outcome->err ? 0 : PQntuples(outcome->results[1]);
    int64_t last = outcome->err ? INT64_MAX : pg_get_i64(outcome->results[0], 0, 1);

    if (outcome->err) { /* listening begins anew, and with it this */
        fetched(self, false);
        return;
    }
    if (last < bus_last(self->bus))
        bus_start(self->bus, last, last); /* another database */
    for (int row = 0; row < rows; row++) {
        struct bus_event event = event_row(outcome->results[1], row);
        bus_tell(self->bus, &event);
    }
    bus_batch(self->bus);
    fetched(self, rows == FETCH);
}

static void
on_bounds(void *arg, const struct pg_outcome *outcome)
{
    reader_t *self = arg;
    int64_t oldest, last, from;

    if (!outcome->err) {
        oldest = pg_get_i64(outcome->results[0], 0, 0);
        last = pg_get_i64(outcome->results[0], 0, 1);
        from = last - bus_settings(self->bus)->events_buffer;
        bus_start(self->bus, from < oldest - 1 ? oldest - 1 : from, last);
    }
    fetched(self, !outcome->err);
}

static void
fetch(reader_t *self)
{
    pg_unit_t *unit;
    bool is_started = bus_last(self->bus) >= 0;

    self->is_due |= self->is_fetching;
    if (self->is_fetching)
        return;
    self->is_fetching = true;
    unit = pg_unit_new(self->pg);
    pg_add(unit, STMT_EVENTS_BOUNDS);
    if (is_started) {
        pg_add(unit, STMT_EVENTS_AFTER);
        pg_i64(unit, bus_last(self->bus));
        pg_i64(unit, FETCH);
    }
    pg_send(&unit, is_started ? on_rows : on_bounds, self);
}

static void
on_notify(void *arg, const char *payload)
{
    (void)payload;
    fetch(arg);
}

static void *
postgres_open(bus_t *bus)
{
    reader_t *self = zmalloc(sizeof(*self));

    self->bus = bus;
    self->pg = event_pool(bus_loop(bus), bus_settings(bus), bus_metrics(bus), "tunemill_events",
                          on_notify, self);
    if (!self->pg) {
        free(self);
        return NULL;
    }
    return self;
}

static void
postgres_close(void **state_p)
{
    reader_t *self = *state_p;

    self->is_fetching = true; /* what ends now does not begin again */
    self->is_due = false;
    pg_destroy(&self->pg);
    free(self);
    *state_p = NULL;
}

/* --- pages -------------------------------------------------------------------------------- */

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
    reader_t *self = state;
    request_t *request = zmalloc(sizeof(*request));
    pg_unit_t *unit = pg_unit_new(self->pg);

    *request = (request_t){fn, arg};
    pg_add(unit, STMT_EVENTS_BOUNDS);
    pg_add(unit, STMT_EVENTS_AFTER);
    pg_i64(unit, after);
    pg_i64(unit, (int64_t)limit);
    pg_send(&unit, on_page, request);
}

const struct bus_type bus_postgres = {"postgres", postgres_open, postgres_close,
                                      postgres_replay};
