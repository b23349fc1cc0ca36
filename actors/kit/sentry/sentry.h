/* sentry - tells a Sentry project what went wrong in this process, and how long things took.
 *
 * Between sentry_start and sentry_stop every line that is logged as an error becomes an event,
 * with the lines before it; of events that are the same, one a second. What else should be
 * known is told with sentry_capture. Answers 4xx never are: they are the client's errors.
 *
 * Nobody waits for Sentry: see sentry_sender.h. Without sentry.dsn nothing is told, and all of
 * this is but a counting of errors. Of what is told, scrub (sentry_scrub.h) takes out secrets.
 *
 * Emits    metrics sentry_events_total and log_errors_total
 * Owns     the log's tap; one in a process, which is why there is no handle
 *
 * Any thread may call anything but the first three.
 */
#ifndef ACTORS_KIT_SENTRY_SENTRY_H
#define ACTORS_KIT_SENTRY_SENTRY_H

#include <stdbool.h>

#include "actors/kit/runtime/metrics.h"
#include "actors/kit/sentry/sentry_envelope.h"
#include "actors/kit/runtime/settings.h"

/* By main, before other threads are there. Settings are not kept. A DSN that is none is logged,
 * and nothing is told. */
void sentry_start(const settings_t *settings, const char *actor);
/* When the other threads have ended; waits at most three seconds for what is under way. */
void sentry_stop(void);
/* Where to count from now on; NULL before they are destroyed. What was counted without any is
 * added to the first. */
void sentry_count(meters_t *meters);

bool sentry_is_on(void); /* is anything told at all? */

/* The trace this thread works for and the lines before it are filled in. */
void sentry_capture(const struct sentry_event *event);

/* Whether the transactions of a trace are told: only if its flag says so and, of those,
 * sentry.traces_sample_rate; the same in every process. */
bool sentry_samples(const traceparent_t *trace);
/* Told if the trace is sampled. */
void sentry_transaction(const struct sentry_transaction *transaction);

#endif
