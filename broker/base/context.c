#include "broker/base/context.h"

bool
context_has_database(const context_t *self)
{
    return self->is_started && pg_is_up(self->pg);
}

bool
context_takes_body(const context_t *self, tm_str_t body)
{
    return body.size <= (size_t)self->settings->broker_max_body_kb * 1024;
}

void
context_log_trace(tm_str_t traceparent)
{
    traceparent_t trace;

    if (traceparent_parse(traceparent.data, traceparent.size, &trace))
        log_trace(&trace);
}
