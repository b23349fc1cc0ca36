/* event_rows - events as a statement of statements.def returns them: id, topic, workspace,
 * text. */
#ifndef ACTORS_KIT_BUS_EVENT_ROWS_H
#define ACTORS_KIT_BUS_EVENT_ROWS_H

#include "actors/kit/bus/bus.h"
#include "actors/kit/bus/statements.def"
#include "actors/kit/pg/pg.h"

enum { EVENT_STATEMENTS(PG_STATEMENT_ID) STMT_COUNT };
extern const struct pg_statement event_statements[STMT_COUNT];

static inline struct bus_event
event_row(const PGresult *result, int row)
{
    return (struct bus_event){.id = pg_get_i64(result, row, 0),
                              .topic = pg_get(result, row, 1),
                              .workspace = pg_get_uuid(result, row, 2),
                              .text = pg_get(result, row, 3)};
}

/* Two results: the bounds of what is kept, and so many events behind that number. */
void events_after(pg_t *pg, int64_t after, size_t limit, pg_fn *fn, void *arg);

/* A bus that reads the database: one connection that listens, one question at a time. */
typedef struct event_source event_source_t;
struct event_source {
    bus_t *bus;
    pg_t *pg;
    void (*ask)(event_source_t *self); /* sends one; event_source_ended follows */
    bool is_asking, is_due;            /* is_due: ask again behind it */
};

event_source_t *event_source_open(bus_t *bus, const char *channel,
                                  void (*ask)(event_source_t *self));
void event_source_close(void **self_p); /* as a bus_type has it */
void event_source_ended(event_source_t *self, bool is_more);

#endif
