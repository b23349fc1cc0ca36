#include "tests/unit/kit/sentry_help.h"

#include <stdlib.h>
#include <unistd.h>

#include "actors/kit/util/clock.h"
#include "actors/kit/runtime/log.h"
#include "tests/support/meter.h"

llm_stub_t *stub;
settings_t *settings;
meters_t *meters;

void
set(const char *assignment)
{
    char detail[300];

    ck_assert_msg(settings_set(settings, assignment, detail, sizeof(detail)) == TM_OK, "%s",
                  detail);
}

void
start_with(const char *dsn, const char *rate)
{
    char text[300];

    snprintf(text, sizeof(text), "sentry.dsn=%s", dsn);
    set(text);
    snprintf(text, sizeof(text), "sentry.traces_sample_rate=%s", rate);
    set(text);
    sentry_start(settings, "test");
    sentry_count(meters);
}

void
start(const char *rate)
{
    char *dsn = sentry_dsn_of(stub);

    start_with(dsn, rate);
    free(dsn);
}

void
stop(void)
{
    sentry_stop();
    sentry_count(NULL);
}

void
set_up(void)
{
    log_init("test", LOG_AT_INFO);
    stub = llm_stub_new();
    llm_stub_script(stub, &sentry_takes, 1);
    settings = settings_new();
    meters = meters_new("test");
}

void
tear_down(void)
{
    llm_stub_destroy(&stub);
    settings_destroy(&settings);
    meters_destroy(&meters);
    log_trace(NULL);
}

uint64_t
counted(const char *outcome)
{
    return meter_of(meters, METRIC_SENTRY, outcome);
}

void
await_counted(const char *outcome, uint64_t count)
{
    const int64_t end_ms = clock_ms() + 10000;

    while (counted(outcome) < count && clock_ms() < end_ms)
        usleep(5000);
    ck_assert_uint_eq(counted(outcome), count);
}

void
tell(const char *trace_text, const struct sentry_notes *notes)
{
    traceparent_t trace;

    traceparent_follow(trace_text, &trace);
    sentry_transaction(&(struct sentry_transaction){.name = "job tune",
                                                    .source = "task",
                                                    .op = "queue.process",
                                                    .http = 503,
                                                    .trace = &trace,
                                                    .took_us = 800000,
                                                    .notes = notes});
}
