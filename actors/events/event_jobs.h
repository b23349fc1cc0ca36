/* event_jobs - events that arrive as jobs of the queue "events".
 *
 * A worker hands them in with its DONE, as jobs that follow (PROTOCOL.md), and they commit with
 * it; or anybody submits them. One event job is given out at a time, to one of all publishers,
 * so that they stay in order; its event and its end are one transaction.
 */
#ifndef ACTORS_EVENTS_EVENT_JOBS_H
#define ACTORS_EVENTS_EVENT_JOBS_H

#include "actors/kit/service/service.h"

typedef struct event_jobs event_jobs_t;

event_jobs_t *event_jobs_new(const service_t *service); /* with a connection of its own */
void event_jobs_destroy(event_jobs_t **self_p);
void event_jobs_take(event_jobs_t *self, tm_job_t **job_p); /* waits for the database */

#endif
