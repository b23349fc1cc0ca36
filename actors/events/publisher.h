/* publisher - the process `tunemill events`: numbers events, so that everybody sees them in one
 * order.
 *
 * Handles  notifications of `event_outbox`; JOB on the queue "events", whose body is an event
 * Emits    notifications of `events`; with events.bus = redis, entries of a Redis stream
 * Owns     two database connections, a worker end
 *
 * Any number of them may run: a row's lock in the database lets one number at a time, and the
 * others wait for it. With events.bus = memory there is nothing to do but the jobs: the bridge
 * takes the events itself.
 *
 *     publisher.c   the process; numbering and pruning
 *     event_jobs.c  events that arrive as jobs, on a thread of their own
 *     relay.c       to Redis
 *     bus.c, bus_*.c, redis_*.c, event_rows.c, topics.c   the readers' side
 */
#ifndef ACTORS_EVENTS_PUBLISHER_H
#define ACTORS_EVENTS_PUBLISHER_H

#include "actors/kit/service/service.h"

extern const struct service_type events_service;

#endif
