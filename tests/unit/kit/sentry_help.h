/* sentry_help - a process that tells a stub of Sentry: what the tests of it share. */
#ifndef TESTS_UNIT_KIT_SENTRY_HELP_H
#define TESTS_UNIT_KIT_SENTRY_HELP_H

#include <check.h>

#include "actors/kit/sentry/sentry.h"
#include "tests/support/sentry_world.h"

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN  "00f067aa0ba902b7"

extern llm_stub_t *stub;
extern settings_t *settings;
extern meters_t *meters;

void set_up(void); /* a stub that takes everything, and nothing is told yet */
void tear_down(void);

void set(const char *assignment);
void start(const char *rate); /* telling the stub; rate: of traces */
void start_with(const char *dsn, const char *rate);
void stop(void);

uint64_t counted(const char *outcome);                   /* of sentry_events_total */
void await_counted(const char *outcome, uint64_t count); /* fails the test after ten seconds */

/* A transaction "job tune" that is told, of the trace the text says. */
void tell(const char *traceparent, const struct sentry_notes *notes);

TCase *sentry_refusals_case(void);

#endif
