/* event_rows - events as a statement of statements.def returns them: id, topic, workspace,
 * text. */
#ifndef ACTORS_KIT_BUS_EVENT_ROWS_H
#define ACTORS_KIT_BUS_EVENT_ROWS_H

#include "actors/kit/bus/bus.h"
#include "actors/kit/bus/statements.def"
#include "actors/kit/pg/pg.h"

enum {
#define S(NAME, params, sql) STMT_##NAME,
    EVENT_STATEMENTS(S)
#undef S
        STMT_COUNT
};

extern const struct pg_statement event_statements[STMT_COUNT];

static inline struct bus_event
event_row(const PGresult *result, int row)
{
    return (struct bus_event){.id = pg_get_i64(result, row, 0),
                              .topic = pg_get(result, row, 1),
                              .workspace = pg_get_uuid(result, row, 2),
                              .text = pg_get(result, row, 3)};
}

/* A pool of one connection that listens; both functions get `arg`. */
pg_t *event_pool(loop_t *loop, const settings_t *settings, meters_t *metrics,
                 const char *channel, void (*on_notify)(void *arg, const char *payload),
                 void *arg);

#endif
