#include "actors/kit/bus/event_rows.h"

#include "actors/kit/pg/pg_settings.h"

const struct pg_statement event_statements[STMT_COUNT] = {
#define S(NAME, params, sql) {#NAME, params, sql},
    EVENT_STATEMENTS(S)
#undef S
};

pg_t *
event_pool(loop_t *loop, const settings_t *settings, meters_t *metrics, const char *channel,
           void (*on_notify)(void *, const char *), void *arg)
{
    struct pg_options options = pg_settings_options(settings, metrics, "tunemill-events");

    options.statements = event_statements;
    options.statement_count = STMT_COUNT;
    options.connections = 1;
    options.arg = arg;
    options.listen = channel;
    options.on_notify = on_notify;
    return pg_new(loop, &options);
}
