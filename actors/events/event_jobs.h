/* event_jobs - events that arrive as jobs of the queue "events".
 *
 * A worker hands them in with its DONE, as jobs that follow (PROTOCOL.md), and they commit with
 * it; or anybody submits them. One event job is given out at a time, to one of all publishers,
 * so that they stay in order; its event and its end are one transaction.
 */
#ifndef ACTORS_EVENTS_EVENT_JOBS_H
#define ACTORS_EVENTS_EVENT_JOBS_H

#include "actors/kit/runtime/metrics.h"
#include "actors/kit/runtime/settings.h"

typedef struct event_jobs event_jobs_t;

event_jobs_t *event_jobs_new(const settings_t *settings, meters_t *metrics); /* NULL: logged */
void event_jobs_destroy(event_jobs_t **self_p);

#endif
