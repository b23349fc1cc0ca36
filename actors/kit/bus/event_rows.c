#include "actors/kit/bus/event_rows.h"

#include "actors/kit/pg/pg_settings.h"

const struct pg_statement event_statements[STMT_COUNT] = {EVENT_STATEMENTS(PG_STATEMENT_ROW)};

void
events_after(pg_t *pg, int64_t after, size_t limit, pg_fn *fn, void *arg)
{
    pg_unit_t *unit = pg_unit_new(pg);

    pg_add(unit, STMT_EVENTS_BOUNDS);
    pg_add(unit, STMT_EVENTS_AFTER);
    pg_i64(unit, after);
    pg_i64(unit, (int64_t)limit);
    pg_send(&unit, fn, arg);
}

static void
look(event_source_t *self)
{
    self->is_due |= self->is_asking;
    if (self->is_asking)
        return;
    self->is_asking = true;
    self->ask(self);
}

/* It is also said whenever listening begins. */
static void
on_notify(void *arg, const char *payload)
{
    (void)payload;
    look(arg);
}

void
event_source_ended(event_source_t *self, bool is_more)
{
    bool is_due = self->is_due || is_more;

    self->is_asking = self->is_due = false;
    if (is_due)
        look(self);
}

event_source_t *
event_source_open(bus_t *bus, const char *channel, void (*ask)(event_source_t *self))
{
    event_source_t *self = zmalloc(sizeof(*self));
    struct pg_options options =
        pg_settings_options(bus_settings(bus), bus_metrics(bus), "tunemill-events");

    *self = (event_source_t){.bus = bus, .ask = ask};
    options.statements = event_statements;
    options.statement_count = STMT_COUNT;
    options.connections = 1;
    options.arg = self;
    options.listen = channel;
    options.on_notify = on_notify;
    self->pg = pg_new(bus_loop(bus), &options);
    return self;
}

void
event_source_close(void **self_p)
{
    event_source_t *self = *self_p;

    self->is_asking = true; /* what ends now does not begin again */
    self->is_due = false;
    pg_destroy(&self->pg);
    free(self);
    *self_p = NULL;
}
