/* context - what every module of the broker goes by: its settings, its clock, its database. */
#ifndef BROKER_BASE_CONTEXT_H
#define BROKER_BASE_CONTEXT_H

#include "actors/kit/pg/pg.h"
#include "actors/kit/runtime/log.h"
#include "actors/kit/runtime/loop.h"
#include "actors/kit/runtime/metrics.h"
#include "actors/kit/runtime/settings.h"
#include "broker/base/statements.def"

enum {
#define S(NAME, params, sql) STMT_##NAME,
    BROKER_STATEMENTS(S)
#undef S
        STMT_COUNT
};

typedef struct {
    const settings_t *settings;
    meters_t *metrics;
    loop_t *loop;
    pg_t *pg;
    tm_uuid_t id;    /* this broker, another at each start */
    int64_t now_ms;  /* of this turn */
    bool is_started; /* the row in `brokers` is there */
    bool is_draining;
} context_t;

/* A unit may be sent: this broker is known to the database, and the connection stands. */
bool context_has_database(const context_t *self);
/* Not larger than broker.max_body_kb. */
bool context_takes_body(const context_t *self, tm_str_t body);
/* The lines that follow are of this trace, if it is one. */
void context_log_trace(tm_str_t traceparent);

#endif
