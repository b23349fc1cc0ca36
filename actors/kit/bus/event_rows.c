#include "actors/kit/bus/event_rows.h"

const struct pg_statement event_statements[STMT_COUNT] = {
#define S(NAME, params, sql) {#NAME, params, sql},
    EVENT_STATEMENTS(S)
#undef S
};

pg_t *
event_pool(loop_t *loop, const settings_t *settings, meters_t *metrics, const char *channel,
           void (*on_notify)(void *, const char *), void *arg)
{
    struct pg_options options = {
        .url = settings->database_url,
        .application = "tunemill-events",
        .statements = event_statements,
        .statement_count = STMT_COUNT,
        .connections = 1,
        .connect_timeout_ms = (int)settings->database_connect_timeout_ms,
        .max_backoff_ms = (int)settings->database_max_backoff_ms,
        .metrics = metrics,
        .arg = arg,
        .listen = channel,
        .on_notify = on_notify,
    };

    return pg_new(loop, &options);
}
